"""Which Label Studio is believed, and what is done with what it says at /setup."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.payloads import SetupRequest
from click99.server.connection import Connection, is_loopback
from click99.server.settings import Settings
from tests.labelstudio.site import Site, running
from tests.server.requests import Start, body, encoded, keypoint

TOKEN = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def vouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host knows every token."""
    monkeypatch.setattr(Client, "call", lambda *_, **__: {"id": 1})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool):
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("hostname", "from_loopback", "allowed", "used"),
    [
        ("http://localhost:8080", True, "", True),
        ("http://127.0.0.1:8080", True, "", True),
        ("http://localhost:8080", False, "", False),
        ("http://label.studio", True, "", False),
        ("http://label.studio", False, "label.studio", True),
        ("http://label.studio", False, "other.studio", False),
        ("http://label.studio:8080", False, "label.studio:8080", True),
        ("http://localhost@evil.example", True, "", False),
        ("file://localhost/etc/passwd", True, "", False),
        ("http://[", True, "", False),
        ("", True, "", False),
    ],
)
def test_an_introduction_is_taken_only_from_where_it_may_be(
    vouched: None, tmp_path: Path, hostname: str, from_loopback: bool, allowed: str, used: bool
):
    connection = Connection(Settings(home=tmp_path, allowed_hosts=allowed))
    said = SetupRequest.model_validate({"hostname": hostname, "access_token": TOKEN})
    assert connection.introduce(said, from_loopback) is used
    assert (connection.client is not None) is used


def test_a_configured_label_studio_is_the_only_one(tmp_path: Path):
    connection = Connection(
        Settings(home=tmp_path, label_studio_url="http://label.studio", allowed_hosts="b")
    )
    said = SetupRequest.model_validate({"hostname": "http://b", "access_token": TOKEN})
    assert not connection.introduce(said, True)
    assert connection.client is not None
    assert connection.client.url == "http://label.studio"


NAME = "https://labels.example.org/sub"
OTHER_NAME = body([keypoint("a", 20, 20)], f"{NAME}/data/upload/1/a.png")


def test_a_name_that_setup_tells_is_asked_of_the_configured_one(
    start: Start, label_studio: tuple[str, list[str | None]]
):
    """And outlives a restart, in which nobody says it again."""
    told = {"label_studio_url": label_studio[0], "label_studio_api_key": TOKEN}
    server = start(**told)
    assert "set LABEL_STUDIO_HOST" in server.post("/predict", json=OTHER_NAME).json()["detail"]
    server.post("/setup", json=setup(NAME))
    for each in (server, start(**told)):
        assert each.post("/predict", json=OTHER_NAME).status_code == 200
    assert set(label_studio[1]) == {f"Token {TOKEN}"}


def test_a_name_is_not_taken_from_who_knows_no_token(
    start: Start, label_studio: tuple[str, list[str | None]]
):
    server = start(label_studio_url=label_studio[0], label_studio_api_key=TOKEN)
    server.post("/setup", json=setup(NAME) | {"access_token": "rubbish"})
    assert server.post("/predict", json=OTHER_NAME).status_code == 422


def test_the_name_that_is_set_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Label Studio's legacy token may be off, as it is by default: nobody needs it."""
    connection = Connection(Settings(home=tmp_path, label_studio_url="http://label.studio/"))
    said = SetupRequest.model_validate({"hostname": "http://LABEL.studio:80", "access_token": "off"})
    assert not connection.introduce(said, True)
    assert caplog.messages == []


def test_the_name_can_be_set(start: Start, label_studio: tuple[str, list[str | None]]):
    told = {"label_studio_url": label_studio[0], "label_studio_api_key": TOKEN, "label_studio_host": NAME}
    server = start(**told)
    assert server.post("/predict", json=OTHER_NAME).status_code == 200
    asked = len(label_studio[1])
    server.post("/setup", json=setup("https://other.example.org"))
    assert len(label_studio[1]) == asked


def test_localhost_stays_another_host_where_it_is_listed(vouched: None, tmp_path: Path):
    """A Label Studio without LABEL_STUDIO_HOST says so; from click99 it may be something else."""
    settings = Settings(home=tmp_path, label_studio_url="http://label.studio", allowed_hosts="localhost:8080")
    assert not Connection(settings).introduce(
        SetupRequest.model_validate({"hostname": "http://localhost:8080", "access_token": TOKEN}), True
    )


def test_a_name_is_no_address_to_ask(vouched: None, tmp_path: Path):
    """What was taken as a name beside LABEL_STUDIO_URL is not asked once that is unset."""
    said = SetupRequest.model_validate({"hostname": "http://localhost:8080", "access_token": TOKEN})
    assert Connection(Settings(home=tmp_path, label_studio_url="http://label.studio")).introduce(said, True)
    assert Connection(Settings(home=tmp_path)).client is None


def test_a_refusal_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    connection = Connection(Settings(home=tmp_path))
    said = SetupRequest.model_validate({"hostname": "http://label.studio", "access_token": TOKEN})
    for _ in range(3):
        connection.introduce(said, True)
    (message,) = caplog.messages
    assert "http://label.studio" in message
    assert "LABEL_STUDIO_URL" in message
    assert TOKEN not in message


def test_what_was_taken_outlives_a_restart_for_its_owner_only(vouched: None, tmp_path: Path):
    said = SetupRequest.model_validate({"hostname": "http://localhost:8080", "access_token": TOKEN})
    assert Connection(Settings(home=tmp_path)).introduce(said, True)
    again = Connection(Settings(home=tmp_path))
    assert again.client is not None
    assert again.client.url == "http://localhost:8080"
    assert not again.introduce(said, True)  # nothing new
    assert stat.S_IMODE((tmp_path / "label-studio.json").stat().st_mode) == 0o600


