"""An id for each request: in its answer, in all that is logged for it, and in the traceback of a 500."""

from __future__ import annotations

import logging
import re
import secrets
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestId:
    """Takes the one that a proxy gave, if it is no more than letters and digits; else makes one up."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(HEADER, b"")
        name = given if SANE.fullmatch(given) else secrets.token_hex(4).encode()
        request_id.set(name.decode())

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, name)]
            await send(message)

        await self._app(scope, receive, told)


class WithRequestId(logging.Filter):
    """Gives each record the id of the request that it is about; "-": of none."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request = request_id.get()
        return True
