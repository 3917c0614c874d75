"""What stands before the endpoints: basic auth, the webhook's secret, the own origin, bounds for bodies and
for requests at once, and the last resort."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from click99.labelstudio.errors import LabelStudioError, PayloadError
from click99.server.connection import is_loopback
from click99.server.prometheus import Metrics
from click99.server.request_id import request_id
from click99.server.settings import Settings

log = logging.getLogger(__name__)

BODY_SECONDS = 120.0  # for a body to arrive: one that drips would keep its place for ever
FORWARDED = {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"}
RETRY = {"Retry-After": "1"}  # seconds
OPEN_PATHS = ("/health", "/ready", "/webhook")  # Label Studio presents no basic auth with its events


class BasicAuth:
    """401 without the right user and password, compared in constant time.

    Open are /health and /ready, which say next to nothing, and /webhook: Label Studio sends events without
    the backend's credentials. `WebhookSecret` closes that; the event that begins a training is asked for
    them by its route.
    """

    def __init__(self, app: ASGIApp, credentials: str):
        """credentials: "user:password"."""
        self._app, self._credentials = app, credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or presents(scope, self._credentials):
            return await self._app(scope, receive, send)
        return await unauthorised()(scope, receive, send)


def unauthorised() -> JSONResponse:
    """What is answered without basic auth."""
    detail = (
        "Authorization: missing or wrong. Enter CLICK99_BASIC_AUTH_USER and CLICK99_BASIC_AUTH_PASSWORD "
        "in Label Studio at Settings → Model → Edit → Basic authentication"
    )
    return JSONResponse({"detail": detail}, 401, {"WWW-Authenticate": 'Basic realm="click99"'})


class OwnOrigin:
    """403 for what a page of another site lets its visitor's browser send: Label Studio's server has no
    Origin."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        origin, host = headers.get(b"origin"), headers.get(b"host", b"")
        if origin is None or origin.rpartition(b"//")[2] == host:
            return await self._app(scope, receive, send)
        detail = "Origin: another site's page. Send requests from a server, as Label Studio does"
        return await JSONResponse({"detail": detail}, 403)(scope, receive, send)


class WebhookSecret:
    """401 for events without the secret, compared in constant time.

    The button that starts a training sends its event with basic auth instead; that is enough, too.
    """

    def __init__(self, app: ASGIApp, secret: str, credentials: str):
        """credentials: "user:password" of basic auth; "" when there is none."""
        self._app, self._secret, self._credentials = app, secret, credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/webhook" or self._accepts(scope):
            return await self._app(scope, receive, send)
        detail = (
            "X-Click99-Secret: missing or wrong. Enter CLICK99_WEBHOOK_SECRET in Label Studio at Settings → "
            "Webhooks, as a header of the webhook that leads here"
        )
        log.warning("/webhook: %s", detail)
        return await JSONResponse({"detail": detail}, 401)(scope, receive, send)

    def _accepts(self, scope: Scope) -> bool:
        presented = dict(scope["headers"]).get(b"x-click99-secret", b"")
        if same(presented, self._secret):
            return True
        return bool(self._credentials) and presents(scope, self._credentials)


def comes_from_loopback(scope: Scope) -> bool:
    """Whether a request was sent on this machine, and not through a proxy on it."""
    client, headers = scope.get("client"), dict(scope["headers"])
    return client is not None and is_loopback(client[0]) and not headers.keys() & FORWARDED


def presents(scope: Scope, credentials: str) -> bool:
    """Whether a request carries these credentials ("user:password") as basic auth.

    FastAPI's HTTPBasic knows ASCII only.
    """
    scheme, _, presented = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
    try:
        decoded = base64.b64decode(presented, validate=True)
    except binascii.Error:
        return False
    return same(decoded, credentials) and scheme.lower() == b"basic"


def same(presented: bytes, secret: str) -> bool:
    """Compared in constant time, in UTF-8, as browsers send it, or latin-1, as Label Studio does."""
    expected, from_latin_1 = secret.encode(), presented.decode("latin-1").encode()
    return hmac.compare_digest(presented, expected) or hmac.compare_digest(from_latin_1, expected)


class LastResort:
    """500 with the request's id for any error that nobody expected; its traceback is logged under that."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await self._reply(error, scope)(scope, receive, send)

    def _reply(self, error: Exception, scope: Scope) -> JSONResponse:
        error_id = request_id.get()
        self._metrics.errors.labels(type(error).__name__).inc()
        log.error("%s: unexpected error %s", scope["path"], error_id, exc_info=error)
        return JSONResponse(
            {"detail": f"Unexpected error {error_id}. click99's log has its traceback under that id"}, 500
        )


class BodyTooLargeError(PayloadError):
    """A request of more than CLICK99_BODY_MB."""

    status = 413


class BodyTooSlowError(PayloadError):
    """A request that did not arrive within BODY_SECONDS."""

    status = 408


class TooManyRequestsError(LabelStudioError):
    """CLICK99_REQUESTS_AT_ONCE are being answered."""

    status = 503


def refusal(error: LabelStudioError) -> JSONResponse:
    """What is answered instead."""
    return JSONResponse({"detail": str(error)}, error.status, RETRY if error.status == 503 else None)


class Bodies:
    """Requests' bytes: so many requests at once, each of so many MB. For one event loop."""

    def __init__(self, settings: Settings):
        self._most, self._megabytes = settings.requests_at_once, settings.body_mb
        self._inside: Counter[bool] = Counter()

    @asynccontextmanager
    async def of(self, request: Request) -> AsyncIterator[bytes]:
        """Its bytes, while it has one of the places. The three errors above.

        Events have as many places of their own: clicks must not crowd out what was saved.
        """
        is_event = request.url.path == "/webhook"
        if self._inside[is_event] >= self._most:
            problem = f"busy: {self._most} requests are being answered, and no more at once"
            remedy = "Send it again, add workers, or raise CLICK99_REQUESTS_AT_ONCE"
            raise TooManyRequestsError("click99", problem, remedy)
        self._inside[is_event] += 1
        try:
            yield await self._read(request)
        finally:
            self._inside[is_event] -= 1

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    body += part
                    if len(body) > self._megabytes * 2**20:
                        remedy = "Keep images out of task data, or raise CLICK99_BODY_MB"
                        raise BodyTooLargeError("body", f"more than {self._megabytes} MB", remedy)
        except TimeoutError:
            problem = f"not whole after {BODY_SECONDS:.0f} s"
            raise BodyTooSlowError("body", problem, "Send it over a faster connection") from None
        return bytes(body)


async def _body(request: Request) -> AsyncIterator[bytes]:
    async with request.app.state.bodies.of(request) as body:
        yield body


Body = Annotated[bytes, Depends(_body)]
