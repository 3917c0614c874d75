"""Which hosts are asked for an image, and who gets the token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.errors import (
    ImageError,
    ImageNotAllowedError,
    ImageUnavailableError,
)
from click99.labelstudio.fetch import host_allowed
from tests.labelstudio.site import Site, Source, is_red, picture
from tests.labelstudio.tokens import LEGACY, PERSONAL, REFRESH

UPLOAD = "/data/upload/1/0a1b2c3d-leaf.png"
LOCAL = "/data/local-files/?d=leaves/leaf%201.png"


@pytest.fixture
def studio(site: Site) -> Site:
    """Label Studio's part: two images, for whoever brings the legacy token."""
    site.serve(UPLOAD, picture())
    site.serve(LOCAL, picture(colour="blue"))
    site.token = f"Token {LEGACY}"
    return site


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


# Label Studio by another name


NAME = "https://labels.example.org/sub"


@pytest.mark.parametrize("path", [UPLOAD, LOCAL])
@pytest.mark.parametrize(
    "prefix", [NAME, "/sub", "HTTPS://Labels.Example.org:443/sub", "http://labels.example.org/sub", ""]
)
def test_what_is_under_its_name_is_asked_of_it(source: Source, studio: Site, path: str, prefix: str):
    client = Client(studio.url, LEGACY, names=["", NAME])
    assert source((), client).get(prefix + path).pixels.shape == (4, 6, 3)
    assert studio.asked == [(path, f"Token {LEGACY}")]


def test_a_name_without_and_an_address_with_a_prefix(source: Source, studio: Site):
    client = Client(f"{studio.url}/ls", LEGACY, names=["https://labels.example.org/"])
    studio.serve(f"/ls{UPLOAD}", picture())
    for address in (
        f"https://labels.example.org{UPLOAD}",
        UPLOAD,
        f"/ls{UPLOAD}",
        f"{studio.url}/ls{UPLOAD}",
    ):
        assert is_red(source((), client).get(address))
    assert set(studio.paths) == {f"/ls{UPLOAD}"}


def test_the_other_name_is_never_asked(source: Source, studio: Site, new_site: Callable[[], Site]):
    other = new_site()
    other.serve(UPLOAD, picture())
    images = source([other.host], Client(studio.url, LEGACY, names=[other.url]))
    assert is_red(images.get(other.url + UPLOAD))
    studio.redirect(LOCAL, other.url + UPLOAD)
    assert is_red(images.get(LOCAL))
    assert other.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "https://labels.example.org/subway/a.png",
        "https://labels.example.org/data/a.png",
        "https://labels.example.org:8443/sub/a.png",
        "http://labels.example.org:8080/sub/a.png",
        "https://labels.example.org@evil/sub/a.png",
        "https://evil/https://labels.example.org/sub/a.png",
        "https://sub.labels.example.org/sub/a.png",
        "//labels.example.org/sub/a.png",
    ],
)
def test_what_only_looks_like_its_name_is_not_fetched(source: Source, studio: Site, address: str):
    with pytest.raises(ImageNotAllowedError):
        source((), Client(studio.url, LEGACY, names=[NAME])).get(address)
    assert studio.asked == []


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
        "s4://bucket/leaf.png",
        "S3://bucket/leaf.png",
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


@pytest.mark.parametrize("written", ["/gr%C3%B6%C3%9Fe 1.png", "/größe 1.png"])
def test_a_redirect_may_hold_letters_as_they_are(source: Source, site: Site, written: str):
    """In UTF-8, as browsers read it; header lines are latin-1 to Python."""
    site.serve("/gr%C3%B6%C3%9Fe%201.png", picture())
    url = site.redirect("/a", written.encode().decode("latin-1"))
    assert is_red(source([site.host]).get(url))


@pytest.mark.parametrize(
    ("status", "remedy"), [(503, "again later"), (429, "again later"), (404, "task's data")]
)
def test_a_host_that_is_busy_is_not_the_task_s_fault(source: Source, site: Site, status: int, remedy: str):
    url = site.serve("/a.png", b"no", status)
    with pytest.raises(ImageUnavailableError, match=f"answers {status}.*{remedy}"):
        source([site.host]).get(url)


@pytest.mark.parametrize("target", ["/a", "http://[::1"])
def test_redirects_without_end_or_sense(source: Source, site: Site, target: str):
    url = site.redirect("/a", target)
    with pytest.raises(ImageUnavailableError):
        source([site.host]).get(url)
    assert len(site.asked) <= 6


def test_a_damaged_copy_is_fetched_anew(source: Source, site: Site, tmp_path: Path):
    url = site.serve("/a.png", picture(60, 40))
    source([site.host]).get(url)
    (kept,) = (tmp_path / "images").iterdir()
    for damage in (kept.read_bytes()[:50], b"", b"\0" * 500):
        kept.write_bytes(damage)
        assert is_red(source([site.host]).get(url))
        assert kept.read_bytes() == picture(60, 40)
    assert len(site.asked) == 4
