"""What stands before the replicas on Ray Serve (ray_serve.py): small, as it imports no network."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any, NamedTuple

from fastapi import Request, Response
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.handle import DeploymentHandle

from click99.labelstudio.errors import LabelStudioError
from click99.server.logs import start_logging
from click99.server.middleware import Bodies, refusal
from click99.server.settings import Settings

log = logging.getLogger(__name__)

TRIES = 5  # of a click whose replicas die one after the other
LOGGING = {"enable_access_log": False}  # a click has a line of its own
SCOPE = (
    "type",
    "asgi",
    "http_version",
    "method",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "root_path",
    "headers",
    "client",
    "server",
)


class ReplicaAnswer(NamedTuple):
    """What a replica answers over HTTP."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def response(self) -> Response:
        response = Response(self.body, self.status)
        response.raw_headers = list(self.headers)
        return response


@serve.deployment(max_ongoing_requests=1000, ray_actor_options={"num_cpus": 0}, logging_config=LOGGING)
class Door:
    """Sends a task's clicks to the replica that has met the task, where that one is free, and asks another
    when one dies: any replica answers any click, with the same mask."""

    def __init__(self, replicas: DeploymentHandle, settings: Settings):
        self._replicas, self._bodies = replicas, Bodies(settings)
        start_logging(settings.log)

    async def __call__(self, request: Request) -> Response:
        try:
            async with self._bodies.of(request) as body:
                return await self._pass_on(request, body)
        except LabelStudioError as error:
            log.warning("%s: %s", request.url.path, error)
            return refusal(error)

    async def _pass_on(self, request: Request, body: bytes) -> Response:
        scope = {key: request.scope[key] for key in SCOPE if key in request.scope}
        clicks = request.url.path == "/predict"
        session = await asyncio.to_thread(session_of, body) if clicks else ""
        answer = await self._ask(session, scope, body, TRIES if clicks else 1)
        return answer.response()

    async def _ask(self, session: str, scope: dict[str, Any], body: bytes, tries: int) -> ReplicaAnswer:
        """Only clicks are asked again: an event is not recorded twice, nor a training begun."""
        for left in reversed(range(tries)):
            try:
                return await self._replicas.options(session_id=session).answer.remote(scope, body)
            except RayActorError as error:
                log.warning("A replica is gone (%s)%s", error, "; another is asked" if left else "")
        detail = f"The replica that was asked is gone (tries: {tries}). Send it again; Ray starts another"
        return ReplicaAnswer(
            503, [(b"content-type", b"application/json")], json.dumps({"detail": detail}).encode()
        )


def session_of(body: bytes) -> str:
    """What tells tasks apart, from a body of /predict; "" for one that names none, of which any replica can
    say what is wrong with it."""
    with suppress(ValueError, TypeError, LookupError, AttributeError):
        asked = json.loads(body)
        project = str(asked.get("project")).partition(".")[0]
        return f"{project} {asked['tasks'][0]['id']}"
    return ""
