"""Images are fetched once, and kept in memory and on the disk."""

from __future__ import annotations

import base64
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from click99.labelstudio.errors import (
    ImageNotAllowedError,
    ImageUnavailableError,
    ImageUnreadableError,
)
from click99.labelstudio.image_cache import DiskCache
from click99.labelstudio.images import Image, ImageSource
from tests.labelstudio.site import Site, Source, encoded, is_red, picture


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


def test_a_folder_with_room_is_not_listed_at_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    looks, listed = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: looks.append(folder) or listed(folder))
    cache = DiskCache(tmp_path / "images", 10_000)
    for number in range(90):
        cache.put(str(number), bytes(100))
        assert str(number) in cache
    assert len(looks) < 45


def test_eight_processes_keep_no_more_than_a_folder_may_hold(tmp_path: Path):
    caches = [DiskCache(tmp_path / "images", 10_000) for _ in range(8)]
    for number in range(200):
        caches[number % 8].put(f"{number:04}", bytes(100))
        assert len(os.listdir(tmp_path / "images")) <= 100
    assert "0199" in caches[0]
    assert "0000" not in caches[0]


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
