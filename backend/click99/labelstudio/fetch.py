"""Bytes for an image's address, from where it is allowed and from nowhere else.

Who may be asked: Label Studio, with its token; and the allowed hosts, without any. Redirects are followed one
by one and each is checked as the first address was, so neither the token nor a request goes where it may not.
Label Studio may send a storage address (storage.py) to any host of the public internet. Nothing is read from
this machine's files: a local-files path is Label Studio's to grant.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from click99.labelstudio.client import PATH, Client, no_auth, origin
from click99.labelstudio.data_uris import content, is_data_uri
from click99.labelstudio.errors import ImageNotAllowedError, ImageTooLargeError, ImageUnavailableError
from click99.labelstudio.exchange import TRUST, PrivateHostError, TooLongError, distrust, exchange, read
from click99.labelstudio.lanes import Lanes
from click99.labelstudio.storage import ON_STORAGE, in_storage, storage_path

REDIRECTS = 5
UNCONNECTED = "Connect its bucket to the project, under Settings → Cloud Storage, and sync it"
UNREAD = "Label Studio can't read it there: check the key (with a ? it can't) and the storage's access"
UNSIGNED = "Label Studio has signed that address: check the key, and the storage's access and region"
CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}


def host_allowed(url: str, allowed_hosts: Collection[str]) -> bool:
    """Whether an absolute http(s) URL is on one of the hosts.

    "example.com" is that very host on the scheme's default port, "example.com:8080" is that port only: no
    wildcards, no subdomains, no other port.
    """
    place = origin(url)
    return place is not None and any(
        origin(f"{place[0]}://{host.strip()}") == place for host in allowed_hosts
    )


def shorten(url: str) -> str:
    """An address for messages: without secrets (user, signature), not too long."""
    if is_data_uri(url):
        return f"{url[:30]}…"
    url = in_storage(url) or url
    head, _, query = url.partition("?")
    address = re.sub("//[^/]*@", "//", head)
    if query:
        address += f"?{query}" if query.startswith("d=") else "?…"  # d: the path of a local file
    return address if len(address) <= 200 else f"{address[:199]}…"


def _location(reply: requests.Response) -> str:
    """Of a redirect. Some hosts write UTF-8 there, or blanks around it, as browsers read it."""
    return reply.headers["Location"].encode("latin-1").decode(errors="replace").strip()


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


@dataclass(frozen=True)
class File:
    """What an address holds. conditions: headers that ask for another one only; none: the host gave none."""

    data: bytes
    conditions: Mapping[str, str]


class Fetcher:
    """Downloads, with limits: max_bytes an image, timeout seconds for all of it. Thread-safe."""

    def __init__(self, allowed_hosts: Collection[str], max_bytes: int, timeout: float) -> None:
        self._allowed_hosts = allowed_hosts
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._lanes = Lanes()
        self.label_studio: Client | None = None

    def resolve(self, url: str, task: str = "") -> str:
        """The absolute form of the address in a task, by its id; ImageNotAllowedError when it may not be
        fetched, ImageUnavailableError in cloud storage without the id."""
        if is_data_uri(url):
            return url
        path = url
        if ON_STORAGE.match(url):
            if not task.isdecimal():
                problem = f"{shorten(url)} is in cloud storage, which Label Studio reads for its tasks only"
                raise ImageUnavailableError("image", problem, "Send the task with its id")
            path = storage_path(url, task)
        if self.label_studio is not None:
            path = self.label_studio.resolve(path)
        elif PATH.match(path):
            problem = f"{shorten(url)} is on Label Studio, whose address is not known"
            raise ImageNotAllowedError("image", problem, "Set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY")
        self._check(path)
        return path

    def fetch(
        self, url: str, conditions: Mapping[str, str], then: Callable[[Callable[[], File | None]], None]
    ) -> None:
        """What is at an absolute address: `then` is handed what gives it, in a thread of its own.

        conditions: those of the copy that is here. None: it is still right. That raises ImageError, and
        ApiError from a token's exchange. The time runs from now on: also while others are fetched from that
        host.
        """
        deadline = time.monotonic() + self._timeout
        self._lanes.put(origin(url), lambda: then(lambda: self._follow(url, deadline, conditions)))

    def _follow(self, url: str, deadline: float, conditions: Mapping[str, str]) -> File | None:
        sent = False  # there by Label Studio, for a storage address
        for _ in range(1 + REDIRECTS):
            try:
                found = self._ask(url, deadline, conditions, sent)
            except TooLongError:
                raise self._too_large(url) from None
            except PrivateHostError:
                raise self._not_allowed(url) from None
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                if time.monotonic() > deadline:
                    raise self._too_slow(url) from None
                if reason := distrust(error):
                    problem = f"{shorten(url)}: the certificate of {_host(url)} is not trusted ({reason})"
                    raise ImageUnavailableError("image", problem, TRUST) from None
                problem = f"{shorten(url)} can't be read ({type(error).__name__})"
                raise ImageUnavailableError("image", problem, "Check that click99 can reach it") from None
            if not isinstance(found, str):
                return found
            sent = self._is_label_studio(url) and bool(in_storage(url))
            url = found
        problem = f"{shorten(url)} comes after {REDIRECTS} redirects"
        raise ImageUnavailableError("image", problem, "Import the image's final address")

    def _ask(self, url: str, deadline: float, conditions: Mapping[str, str], sent: bool) -> File | str | None:
        """What is there, or where to ask instead; None: what the conditions tell of."""
        if time.monotonic() > deadline:
            raise self._too_slow(url)
        # Label Studio answers 406 when images are all that is accepted.
        headers = {"Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity", **conditions}
        public = sent and origin(url) is not None and not self._allowed(url)
        auth = no_auth if public else self._guard
        with exchange("GET", url, deadline, self._max_bytes, public, headers=headers, auth=auth) as reply:
            if reply.is_redirect:
                return self._moved(urljoin(url, _location(reply)))
            if conditions and reply.status_code == 304:
                return None
            self._check_status(reply, sent)
            self._check_size(reply.raw.length_remaining or 0, url)
            given = {ask: reply.headers[name] for name, ask in CONDITIONS.items() if reply.headers.get(name)}
            return File(read(reply, self._max_bytes), given)

    def _moved(self, url: str) -> str:
        return self.label_studio.resolve(url) if self.label_studio else url

    def _guard(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """As requests' `auth` it sees each address in the very form that is connected to."""
        url = request.url or ""
        self._check(url)
        client = self.label_studio
        return client(request) if client and client.owns(url) else request

    def _is_label_studio(self, url: str) -> bool:
        return self.label_studio is not None and self.label_studio.owns(url)

    def _allowed(self, url: str) -> bool:
        return self._is_label_studio(url) or host_allowed(url, self._allowed_hosts)

    def _check(self, url: str) -> None:
        if not self._allowed(url):
            raise self._not_allowed(url)

    def _not_allowed(self, url: str) -> ImageNotAllowedError:
        if origin(url) is None:
            problem = f"{shorten(url)!r} is not an address that click99 reads"
            remedy = "Use uploads, local files, cloud storage, http(s) URLs or data URIs"
            return ImageNotAllowedError("image", problem, remedy)
        host = _host(url)
        problem = f"{shorten(url)} is on {host}, which is not allowed"
        remedy = (
            f"Add {host} to CLICK99_ALLOWED_HOSTS; if people know Label Studio by it, set LABEL_STUDIO_HOST"
        )
        return ImageNotAllowedError("image", problem, remedy)

    def _check_status(self, reply: requests.Response, sent: bool) -> None:
        if reply.ok:
            return
        problem = f"{shorten(reply.url)} answers {reply.status_code}"
        ours = self._is_label_studio(reply.url)
        if ours and reply.status_code in (401, 403):
            remedy = "Set LABEL_STUDIO_API_KEY to a token of a user who sees the project"
        elif ours and in_storage(reply.url):
            remedy = UNREAD if reply.status_code == 424 else UNCONNECTED
        elif reply.status_code >= 500 or reply.status_code == 429:
            remedy = "Its host is busy or broken: click again later, or see that host's log"
        elif sent and not ours:
            remedy = UNSIGNED
        elif reply.status_code in (401, 403):
            remedy = "It must be readable without login; if it is Label Studio, set LABEL_STUDIO_HOST to it"
        else:
            remedy = "Check the address in the task's data"
        raise ImageUnavailableError("image", problem, remedy)

    def _check_size(self, size: int, url: str) -> None:
        if size > self._max_bytes:
            raise self._too_large(url)

    def _too_large(self, url: str) -> ImageTooLargeError:
        problem = f"{shorten(url)} has more than {self._max_bytes / 2**20:g} MiB"
        return ImageTooLargeError("image", problem, "Import a smaller version, or set CLICK99_IMAGE_MB")

    def _too_slow(self, url: str) -> ImageUnavailableError:
        problem = f"{shorten(url)} takes longer than {self._timeout:g} s"
        return ImageUnavailableError("image", problem, "Use a smaller image, or a faster host")

    def data(self, url: str) -> bytes:
        """The bytes in a data URI. ImageError."""
        self._check_size((len(url) - 1 - url.find(",")) * 3 // 4, url)
        try:
            return content(url)
        except ValueError as error:
            problem = f"{shorten(url)} can't be decoded ({error})"
            raise ImageUnavailableError("image", problem, "Import the image again") from None
