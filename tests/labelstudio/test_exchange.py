"""Exchanges over real sockets with hosts that never come to an end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ImageError
from click99.labelstudio.images import ImageSource
from tests.labelstudio.site import Site, picture
from tests.labelstudio.slow_hosts import (
    Peer,
    drips_bytes,
    drips_header_lines,
    drips_the_body,
    floods_the_body,
    floods_with_continue,
    listening,
    says_continue,
    says_nothing,
)

PEERS: list[Peer] = [
    *(drips_header_lines, drips_bytes, drips_the_body, says_continue, floods_with_continue),
    *(floods_the_body, says_nothing),
]


@pytest.mark.parametrize("behaviour", PEERS, ids=lambda peer: peer.__name__)
def test_an_image_has_a_deadline(behaviour: Peer, tmp_path: Path):
    with listening(behaviour) as host:
        began = time.monotonic()
        with pytest.raises(ImageError, match=r"takes longer|can't be read|more than 1 MiB"):
            ImageSource(tmp_path, [host], max_bytes=2**20, timeout=0.5).get(f"http://{host}/a.png")
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("behaviour", PEERS, ids=lambda peer: peer.__name__)
def test_an_api_call_has_a_deadline(behaviour: Peer):
    with listening(behaviour) as host:
        began = time.monotonic()
        with pytest.raises(ApiError, match="does not answer"):
            Client(f"http://{host}", "key", timeout=0.5).call("GET", "/api/projects", max_bytes=2**20)
        assert time.monotonic() - began < 3


def test_an_answer_nested_without_end_is_none(site: Site):
    site.serve("/api/x", b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(ApiError, match="did not answer with JSON"):
        Client(site.url, "key").call("GET", "/api/x")


@pytest.mark.slow("waits for a slow host")
def test_other_hosts_images_come_meanwhile(site: Site, tmp_path: Path):
    with listening(says_nothing) as host:
        source = ImageSource(tmp_path, [host, site.host], timeout=2)
        waits = [source.fetching(f"http://{host}/{number}.png") for number in range(40)]
        began = time.monotonic()
        assert source.get(site.serve("/good.png", picture())).pixels.size
        assert time.monotonic() - began < 1.5
        for wait in waits:
            assert wait
            with pytest.raises(ImageError, match="takes longer"):
                wait.result(10)
        assert time.monotonic() - began < 6, "their time runs while they wait, too"


def test_what_is_here_is_not_fetched(site: Site, tmp_path: Path):
    source, url = ImageSource(tmp_path, [site.host]), site.serve("/a.png", picture())
    asked = threading.Event()
    site.before_reply = lambda: asked.wait(10)
    wait = source.fetching(url)
    assert wait
    asked.set()
    assert wait.result() is source.get(url)
    assert source.fetching(url) is None
    assert ImageSource(tmp_path, [site.host]).fetching(url) is None, "it is on the disk"
