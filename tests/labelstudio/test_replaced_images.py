"""The file behind an address is replaced: its host is asked, and click99's own copy is never blamed."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.labelstudio import images as images_module
from click99.labelstudio.errors import ImageUnavailableError
from click99.labelstudio.images import Image, ImageSource
from tests.labelstudio.site import Site, Source, is_red, picture

TELLING = [{"ETag": '"1"'}, {"Last-Modified": "Sat, 28 Nov 2026 10:00:00 GMT"}]


def look(images: ImageSource, url: str, size: tuple[int, int] | None = (4, 6)) -> Image:
    """As for the first click on an object."""
    if fetching := images.fetching(url, size=size, anew=True):
        fetching.result()
    return images.get(url, size=size)


@pytest.mark.parametrize("headers", TELLING, ids=["ETag", "Last-Modified"])
def test_a_host_that_tells_is_asked_before_an_object(
    source: Source, site: Site, headers: dict[str, str | None]
):
    url, images = site.serve("/a.png", picture(colour="blue"), headers=headers), source([site.host])
    first = look(images, url)
    assert look(images, url) is first
    assert site.answered == [200, 304]
    site.serve("/a.png", picture(), headers={name: f"{value}, later" for name, value in headers.items()})
    assert is_red(look(images, url))
    assert site.answered == [200, 304, 200]


def test_within_an_object_it_is_not_asked(source: Source, site: Site):
    url, images = site.serve("/a.png", picture(), headers={"ETag": "1"}), source([site.host])
    look(images, url)
    assert images.fetching(url, size=(4, 6)) is None
    images.get(url, size=(4, 6))
    assert site.answered == [200]


def test_after_a_while_it_is(source: Source, site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images_module, "ASK_SECONDS", 0)
    url, images = site.serve("/a.png", picture(), headers={"ETag": "1"}), source([site.host])
    for _ in range(3):
        images.get(url)
    assert site.answered == [200, 304, 304]


def test_after_a_restart_it_is(source: Source, site: Site):
    url = site.serve("/a.png", picture(colour="blue"), headers={"ETag": "1"})
    source([site.host]).get(url)
    source([site.host]).get(url)
    site.serve("/a.png", picture(), headers={"ETag": "2"})
    assert is_red(source([site.host]).get(url))
    assert site.answered == [200, 304, 200]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"7", b'{"key": 1}', b'{"If-None-Match": "2"}'])
def test_damaged_notes_are_none(source: Source, site: Site, tmp_path: Path, damage: bytes):
    url = site.serve("/a.png", picture(), headers={"ETag": "1"})
    source([site.host]).get(url)
    (notes,) = (tmp_path / "image-conditions").iterdir()
    notes.write_bytes(damage)
    assert is_red(source([site.host]).get(url))


def test_another_size_is_fetched_anew(source: Source, site: Site):
    """Also where its host tells nothing."""
    url, images = site.serve("/a.png", picture(6, 4, "blue")), source([site.host])
    look(images, url)
    site.serve("/a.png", picture(8, 4))
    assert not is_red(look(images, url)), "nobody knows better"
    assert is_red(look(images, url, (4, 8)))
    assert site.answered == [200, 200]


def test_another_size_is_fetched_anew_without_conditions(source: Source, site: Site):
    """A host may be wrong about them, and so may who asks: it is fetched once."""
    url, images = site.serve("/a.png", picture(), headers={"ETag": "1"}), source([site.host])
    look(images, url)
    for _ in range(3):
        assert images.get(url, size=(99, 99)).pixels.shape[:2] == (4, 6)
    assert site.answered == [200, 200]


def test_a_replaced_file_on_the_disk_is_fetched_anew(source: Source, site: Site):
    url = site.serve("/a.png", picture(6, 4, "blue"))
    source([site.host]).get(url)
    site.serve("/a.png", picture(8, 4))
    assert is_red(source([site.host]).get(url, size=(4, 8)))


def test_a_host_that_is_gone_leaves_the_copy(source: Source, site: Site, caplog: pytest.LogCaptureFixture):
    url, images = site.serve("/a.png", picture(), headers={"ETag": "1"}), source([site.host])
    look(images, url)
    site.serve("/a.png", b"", 503)
    for _ in range(3):
        assert is_red(look(images, url))
    assert site.answered == [200, 503], "it holds up one click in five minutes"
    assert "answers 503" in caplog.text
    assert "the copy that was fetched before is used" in caplog.text


def test_a_host_that_is_gone_is_named_where_the_copy_does_not_fit(source: Source, site: Site):
    url, images = site.serve("/a.png", picture()), source([site.host])
    look(images, url)
    site.serve("/a.png", b"", 503)
    with pytest.raises(ImageUnavailableError, match="answers 503"):
        look(images, url, (4, 8))


def test_what_was_never_here_is_an_error(source: Source, site: Site):
    with pytest.raises(ImageUnavailableError, match="answers 404"):
        source([site.host]).get(site.url + "/a.png", size=(4, 6))


def test_nothing_changed_is_no_picture(source: Source, site: Site):
    """To who asked without conditions."""
    with pytest.raises(Exception, match="it is empty"):
        source([site.host]).get(site.serve("/a.png", b"", 304))


def test_behind_a_redirect(source: Source, site: Site):
    url, images = (
        site.redirect("/a", site.serve("/a.png", picture(), headers={"ETag": "1"})),
        source([site.host]),
    )
    for _ in range(2):
        assert is_red(look(images, url))
    assert site.answered == [302, 200, 302, 304]
