"""One HTTP exchange with bounds: seconds for all of it, and bytes.

A time-out of requests is for each wait on a socket. A host that sends a byte now and then, dripping header
lines or `100 Continue` without end, would hold a thread for as long as it likes.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter

CHUNK = 2**16
HEADERS = 2**20  # bytes of an answer beside its body


class TooLongError(requests.RequestException):
    """The answer has more bytes than allowed."""


class _Clock(io.RawIOBase):
    """What comes over a connection, until the deadline and up to so many bytes."""

    def __init__(self, connection: socket.socket, stream: Any, deadline: float, room: int) -> None:
        self._connection, self._stream = connection, stream
        self._deadline, self._room = deadline, room

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it takes too long")
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer)
        self._room -= count
        if self._room < 0:
            raise TooLongError("it sends too much")
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Adapter(HTTPAdapter):
    """One exchange's connections."""

    def __init__(self, deadline: float, room: int) -> None:
        super().__init__()
        self._deadline, self._room = deadline, room

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **options)
        deadline, room = self._deadline, self._room

        class Answer(http.client.HTTPResponse):
            def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
                super().__init__(sock, *args, **options)
                self.fp = io.BufferedReader(_Clock(sock, self.fp, deadline, room))

        pool.ConnectionCls = type(  # pyright: ignore[reportAttributeAccessIssue]
            "Connection", (pool.ConnectionCls,), {"response_class": Answer}
        )
        return pool


@contextmanager
def exchange(
    method: str, url: str, deadline: float, max_bytes: int, **options: Any
) -> Iterator[requests.Response]:
    """The answer, its body not read yet; redirects are not followed.

    deadline: by `time.monotonic`. max_bytes: that are read of it at most. options: as for requests.
    requests.RequestException, urllib3's HTTPError or OSError when anything fails, here or while it is read.
    """
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(deadline, max_bytes + HEADERS))
        left = max(deadline - time.monotonic(), 0.01)
        told = {"timeout": (left / 3, left), "allow_redirects": False, "stream": True}  # a host may have more
        with session.request(method, url, **told, **options) as reply:  # than one address to connect to
            yield reply


def read(reply: requests.Response, max_bytes: int) -> bytes:
    """Its body, unpacked; TooLongError as soon as it is more than `max_bytes`. Errors: see `exchange`."""
    body = bytearray()
    # read1 returns with what has come so far, which is never more than a chunk unpacks to
    while chunk := reply.raw.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise TooLongError("it sends too much")
    return bytes(body)
