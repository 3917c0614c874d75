"""Images from real servers: who is asked, who gets the token, what is kept, and what is refused."""

from __future__ import annotations

import base64
import gzip
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from click99.labelstudio.client import Client
from click99.labelstudio.errors import (
    ImageError,
    ImageNotAllowedError,
    ImageTooLargeError,
    ImageUnavailableError,
    ImageUnreadableError,
)
from click99.labelstudio.images import Image, ImageSource, host_allowed
from tests.labelstudio.site import Site, encoded, picture
from tests.labelstudio.tokens import LEGACY, PERSONAL, REFRESH

UPLOAD = "/data/upload/1/0a1b2c3d-leaf.png"
LOCAL = "/data/local-files/?d=leaves/leaf%201.png"

Source = Callable[..., ImageSource]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return lambda *args, **options: ImageSource(tmp_path, *args, **options)


@pytest.fixture
def studio(site: Site) -> Site:
    """Label Studio's part: two images, for whoever brings the legacy token."""
    site.serve(UPLOAD, picture())
    site.serve(LOCAL, picture(colour="blue"))
    site.token = f"Token {LEGACY}"
    return site


def is_red(image: Image) -> bool:
    return bool((image.pixels == (255, 0, 0)).all())


# Label Studio's own images


@pytest.mark.parametrize("path", [UPLOAD, LOCAL])
def test_uploads_and_local_files_with_the_token(source: Source, studio: Site, path: str):
    image = source((), Client(studio.url, LEGACY)).get(path)
    assert image.pixels.shape == (4, 6, 3)
    assert studio.asked == [(path, f"Token {LEGACY}")]


def test_its_full_address_is_as_good_as_the_path(source: Source, studio: Site):
    assert is_red(source((), Client(studio.url, LEGACY)).get(studio.url + UPLOAD))
    assert studio.tokens == [f"Token {LEGACY}"]


def test_a_personal_access_token(source: Source, studio: Site):
    studio.token = None
    studio.serve(REFRESH, b'{"access": "short-lived"}')
    assert is_red(source((), Client(studio.url, PERSONAL)).get(UPLOAD))
    assert studio.asked == [(REFRESH, None), (UPLOAD, "Bearer short-lived")]


def test_a_wrong_token_names_the_setting(source: Source, studio: Site):
    with pytest.raises(ImageUnavailableError, match=rf"{UPLOAD} answers 401\. Set LABEL_STUDIO_API_KEY"):
        source((), Client(studio.url, "stale")).get(UPLOAD)


def test_an_unknown_label_studio_names_the_setting(source: Source):
    with pytest.raises(
        ImageNotAllowedError, match=r"leaf\.png is on Label Studio, .*Set LABEL_STUDIO_URL and"
    ):
        source().get(UPLOAD)


def test_a_label_studio_that_is_learnt_later(source: Source, studio: Site):
    images = source()
    images.use_label_studio(Client(studio.url, LEGACY))
    assert is_red(images.get(UPLOAD))


def test_local_files_are_never_read_here(source: Source, studio: Site, tmp_path: Path):
    file = tmp_path / "leaf.png"
    file.write_bytes(picture())
    images = source((), Client(studio.url, LEGACY))
    with pytest.raises(ImageUnavailableError, match="answers 404"):
        images.get(str(file))  # a path on Label Studio, and there is none such
    with pytest.raises(ImageNotAllowedError, match="not an address that click99 reads"):
        images.get(f"file://{file}")


# Other hosts


def test_an_allowed_host_gets_no_token(source: Source, studio: Site, new_site: Callable[[], Site]):
    other = new_site()
    url = other.serve("/leaf.png", picture())
    assert is_red(source([other.host], Client(studio.url, LEGACY)).get(url))
    assert other.asked == [("/leaf.png", None)]


