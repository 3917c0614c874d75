"""Exchanges over real sockets with hosts that never come to an end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ImageError
from click99.labelstudio.images import ImageSource
from tests.labelstudio.site import Site, picture

HEAD = b"HTTP/1.1 200 OK\r\n"


def drips_header_lines(peer: socket.socket) -> None:
    peer.sendall(HEAD)
    for number in range(10_000):
        peer.sendall(f"X-{number}: 1\r\n".encode())
        time.sleep(0.05)


def drips_bytes(peer: socket.socket) -> None:
    for byte in HEAD * 1000:
        peer.sendall(bytes([byte]))
        time.sleep(0.05)


def drips_the_body(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    drips_bytes(peer)


def says_continue(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


def floods_with_continue(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def floods_the_body(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"\r\n")
    while True:
        peer.sendall(bytes(2**16))


def says_nothing(peer: socket.socket) -> None:
    time.sleep(30)


Peer = Callable[[socket.socket], None]
PEERS: list[Peer] = [
    *(drips_header_lines, drips_bytes, drips_the_body, says_continue, floods_with_continue),
    *(floods_the_body, says_nothing),
]


@contextmanager
def listening(behaviour: Peer) -> Iterator[str]:
    """A host that reads what it is asked and then behaves so -> its host:port."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:

        def answer(peer: socket.socket) -> None:
            with peer, suppress(OSError):
                peer.recv(65536)
                behaviour(peer)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


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
    wait = source.fetching(url)
    assert wait
    assert wait.result() is source.get(url)
    assert source.fetching(url) is None
    assert ImageSource(tmp_path, [site.host]).fetching(url) is None, "it is on the disk"
