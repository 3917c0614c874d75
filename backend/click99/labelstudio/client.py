"""A small client for Label Studio's API, with either kind of API key."""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from click99.labelstudio.errors import ApiError, ApiMissingError, ApiRefusedError
from click99.labelstudio.exchange import TRUST, distrust, exchange, read
from click99.labelstudio.listings import ProjectPage, TaskPage, told
from click99.labelstudio.loose_values import fields, names_of

DEFAULT_PORTS = {"http": 80, "https": 443}
ACCESS_SECONDS = 300  # how long an exchanged token lives when it doesn't say so
MAX_ANSWER = 256 * 2**20  # bytes; a page of tasks with their masks is some megabytes
REFUSAL = 2**16  # bytes of a refusal that are looked at
EARLY_SECONDS = 30  # exchange again so long before the end
FEW = 10  # projects that a message names
COPY = "Copy a token from Label Studio's Account & Settings page, one that is still enabled there"
GIVE = "Set it, or --label-studio-api-key, to the one that Label Studio's Account & Settings page shows"
PATH, HOST = re.compile("/(?!/)"), re.compile("[^/]*//[^/?#]*")


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an absolute http(s) URL, in lower case, default port filled in; else None."""
    try:
        parts = urlsplit(url)
        port = DEFAULT_PORTS.get(parts.scheme) if parts.port is None else parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not port:
        return None
    return parts.scheme, parts.hostname, port


def _below(address: str, name: str) -> str:
    """What an address, or a path, has below another address; "": it is not below it."""
    path = address if PATH.match(address) else HOST.sub("", address) if _same(address, name) else ""
    prefix = f"{urlsplit(name).path}/"
    return f"/{path.removeprefix(prefix)}" if path.startswith(prefix) else ""


def _same(address: str, name: str) -> bool:
    """Whether both are of one host: http and https are, each on its own port, as after a change to https."""
    one, other = origin(address), origin(name)
    if one is None or other is None:
        return False
    usual = all(port == DEFAULT_PORTS[scheme] for scheme, _, port in (one, other))
    return one == other or (usual and one[1] == other[1])


class Client(AuthBase):
    """Label Studio at `url`, with an API key.

    api_key: a legacy token, sent as it is; or a personal access token (told by its form), exchanged for a
    short-lived one, which is kept until shortly before its end; or "".
    timeout: seconds for a whole call. names: its addresses as people, and so its tasks, know it.
    Thread-safe. ApiError when `url` is no http(s) address, or `api_key` can be no token.
    As requests' `auth` it adds the Authorization header, and refuses to on any other origin.
    """

    def __init__(self, url: str, api_key: str, timeout: float = 30.0, names: Collection[str] = ()) -> None:
        self.url = url.rstrip("/")
        self._origin = origin(self.url)
        if self._origin is None:
            raise ApiError("LABEL_STUDIO_URL", f"{url!r} is no address", "Set it to http://host:port")
        if not (api_key.strip().isascii() and api_key.strip().isprintable()):
            raise ApiError("LABEL_STUDIO_API_KEY", "it holds what no token does", COPY)
        known = [name.rstrip("/") for name in (url, *names) if origin(name)]
        self._names = sorted(known, key=lambda name: len(urlsplit(name).path), reverse=True)
        self._api_key = api_key.strip()
        self._timeout = timeout
        self._lock = threading.Lock()
        self._access, self._access_end = "", 0.0

    def owns(self, url: str) -> bool:
        """Whether an absolute URL is on Label Studio's own origin (scheme, host and port)."""
        return origin(url) == self._origin

    def resolve(self, address: str) -> str:
        """Where to ask for an address of a task: a path ("/data/upload/…"), or one under a name of Label
        Studio's. Served under a prefix, it writes that into both. Other addresses stay as they are."""
        for name in self._names:
            if below := _below(address, name):
                return self.url + below
        return self.url + address if PATH.match(address) else address

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if not self.owns(r.url or ""):
            raise ApiError("LABEL_STUDIO_API_KEY", f"not for {r.url}", f"It belongs to {self.url} only")
        if self._api_key:
            r.headers["Authorization"] = self._authorization()
        return r

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """One API call -> the reply's JSON, None when it has none.

        path: "/api/projects/1". options: as for requests (params, files, data); timeout,
        max_bytes: of this call.
        ApiRefusedError on 401 and 403, ApiMissingError on 404, ApiError on other failures and redirects.
        """
        content = self._send(method, path, json=json, auth=self, **options)
        try:
            return loads(content) if content else None
        except ValueError:
            problem = f"{method} {path} did not answer with JSON"
            raise ApiError("LABEL_STUDIO_URL", problem, f"Is {self.url} Label Studio?") from None

    def projects(self) -> Iterator[dict[str, Any]]:
        """All projects, page by page. ApiError: see `call`."""
        page, seen, count = 1, 0, 1
        while seen < count:
            reply = self.call("GET", "/api/projects", params={"page": page, "page_size": 100})
            found = told(ProjectPage, reply, "GET /api/projects")
            yield from found.results
            page, seen, count = page + 1, seen + len(found.results), found.count if found.results else 0

    def project(self, number: int) -> dict[str, Any]:
        """One of them. ApiMissingError when it is none of them, naming those; ApiError: see `call`."""
        try:
            return self.call("GET", f"/api/projects/{number}")
        except ApiMissingError:
            known = [f"{each['id']} {each['title']!r}" for each in self.projects()]
            more = [f"{len(known) - FEW} more"] if len(known) > FEW else []
            there = f"there are: {', '.join([*known[:FEW], *more])}" if known else "there are none"
            problem = f"there is none at {self.url} for this token; {there}"
            remedy = "Name one of them" if known else "Create it, or give the token of a user who sees it"
            raise ApiMissingError(f"project {number}", problem, remedy) from None

    def tasks(self, project: int | str, at_a_time: int) -> Iterator[dict[str, Any]]:
        """The project's tasks, page by page of `at_a_time`. ApiError: see `call`."""
        page, seen, total = 1, 0, 1
        while seen < total:
            asked = {"project": project, "page": page, "page_size": at_a_time}
            found = told(TaskPage, self.call("GET", "/api/tasks", params=asked), "GET /api/tasks")
            page, seen, total = page + 1, seen + at_a_time, found.total
            yield from found.tasks

    def _authorization(self) -> str:
        if not _is_personal(self._api_key):
            return f"Token {self._api_key}"
        with self._lock:
            if time.monotonic() >= self._access_end:
                self._exchange()
            return f"Bearer {self._access}"

    def _exchange(self) -> None:
        content = self._send("POST", "/api/token/refresh/", json={"refresh": self._api_key}, auth=no_auth)
        try:
            self._access = str(loads(content)["access"])
        except (ValueError, KeyError, TypeError):
            problem = "the personal access token was not exchanged"
            raise ApiError("LABEL_STUDIO_API_KEY", problem, f"Is {self.url} Label Studio?") from None
        self._access_end = time.monotonic() + _lifetime(self._access) - EARLY_SECONDS

    def _send(
        self, method: str, path: str, timeout: float = 0.0, max_bytes: int = MAX_ANSWER, **options: Any
    ) -> bytes:
        deadline = time.monotonic() + (timeout or self._timeout)
        try:
            with exchange(method, self.resolve(path), deadline, max_bytes, **options) as reply:
                content = read(reply, max_bytes)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if reason := distrust(error):
                problem = f"the certificate of {self.url} is not trusted ({reason})"
                raise ApiError("LABEL_STUDIO_URL", problem, TRUST) from None
            problem = f"{self.url} does not answer ({type(error).__name__})"
            raise ApiError("LABEL_STUDIO_URL", problem, "Start Label Studio, or mend the address") from None
        _check(reply, content, method, path, bool(self._api_key))
        return content


