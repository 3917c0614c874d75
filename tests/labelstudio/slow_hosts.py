"""Hosts that never come to an end, each in its way."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Peer = Callable[[socket.socket], None]
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