def test_a_host_that_is_not_allowed_is_not_asked(source: Source, site: Site):
    url = site.serve("/leaf.png?signature=secret", picture())
    with pytest.raises(ImageNotAllowedError) as caught:
        source(["127.0.0.1", "localhost", f"localhost:{site.server_port}"]).get(url)
    assert f"{site.url}/leaf.png?… is on {site.host}, which is not allowed" in str(caught.value)
    assert f"Add {site.host} to CLICK99_ALLOWED_HOSTS" in str(caught.value)
    assert site.asked == []


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("https://example.com/a", ["example.com"], True),
        ("http://EXAMPLE.com:80/a", [" Example.com "], True),
        ("https://example.com:443/a", ["example.com:443"], True),
        ("https://example.com:8443/a", ["example.com:8443"], True),
        ("http://[::1]:8080/a", ["[::1]:8080"], True),
        ("http://user@example.com/a", ["example.com"], True),
        ("https://example.com:8443/a", ["example.com"], False),
        ("http://example.com/a", ["example.com:443"], False),
        ("https://sub.example.com/a", ["example.com"], False),
        ("https://example.com.evil/a", ["example.com"], False),
        ("https://example.com@evil/a", ["example.com"], False),
        ("https://evil/example.com", ["example.com"], False),
        ("https://evil/a", ["*", "", "*.evil"], False),
        ("https:///a", [""], False),
        ("ftp://example.com/a", ["example.com"], False),
        ("//example.com/a", ["example.com"], False),
        ("http://[::1/a", ["[::1"], False),
    ],
)
def test_hosts_are_compared_exactly(url: str, hosts: list[str], allowed: bool):
    assert host_allowed(url, hosts) is allowed


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/leaf.png",
        "leaf.png",
        "",
        "//127.0.0.1/leaf.png",
        "http://",
        "http://[::1",
        "javascript:alert(1)",
        "C:\\leaf.png",
        "http://127.0.0.1:99999/a",
    ],
)
def test_addresses_of_no_known_kind(source: Source, url: str):
    with pytest.raises(ImageNotAllowedError, match="not an address that click99 reads"):
        source(["127.0.0.1", "bucket"]).get(url)


@pytest.mark.parametrize(
    "trick",
    [
        "http://{ok}\\@{evil}/a.png",
        "http://{evil}#@{ok}/a.png",
        "http://{evil}?@{ok}/a.png",
        "http://{ok}@{evil}/a.png",
    ],
)
def test_no_spelling_leads_to_another_host(source: Source, new_site: Callable[[], Site], trick: str):
    ok, evil = new_site(), new_site()
    evil.serve("/a.png", picture())
    with pytest.raises(ImageError):
        source([ok.host]).get(trick.format(ok=ok.host, evil=evil.host))
    assert evil.asked == []


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_stays_behind_when_label_studio_redirects(
    source: Source, studio: Site, new_site: Callable[[], Site], status: int
):
    bucket = new_site()
    studio.redirect(UPLOAD, bucket.serve("/leaf.png", picture()), status)
    assert is_red(source([bucket.host], Client(studio.url, LEGACY)).get(UPLOAD))
    assert studio.tokens == [f"Token {LEGACY}"]
    assert bucket.tokens == [None]


def test_a_redirect_to_a_host_that_is_not_allowed(source: Source, studio: Site, new_site: Callable[[], Site]):
    bucket = new_site()
    studio.redirect(UPLOAD, bucket.serve("/leaf.png", picture()))
    with pytest.raises(ImageNotAllowedError, match=f"Add {bucket.host} to CLICK99_ALLOWED_HOSTS"):
        source((), Client(studio.url, LEGACY)).get(UPLOAD)
    assert bucket.asked == []


def test_a_redirect_within_label_studio_keeps_the_token(source: Source, studio: Site):
    studio.redirect(UPLOAD, LOCAL)
    source((), Client(studio.url, LEGACY)).get(UPLOAD)
    assert studio.asked == [(UPLOAD, f"Token {LEGACY}"), (LOCAL, f"Token {LEGACY}")]


def test_the_token_comes_back_only_with_label_studio(
    source: Source, studio: Site, new_site: Callable[[], Site]
):
    other = new_site()
    url = other.redirect("/there", studio.url + UPLOAD)
    assert is_red(source([other.host], Client(studio.url, LEGACY)).get(url))
    assert (other.tokens, studio.tokens) == ([None], [f"Token {LEGACY}"])


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:image/png;base64,AA"])
def test_redirects_to_other_schemes(source: Source, site: Site, target: str):
    url = site.redirect("/a", target)
    with pytest.raises(ImageNotAllowedError, match="not an address that click99 reads"):
        source([site.host]).get(url)


@pytest.mark.parametrize("target", ["/a", "http://[::1"])
def test_redirects_without_end_or_sense(source: Source, site: Site, target: str):
    url = site.redirect("/a", target)
    with pytest.raises(ImageUnavailableError):
        source([site.host]).get(url)
    assert len(site.asked) <= 6


# Data URIs


@pytest.mark.parametrize(
    "body",
    [
        base64.b64encode(picture()),
        base64.b64encode(picture()).rstrip(b"="),
        base64.b64encode(picture()).replace(b"+", b"%2B"),
    ],
    ids=["plain", "no padding", "percent-encoded"],
)
def test_data_uris(source: Source, body: bytes):
    assert is_red(source().get(f"data:image/png;base64,{body.decode()}"))


def test_data_uris_without_base64(source: Source):
    body = "".join(f"%{byte:02x}" for byte in picture())
    assert is_red(source().get(f"data:image/png,{body}"))


