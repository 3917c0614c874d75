"""click99 on Ray Serve: replicas that Ray starts, replaces and counts, behind a door (ray_door.py) that knows
tasks.

`click99 serve --replicas 4` runs it on this machine; `serve run click99.server.ray_serve:application` and a
Serve config (docker/helm/ray.yaml) on any Ray cluster. Imported only for these: a plain server needs no Ray.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
import threading
from typing import Any

import ray
from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.experimental.consistent_hash_router import ConsistentHashRouter

from click99.segmentation.predictor import Predictor
from click99.server.logs import start_logging
from click99.server.ray_door import LOGGING, Door, ReplicaAnswer
from click99.server.serve import environment, prepare_record, warn_if_open, worker
from click99.server.settings import Settings, variable

NAME = "click99"
BUSY = 4  # requests at one replica from which a task's next click goes to another
OBJECT_STORE = 256 * 2**20  # bytes; only large requests and answers pass through it


@serve.deployment(
    max_ongoing_requests=BUSY,
    logging_config=LOGGING,
    request_router_config={"request_router_class": ConsistentHashRouter},
)
class Replica:
    """A process with a network, and the whole of click99's HTTP side."""

    async def __init__(self, environment: dict[str, str]):
        """environment: the variables that make its settings."""
        os.environ |= environment
        self._app: FastAPI = worker()
        self._running = self._app.router.lifespan_context(self._app)
        await self._running.__aenter__()

    async def __del__(self) -> None:
        """Ray awaits it when it takes a replica away."""
        await self._running.__aexit__(None, None, None)

    async def answer(self, scope: dict[str, Any], body: bytes) -> ReplicaAnswer:
        """What the app answers to a request of this ASGI scope."""
        arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        arrived.put_nowait({"type": "http.request", "body": body})
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, arrived.get, send)
        start, *parts = sent
        return ReplicaAnswer(
            start["status"], [*start["headers"]], b"".join(part.get("body", b"") for part in parts)
        )


def application(args: dict[str, Any]) -> Application:
    """For `serve run` and `serve deploy`. args: settings by name; others come from the environment."""
    return application_of(Settings(**args))


def application_of(settings: Settings) -> Application:
    """Makes or upgrades the record, too. ValueError without a Redis; SchemaError: as `prepare_record`."""
    if not settings.redis_url:
        raise ValueError("Replicas need CLICK99_REDIS_URL: any of them answers any click")
    prepare_record(settings)  # once, before the replicas
    told = environment(settings)
    threads = int(told[variable("threads")])
    replicas = Replica.options(
        num_replicas=max(1, settings.replicas), ray_actor_options={"num_cpus": threads}
    ).bind(told)
    return Door.bind(replicas, settings)


def run_replicas(settings: Settings) -> None:
    """A Ray cluster of this machine alone, until Ctrl-C or SIGTERM. Errors: as `serve.run`."""
    Predictor.load(settings.model, "cpu")  # a replica that fails with it would be started for ever
    start_logging(settings.log)
    warn_if_open(settings)
    stopped = threading.Event()
    with tempfile.TemporaryDirectory(prefix="click99-", ignore_cleanup_errors=True) as folder:
        start_ray(settings, folder)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: stopped.set())
        serve.start(http_options={"host": settings.host, "port": settings.port})
        serve.run(application_of(settings), name=NAME)
        stopped.wait()
        serve.shutdown()
        ray.shutdown()


def start_ray(settings: Settings, folder: str) -> None:
    """Ray with its logs, and all replicas' counters, in `folder`, and a processor for each thread of the
    network, be they there or not."""
    threads = int(environment(settings)[variable("threads")])
    os.environ |= {"PROMETHEUS_MULTIPROC_DIR": folder, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 has people wait for every other program
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # or Ray keeps one in the home folder
    ray.init(
        "local",
        num_cpus=threads * settings.replicas,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE,
        _temp_dir=folder,
    )
