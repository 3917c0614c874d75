"""The page at `/` and its API: what browsers and programs get, and every way of asking wrongly."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from click99 import budget
from click99.try_page.pictures import Pictures
from tests.server.requests import HEIGHT, WIDTH, Start, encoded

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FIRST = {"id": "object-1 click-1", "x": 20, "y": 15}
SECOND = {"id": "object-1 click-2", "x": 40, "y": 30}
NOT_IT = {"id": "object-1 click-3", "x": 20, "y": 15, "positive": False}
BOX = {"id": "object-1 box-1", "left": 10, "top": 5, "right": 30, "bottom": 25}
LASSO = {"id": "object-1 lasso-1", "lasso": [[10, 5], [29, 5], [10, 24]]}


@pytest.fixture
def picture(server: TestClient) -> str:
    told = server.post("/try/pictures", content=encoded()).json()
    assert (told["width"], told["height"]) == (WIDTH, HEIGHT)
    return told["picture"]


@pytest.fixture
def ask(server: TestClient, picture: str) -> Callable[..., np.ndarray]:
    """The mask after prompts: bool [H, W]."""
    return lambda *prompts: mask_of(server.post("/try/masks", json=question(picture, *prompts)).json())


def question(picture: str, *prompts: dict[str, Any]) -> dict[str, Any]:
    return {"picture": picture, "prompts": prompts}


def mask_of(answer: dict[str, Any]) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if answer["png"]:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["png"]))))
        assert (pixels[..., 0] == 255).all(), "white"
        height, width = pixels.shape[:2]
        top, left = answer["top"], answer["left"]
        mask[top : top + height, left : left + width] = pixels[..., 1] > 127
    return mask


def test_browsers_get_the_page_and_programs_the_health(server: TestClient):
    page = server.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert server.get("/").json()["status"] == "UP"


@pytest.mark.parametrize("part", ["page.js", "view.js", "objects.js", "downloads.js", "page.css", "icon.svg"])
def test_its_parts_are_there(server: TestClient, part: str):
    page = server.get("/", headers=BROWSER).text + server.get("/try/static/page.js").text
    assert part in page
    assert server.get(f"/try/static/{part}").status_code == 200


def test_its_samples_are_pictures(server: TestClient):
    for name in ("coffee", "chelsea", "coins", "rocket"):
        assert server.post(
            "/try/pictures", content=server.get(f"/try/static/samples/{name}.jpg").content
        ).is_success


def test_clicks_are_answered_with_masks(ask: Callable[..., np.ndarray]):
    first = ask(FIRST)
    assert first[15, 20]
    assert not first[30, 40]
    both = ask(FIRST, SECOND)
    assert both[15, 20]
    assert both[30, 40]
    assert not ask(FIRST, SECOND, NOT_IT)[15, 20]
    assert (ask(FIRST) == first).all(), "undo"


def test_a_box_holds_its_mask_and_clicks_correct_it(ask: Callable[..., np.ndarray]):
    boxed = ask(BOX)
    rows, columns = np.nonzero(boxed)
    assert boxed.any()
    assert rows.min() >= 5
    assert rows.max() < 25
    assert columns.min() >= 10
    assert columns.max() < 30
    assert ask(BOX, SECOND)[30, 40]
    assert (ask(SECOND, BOX) == boxed).all(), "what was clicked before it does not count"


def test_a_lasso_holds_its_mask_and_clicks_correct_it(ask: Callable[..., np.ndarray]):
    enclosed = ask(LASSO)
    assert enclosed[9, 14]
    assert not enclosed[23, 28], "in its box, and not within the line"
    assert ask(LASSO, SECOND)[30, 40]
    assert (ask(SECOND, LASSO) == enclosed).all(), "what was clicked before it does not count"
    assert (ask(BOX, LASSO) == enclosed).all()


def test_an_empty_mask_has_no_picture(server: TestClient, picture: str):
    answer = server.post("/try/masks", json=question(picture, NOT_IT)).json()
    assert (answer["png"], answer["quality"]) == ("", 0)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([{**FIRST, "x": WIDTH}], f"prompts[0]: AskedClick(id='object-1 click-1', x={WIDTH}"),
        ([FIRST, {**SECOND, "y": -1}], "prompts[1]"),
        ([{**BOX, "right": 10}], "is empty or not inside the picture, which is 64 × 48 pixels"),
        ([{**LASSO, "lasso": [[10, 5], [64, 5], [10, 24]]}], "is empty or not inside the picture"),
        ([{**LASSO, "lasso": [[10, 5], [20, 5]]}], "prompts[0]"),
        ([{**LASSO, "lasso": [[10, 5]] * 2001}], "prompts[0]"),
        ([], "prompts: "),
        ([FIRST] * 201, "prompts: "),
        ([{**FIRST, "id": "1"}], "at least 8 characters"),
        ([{**FIRST, "x": 1e9}], "prompts[0]"),
        (["click"], "prompts[0]"),
        (None, "prompts: "),
    ],
)
def test_wrong_prompts_are_named(server: TestClient, picture: str, prompts: object, message: str):
    reply = server.post("/try/masks", json={"picture": picture, "prompts": prompts})
    assert reply.status_code == 400
    assert message in reply.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"picture": "../../etc/passwd", "prompts": []}']
)
def test_what_is_no_question_is_refused(server: TestClient, body: bytes):
    reply = server.post("/try/masks", content=body)
    assert reply.status_code == 400
    assert "docs/reference/try-page.md" in reply.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"no picture", encoded()[:100]])
def test_what_is_no_picture_is_refused(server: TestClient, content: bytes):
    assert server.post("/try/pictures", content=content).status_code == 422


def test_a_picture_too_large_is_refused(start: Start):
    detail = start(image_megapixels=0.001).post("/try/pictures", content=encoded()).json()["detail"]
    assert "CLICK99_IMAGE_MEGAPIXELS" in detail
    detail = start(image_mb=1).post("/try/pictures", content=bytes(2**20 + 1)).json()["detail"]
    assert "CLICK99_IMAGE_MB" in detail


def test_memory_that_lacks_for_a_mask_is_told(
    server: TestClient, picture: str, monkeypatch: pytest.MonkeyPatch
):
    def large(*_: object) -> None:
        raise MemoryError("Unable to allocate 596 MiB")

    monkeypatch.setattr("click99.server.try_page.mask_after", large)
    asked = {"picture": picture, "prompts": [{"id": "12345678", "x": 3, "y": 3, "positive": True}]}
    reply = server.post("/try/masks", json=asked)
    assert reply.status_code == 422
    assert "more memory than is free (Unable to allocate 596 MiB). Give" in reply.json()["detail"]


def test_a_picture_too_large_for_the_memory_that_is_free_waits_for_none(
    server: TestClient, picture: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(budget, "LOOKED_AT", 0)
    monkeypatch.setattr(budget, "free_memory", lambda: 0)
    question = {"picture": picture, "prompts": [{"id": "12345678", "x": 20, "y": 20}]}
    reply = server.post("/try/masks", json=question)
    assert (reply.status_code, "0 are free" in reply.json()["detail"]) == (422, True)


def test_a_picture_outlives_a_restart_and_is_asked_for_when_it_is_gone(start: Start, picture: str):
    assert start().post("/try/masks", json=question(picture, FIRST)).is_success
    unknown = start().post("/try/masks", json=question("0" * 64, FIRST))
    assert unknown.status_code == 404
    assert "/try/pictures" in unknown.json()["detail"]


def test_a_picture_that_is_damaged_on_the_disk_is_asked_for(start: Start, tmp_path: Path, picture: str):
    (kept,) = (tmp_path / "try-page").iterdir()
    kept.write_bytes(encoded(format="TIFF"))
    assert start().post("/try/masks", json=question(picture, FIRST)).status_code == 404


def test_a_picture_can_be_had_as_any_browser_shows_it(server: TestClient):
    told = server.post("/try/pictures", content=encoded(format="TIFF")).json()
    shown = Image.open(io.BytesIO(server.get(f"/try/pictures/{told['picture']}").content))
    assert (shown.format, shown.size) == ("PNG", (WIDTH, HEIGHT))
    assert server.get("/try/pictures/..%2Fclick99.db").status_code == 404


def test_a_part_of_a_picture_can_be_had_with_fewer_pixels(server: TestClient, picture: str):
    asked = {"left": 4, "top": 8, "right": 44, "bottom": 28, "side": 20}
    reply = server.get(f"/try/pictures/{picture}", params=asked)
    shown = Image.open(io.BytesIO(reply.content))
    assert (shown.format, shown.size) == ("JPEG", (20, 10))
    whole = Image.open(io.BytesIO(encoded())).convert("RGB")
    exact = whole.crop((4, 8, 44, 28)).resize((20, 10), Image.Resampling.BOX)
    assert np.abs(np.asarray(shown, int) - np.asarray(exact, int)).mean() < 25, "noise, and JPEG"
    as_it_is = server.get(f"/try/pictures/{picture}", params=asked | {"side": 4000})
    assert Image.open(io.BytesIO(as_it_is.content)).size == (40, 20)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"right": WIDTH + 1}, "64 × 48"),
        ({"left": 44}, "is empty"),
        ({"side": 0}, "side"),
        ({"top": "a"}, "top"),
    ],
)
def test_a_part_that_is_none_is_refused(server: TestClient, picture: str, wrong: dict[str, Any], named: str):
    asked = {"left": 4, "top": 8, "right": 44, "bottom": 28, "side": 20} | wrong
    reply = server.get(f"/try/pictures/{picture}", params=asked)
    assert reply.status_code == 400
    assert named in reply.json()["detail"]


def test_the_largest_picture_that_is_allowed_is_kept_in_memory(tmp_path: Path):
    pictures = Pictures(tmp_path, 2**20, WIDTH * HEIGHT, memory_bytes=1000)
    image = pictures.add(encoded())
    assert pictures.get(image.key).pixels is image.pixels, "not decoded again"


def test_it_can_be_left_out(start: Start):
    server = start(try_page=False)
    assert server.get("/", headers=BROWSER).json()["status"] == "UP"
    assert server.get("/try/static/page.js").status_code == 404
    assert server.post("/try/pictures", content=encoded()).status_code == 404


def test_it_asks_for_the_password(start: Start):
    server = start(basic_auth_user="anna", basic_auth_password="secret")
    assert server.get("/", headers=BROWSER).status_code == 401
    assert server.get("/try/static/page.js").status_code == 401
    assert server.post("/try/pictures", content=encoded()).status_code == 401
    assert server.get("/", headers=BROWSER, auth=("anna", "secret")).is_success


def test_another_site_can_not_use_it(server: TestClient):
    sent = server.post("/try/pictures", content=encoded(), headers={"Origin": "https://elsewhere.example"})
    assert sent.status_code == 403