@pytest.mark.parametrize(
    "url", ["data:", "data:image/png;base64,", "data:image/png;base64,AA", "data:,hello"]
)
def test_data_uris_without_an_image(source: Source, url: str):
    with pytest.raises(ImageUnreadableError, match=r"^image: data:"):
        source().get(url)


@pytest.mark.parametrize("url", ["data:image/png;base64,A", "data:image/png;base64,\ud800"])
def test_data_uris_that_are_no_base64(source: Source, url: str):
    with pytest.raises(ImageUnavailableError, match="can't be decoded"):
        source().get(url)


# Limits and failures


def test_too_many_bytes_told_in_advance(source: Source, site: Site):
    url = site.serve("/a.png", b"", headers={"Content-Length": str(10**9)})
    with pytest.raises(ImageTooLargeError, match=r"a\.png has more than 1 MiB"):
        source([site.host], max_bytes=2**20).get(url)


def test_too_many_bytes_without_a_length(source: Source, site: Site):
    url = site.serve("/a.png", bytes(10**6), headers={"Content-Length": None})
    with pytest.raises(ImageTooLargeError, match=r"more than 0\.5 MiB"):
        source([site.host], max_bytes=2**19).get(url)


@pytest.mark.parametrize("length", [None, "x", ""])
def test_lengths_that_say_nothing(source: Source, site: Site, length: str | None):
    assert is_red(
        source([site.host]).get(site.serve("/a.png", picture(), headers={"Content-Length": length}))
    )


def test_chunks_that_are_none(source: Source, site: Site):
    url = site.serve("/a.png", picture(), headers={"Transfer-Encoding": "chunked"})
    with pytest.raises(ImageUnavailableError, match=r"can't be read \(ProtocolError"):
        source([site.host]).get(url)


def test_too_many_bytes_once_unpacked(source: Source, site: Site):
    url = site.serve("/a.png", gzip.compress(bytes(20 * 2**20)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(ImageTooLargeError, match="more than 1 MiB"):
        source([site.host], max_bytes=2**20).get(url)


def test_too_many_bytes_in_a_data_uri(source: Source):
    with pytest.raises(ImageTooLargeError, match="more than 1 MiB"):
        source(max_bytes=2**20).get("data:image/png;base64," + "A" * 2 * 2**20)


def test_too_many_pixels(source: Source, site: Site):
    url = site.serve("/a.png", picture(60, 40))
    with pytest.raises(ImageTooLargeError, match=r"a\.png \(60 × 40\)"):
        source([site.host], max_pixels=2399).get(url)


def test_a_host_that_drips_runs_out_of_time(source: Source, site: Site):
    site.seconds_per_byte = 0.02
    url = site.serve("/a.png", picture(60, 40))
    started = time.monotonic()
    with pytest.raises(ImageUnavailableError, match=r"takes longer than 0\.3 s"):
        source([site.host], timeout=0.3).get(url)
    assert time.monotonic() - started < 1.5


def test_a_host_that_does_not_answer(source: Source, site: Site):
    site.before_reply = lambda: time.sleep(1)
    with pytest.raises(ImageUnavailableError, match=r"takes longer than 0\.2 s"):
        source([site.host], timeout=0.2).get(site.url + "/a.png")


def test_a_download_that_breaks_off(source: Source, site: Site):
    url = site.serve("/a.png", picture(), headers={"Content-Length": "5000"})
    with pytest.raises(ImageUnavailableError, match=r"a\.png can't be read"):
        source([site.host]).get(url)


def test_nobody_there(source: Source):
    with pytest.raises(ImageUnavailableError, match=r"http://127\.0\.0\.1:9/a\.png can't be read"):
        source(["127.0.0.1:9"]).get("http://127.0.0.1:9/a.png")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(404, "Check the address"), (500, "Check the address"), (403, "readable without login")],
)
def test_error_statuses(source: Source, site: Site, status: int, remedy: str):
    url = site.serve("/a.png", picture(), status)
    with pytest.raises(ImageUnavailableError, match=rf"a\.png answers {status}\. .*{remedy}"):
        source([site.host]).get(url)


def test_a_page_instead_of_an_image(source: Source, site: Site):
    url = site.serve("/a.png", b"<html>log in</html>")
    with pytest.raises(ImageUnreadableError, match=rf"{site.url}/a\.png is no readable image"):
        source([site.host]).get(url)


def test_passwords_in_addresses_are_not_repeated(source: Source, site: Site):
    with pytest.raises(ImageUnavailableError) as caught:
        source([site.host]).get(f"http://me:secret@{site.host}/a.png?token=secret")
    assert "secret" not in str(caught.value)
    assert site.tokens == [None]