def loads(content: bytes) -> Any:
    """JSON; ValueError when it is none, or nested without end."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Passed as `auth` where nothing is to be sent: without it, requests would look into ~/.netrc."""
    return request


def _check(reply: requests.Response, content: bytes, method: str, path: str, with_key: bool) -> None:
    status = reply.status_code
    if status in (401, 403) and not with_key:
        problem = f"not set, and Label Studio asks for a token ({status} for {method} {path})"
        raise ApiRefusedError("LABEL_STUDIO_API_KEY", problem, GIVE)
    if status in (401, 403):
        problem = f"Label Studio refuses it ({status} for {method} {path})"
        raise ApiRefusedError("LABEL_STUDIO_API_KEY", problem, COPY)
    if reply.is_redirect:
        problem = f"{method} {path} is redirected to {reply.headers['Location']}"
        raise ApiError("LABEL_STUDIO_URL", problem, "Set it to Label Studio's final address")
    if status >= 400:
        problem = f"Label Studio answers {status}: {_reason(content[:REFUSAL])[:300]}"
        kind = ApiMissingError if status == 404 else ApiError
        raise kind(f"{method} {path}", problem, "See its log")


def _reason(content: bytes) -> str:
    """What a refusal says: of each field that is named, else in one sentence, else as it came."""
    with suppress(ValueError):
        answer = fields(loads(content))
        wrong = fields(answer.get("validation_errors"))
        said = [_of_field(name, text) for name, texts in wrong.items() for text in names_of(texts)]
        if said := said or names_of(answer.get("detail")):
            return "; ".join(said)
    return content.decode(errors="replace")


def _of_field(name: str, text: str) -> str:
    return text if name == "non_field_errors" else f"{name}: {text}"


def _is_personal(api_key: str) -> bool:
    """A personal access token is a JSON Web Token: three parts; a legacy token has no dots."""
    return api_key.count(".") == 2


def _lifetime(token: str) -> float:
    """Seconds from a JSON Web Token's issue to its end, so that the clocks need not agree."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(claims["exp"]) - float(claims["iat"])
    except (binascii.Error, ValueError, LookupError, TypeError):
        return ACCESS_SECONDS
