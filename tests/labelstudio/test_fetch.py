"""What hosts answer, and what is refused: data URIs, sizes, times, errors."""

from __future__ import annotations

import base64
import gzip
import time

import pytest

from click99.labelstudio.errors import (
    ImageTooLargeError,
    ImageUnavailableError,
    ImageUnreadableError,
)
from tests.labelstudio.site import Site, Source, is_red, picture


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


@pytest.mark.parametrize("head", ["DATA:image/png;BASE64", "Data:IMAGE/PNG; base64 ", "data:;Base64"])
def test_data_uris_are_read_as_browsers_do(source: Source, head: str):
    images = source()
    address = f"{head},{base64.b64encode(picture()).decode()}"
    assert is_red(images.get(address))
    assert images.fetching(address) is None, "there is nothing to wait for"


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
    [(404, "Check the address"), (500, "busy or broken: click again later"), (403, "readable without login")],
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