# What is kept


def test_an_image_is_fetched_once(source: Source, site: Site):
    url = site.serve("/a.png", picture())
    images = source([site.host])
    assert images.get(url) is images.get(url)
    assert site.paths == ["/a.png"]


def test_an_image_is_fetched_once_for_many_threads(source: Source, site: Site):
    url = site.serve("/a.png", picture())
    site.before_reply = lambda: time.sleep(0.2)
    images = source([site.host])
    start = threading.Barrier(8)

    def get(_: int) -> Image:
        start.wait()
        return images.get(url)

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(get, range(8)))
    assert len(found) == 1
    assert site.paths == ["/a.png"]


def test_a_failure_reaches_all_threads_and_is_forgotten(source: Source, site: Site):
    site.before_reply = lambda: time.sleep(0.2)
    images = source([site.host])
    with ThreadPoolExecutor(4) as pool:
        errors = [
            task.exception() for task in [pool.submit(images.get, site.url + "/a.png") for _ in range(4)]
        ]
    assert all(isinstance(error, ImageUnavailableError) for error in errors)
    site.serve("/a.png", picture())
    assert is_red(images.get(site.url + "/a.png"))


def test_after_a_restart_the_file_is_still_there(source: Source, site: Site):
    url = site.serve("/a.png", picture())
    before, after = source([site.host]).get(url), source([site.host]).get(url)
    assert before.key == after.key
    np.testing.assert_array_equal(before.pixels, after.pixels)
    assert site.paths == ["/a.png"]


def test_a_kept_file_is_not_served_once_its_host_is_no_longer_allowed(source: Source, site: Site):
    url = site.serve("/a.png", picture())
    source([site.host]).get(url)
    with pytest.raises(ImageNotAllowedError):
        source().get(url)


def test_the_key_is_the_content(source: Source, site: Site):
    first, same, other = (
        site.serve(f"/{number}", picture(colour=colour))
        for number, colour in enumerate(("red", "red", "blue"))
    )
    images = source([site.host])
    assert images.get(first).key == images.get(same).key != images.get(other).key
    assert (
        images.get("data:image/png;base64," + base64.b64encode(picture()).decode()).key
        == images.get(first).key
    )


def test_memory_is_limited_to_what_was_used_last(source: Source, site: Site):
    colours = ("red", "green", "blue")
    red, green, blue = (site.serve(f"/{colour}.png", picture(100, 100, colour)) for colour in colours)
    images = source([site.host], memory_bytes=70_000)  # two of 30,000 bytes each
    first, second = images.get(red), images.get(green)
    assert images.get(red) is first
    third = images.get(blue)
    assert images.get(red) is first
    assert images.get(blue) is third
    assert images.get(green) is not second


def test_the_disk_is_limited_and_private(source: Source, site: Site, tmp_path: Path):
    noise = [encoded(PillowImage.effect_noise((100, 100), 99)) for _ in range(4)]
    images = source([site.host], disk_bytes=int(2.5 * len(noise[0])))
    for number, data in enumerate(noise):
        images.get(site.serve(f"/{number}", data))
        time.sleep(0.01)  # the oldest goes first
    folder = tmp_path / "images"
    assert {file.read_bytes() for file in folder.iterdir()} == set(noise[2:])
    assert (folder.stat().st_mode & 0o777) == 0o700


def test_what_is_a_day_old_is_fetched_anew(source: Source, site: Site, tmp_path: Path):
    url = site.serve("/a.png", picture(colour="blue"))
    source([site.host]).get(url)
    for file in (tmp_path / "images").iterdir():
        os.utime(file, (0, time.time() - 25 * 3600))
    site.serve("/a.png", picture())
    assert is_red(source([site.host]).get(url))


def test_without_a_writable_folder_images_still_come(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    home = tmp_path / "file"
    home.write_text("in the way")
    images = ImageSource(home, [site.host])
    for name in ("a", "b"):
        assert is_red(images.get(site.serve(f"/{name}.png", picture())))
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["CLICK99_HOME"]


def test_what_is_not_an_image_is_not_kept(source: Source, site: Site, tmp_path: Path):
    images = source([site.host])
    with pytest.raises(ImageUnreadableError):
        images.get(site.serve("/a.png", b"not yet"))
    site.serve("/a.png", picture())
    assert is_red(images.get(site.url + "/a.png"))


def test_rotation_is_applied_once_also_from_disk(source: Source, site: Site):
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    url = site.serve("/a.jpg", encoded(PillowImage.new("RGB", (40, 20)), "JPEG", exif=exif))
    shapes: list[Any] = [source([site.host]).get(url).pixels.shape for _ in range(2)]
    assert shapes == [(40, 20, 3)] * 2