def test_what_is_no_longer_allowed_is_forgotten(vouched: None, tmp_path: Path):
    said = SetupRequest.model_validate({"hostname": "http://label.studio", "access_token": TOKEN})
    assert Connection(Settings(home=tmp_path, allowed_hosts="label.studio")).introduce(said, False)
    assert Connection(Settings(home=tmp_path)).client is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"hostname": 7}'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: str):
    (tmp_path / "label-studio.json").write_text(content)
    assert Connection(Settings(home=tmp_path)).client is None


@pytest.fixture
def label_studio() -> Iterator[tuple[str, list[str | None]]]:
    """Serves an upload on loopback to who shows the token: (address, Authorization headers it saw)."""
    seen: list[str | None] = []

    class Upload(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            pages = {"/data/upload/1/a.png": encoded(), "/api/current-user/whoami": b'{"id": 1}'}
            authorized, known = seen[-1] == f"Token {TOKEN}", self.path in pages
            content = pages[self.path] if authorized and known else b""
            self.send_response(401 if not authorized else 200 if known else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Upload)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as one:
        yield one


UPLOAD = body([keypoint("a", 20, 20)], "/data/upload/1/a.png")


def setup(address: str) -> dict[str, Any]:
    return {"project": "1.1", "schema": "<View/>", "hostname": address, "access_token": TOKEN}


def test_a_local_trial_needs_no_settings(start: Start, label_studio: tuple[str, list[str | None]]):
    server = start()
    assert server.post("/predict", json=UPLOAD).status_code == 422
    server.post("/setup", json=setup(label_studio[0]))
    assert server.post("/predict", json=UPLOAD).status_code == 200
    assert start().post("/predict", json=UPLOAD).status_code == 200  # restarted: no /setup in between


def test_a_stranger_cannot_point_click99_at_loopback(
    start: Start, label_studio: tuple[str, list[str | None]]
):
    server = start(peer="203.0.113.9")
    server.post("/setup", json=setup(label_studio[0]))
    assert server.post("/predict", json=UPLOAD).status_code == 422
    assert label_studio[1] == []


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_who_comes_through_a_proxy_is_not_on_loopback(
    start: Start, label_studio: tuple[str, list[str | None]], header: str
):
    server = start()
    server.post("/setup", json=setup(label_studio[0]), headers={header: "127.0.0.1"})
    assert label_studio[1] == []
    assert server.post("/predict", json=UPLOAD).status_code == 422


def test_a_rubbish_token_changes_nothing(start: Start, label_studio: tuple[str, list[str | None]]):
    server = start()
    server.post("/setup", json=setup(label_studio[0]))
    for _ in range(3):
        rubbish = setup(label_studio[0]) | {"access_token": "rubbish"}
        assert server.post("/setup", json=rubbish).status_code == 200
    assert label_studio[1].count("Token rubbish") == 1, "not asked again and again"
    assert server.post("/predict", json=UPLOAD).status_code == 200
    assert start().post("/predict", json=UPLOAD).status_code == 200


def test_an_allowed_host_that_is_no_label_studio_is_not_named_so(start: Start, site: Site):
    site.serve("/api/current-user/whoami", b'["an image host"]')
    server = start(allowed_hosts=site.host)
    server.post("/setup", json=setup(site.url))
    reply = server.post("/predict", json=UPLOAD)
    assert "whose address is not known" in reply.json()["detail"]


@pytest.mark.parametrize("path", ["/setup", "/train", "/webhook", "/predict"])
def test_another_sites_page_cannot_post(start: Start, path: str):
    server, sent = start(), json.dumps(setup("http://localhost:1")).encode()
    for origin in ("http://evil.example", "null", "http://testserver.evil.example"):
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        assert server.post(path, content=sent, headers=headers).status_code == 403
    assert server.post("/setup", content=sent, headers={"Origin": "http://testserver"}).status_code == 200


def test_the_configured_key_is_used(start: Start, label_studio: tuple[str, list[str | None]]):
    server = start(label_studio_url=label_studio[0], label_studio_api_key=TOKEN)
    assert server.post("/predict", json=UPLOAD).status_code == 200
    assert set(label_studio[1]) == {f"Token {TOKEN}"}


def test_a_refused_key_names_the_variable(start: Start, label_studio: tuple[str, list[str | None]]):
    server = start(label_studio_url=label_studio[0], label_studio_api_key="0" * 40)
    response = server.post("/predict", json=UPLOAD)
    assert response.status_code == 422
    assert "LABEL_STUDIO_API_KEY" in response.json()["detail"]
    assert json.dumps("0" * 40) not in response.text


def test_an_upload_that_is_gone_is_named(start: Start, label_studio: tuple[str, list[str | None]]):
    server = start(label_studio_url=label_studio[0], label_studio_api_key=TOKEN)
    response = server.post("/predict", json=body([keypoint("a", 20, 20)], "/data/upload/1/gone.png"))
    assert response.status_code == 422
    assert "gone.png" in response.json()["detail"]
    assert "404" in response.json()["detail"]


def test_what_one_worker_is_told_all_know(vouched: None, tmp_path: Path):
    told, other = Connection(Settings(home=tmp_path)), Connection(Settings(home=tmp_path))
    assert other.client is None
    introduction = SetupRequest.model_validate({"hostname": "http://127.0.0.1:8080", "access_token": TOKEN})
    assert told.introduce(introduction, from_loopback=True)
    assert other.look_again()
    assert other.client
    assert other.client.url == "http://127.0.0.1:8080"
    assert not other.look_again()
