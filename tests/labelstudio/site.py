"""Real HTTP servers on loopback, standing in for Label Studio and for image hosts."""

from __future__ import annotations

import io
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from PIL import Image

from click99.labelstudio.images import Image as FetchedImage
from click99.labelstudio.images import ImageSource

Headers = dict[str, str | None]
Source = Callable[..., ImageSource]


class Site(ThreadingHTTPServer):
    """A server of `pages` (path -> status, headers, body) that records what it is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, tuple[int, Headers, bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []  # path, Authorization
        self.answered: list[int] = []  # status
        self.bodies: list[Any] = []
        self.token: str | None = None  # the Authorization needed, None: none
        self.before_reply: Callable[[], object] = lambda: None
        self.seconds_per_byte = 0.0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def serve(self, path: str, body: bytes, status: int = 200, headers: Headers | None = None) -> str:
        """Returns the URL. headers: Content-Length is right unless given here, and left out as None."""
        self.pages[path] = (status, headers or {}, body)
        return self.url + path

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        return self.serve(path, b"", status, {"Location": target})

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    @property
    def tokens(self) -> list[str | None]:
        return [token for _, token in self.asked]


class _Handler(BaseHTTPRequestHandler):
    @property
    def site(self) -> Site:
        return cast(Site, self.server)

    def do_GET(self) -> None:
        self.site.asked.append((self.path, self.headers["Authorization"]))
        self.site.before_reply()
        status, headers, body = self.site.pages.get(self.path, (404, {}, b"nothing here"))
        if self.site.token and self.headers["Authorization"] != self.site.token:
            status, headers, body = 401, {}, b"who are you?"
        pairs = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
        if any(name in headers and self.headers[asked] == headers[name] for name, asked in pairs):
            status, body = 304, b""
        self.site.answered.append(status)
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self._write(body)

    def do_POST(self) -> None:
        self.site.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.do_GET()

    do_PATCH = do_POST  # noqa: N815

    def _write(self, body: bytes) -> None:
        if not self.site.seconds_per_byte:
            self.wfile.write(body)
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(self.site.seconds_per_byte)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def running(https: ssl.SSLContext | None = None) -> Iterator[Site]:
    """https: with which certificate; None: over http."""
    with Site() as site:
        if https:
            site.socket = https.wrap_socket(site.socket, server_side=True)
        threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
        yield site
        site.shutdown()


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(width: int = 6, height: int = 4, colour: str = "red") -> bytes:
    return encoded(Image.new("RGB", (width, height), colour))


def is_red(image: FetchedImage) -> bool:
    return bool((image.pixels == (255, 0, 0)).all())
