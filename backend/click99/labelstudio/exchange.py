"""One HTTP exchange with bounds: seconds for all of it, and bytes.

A time-out of requests is for each wait on a socket. A host that sends a byte now and then, dripping header
lines or `100 Continue` without end, would hold a thread for as long as it likes.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

CHUNK = 2**16
HEADERS = 2**20  # bytes of an answer beside its body
# All of IPv6 that is public, and what stands for addresses of IPv4, public or not.
UNICAST, NAT64 = ipaddress.ip_network("2000::/3"), ipaddress.ip_network("64:ff9b::/96")


TRUST = "Set REQUESTS_CA_BUNDLE to a file with that certificate, or its authority's, and the usual ones"


class TooLongError(requests.RequestException):
    """The answer has more bytes than allowed."""


class PrivateHostError(Exception):
    """A host is not one of the public internet."""


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
    """One exchange's connections. public: to hosts of the public internet only."""

    def __init__(self, deadline: float, room: int, public: bool) -> None:
        super().__init__()
        self._deadline, self._room, self._public = deadline, room, public

    def get_connection_with_tls_context(self, request: Any, *args: Any, **options: Any) -> Any:
        if self._public:
            _check_public(urlsplit(request.url).hostname or "")
        pool = super().get_connection_with_tls_context(request, *args, **options)
        deadline, room = self._deadline, self._room
        direct = self._public and pool.proxy is None

        class Answer(http.client.HTTPResponse):
            def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
                super().__init__(sock, *args, **options)
                self.fp = io.BufferedReader(_Clock(sock, self.fp, deadline, room))

        class Connection(pool.ConnectionCls):  # pyright: ignore[reportGeneralTypeIssues]
            response_class = Answer

            def _new_conn(self) -> socket.socket:
                connected = super()._new_conn()
                with ExitStack() as stack:
                    stack.enter_context(connected)
                    if direct:  # a name may have another address by now
                        _check_public(connected.getpeername()[0])
                    stack.pop_all()
                return connected

        pool.ConnectionCls = Connection  # pyright: ignore[reportAttributeAccessIssue]
        return pool


def _check_public(host: str) -> None:
    for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        if not is_public(str(place[0])):
            raise PrivateHostError(host)


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet: not this machine's, its network's or its cloud's."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        told = ipaddress.IPv4Address(found.packed[-4:]) if found in NAT64 else None
        found = found.ipv4_mapped or found.sixtofour or told or found
    alike = found.version == 4 or found in UNICAST
    return alike and found.is_global and not found.is_multicast


def distrust(error: Exception) -> str:
    """Why a host's certificate is not trusted, where that is what an exchange failed by; else ""."""
    found = re.search(
        "certificate verify failed: ([^(]*)|CA certificate bundle, (invalid path: .*)", str(error)
    )
    return (found[1] or found[2]).strip() if found else ""


@contextmanager
def exchange(
    method: str, url: str, deadline: float, max_bytes: int, public: bool = False, **options: Any
) -> Iterator[requests.Response]:
    """The answer, its body not read yet; redirects are not followed.

    deadline: by `time.monotonic`. max_bytes: that are read of it at most. public: PrivateHostError, before
    anything is sent, where the host is not one of the public internet. options: as for requests.
    requests.RequestException, urllib3's HTTPError or OSError when anything fails, here or while it is read.
    """
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(deadline, max_bytes + HEADERS, public))
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
