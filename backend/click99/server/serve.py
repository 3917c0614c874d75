"""`click99 serve`: one process, or several workers that share an address, a Redis and their counters."""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import socket
import tempfile
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from click99.segmentation.predictor import Predictor
from click99.server.app import create_app
from click99.server.connection import is_loopback
from click99.server.logs import start_logging
from click99.server.settings import Settings, variable
from click99.server.storage import prepare_record
from click99.server.traces import start_traces

log = logging.getLogger(__name__)

M_ARENA_MAX = -8  # of malloc.h
DRAIN_SECONDS = 10  # from SIGTERM: for clicks that are answered; images still fetched then are given up
TAKEN = {
    errno.EADDRINUSE: "is in use (by another click99?)",
    errno.EACCES: "is not for this user",
}
# The same server whatever an extra installs beside it: Ray brings uvloop and httptools.
UVICORN: dict[str, Any] = {
    "loop": "asyncio",
    "http": "h11",
    "timeout_graceful_shutdown": DRAIN_SECONDS,
}


def run(settings: Settings) -> None:
    """Serve until Ctrl-C. CheckpointError when there is nothing to serve, SchemaError when the record's
    database can't be worked with."""
    if settings.replicas:
        from click99.server.ray_serve import run_replicas

        return run_replicas(settings)
    if settings.workers > 1:
        return run_workers(settings)
    bound_arenas()
    start_logging(settings.log)
    start_traces()
    warn_if_open(settings)
    prepare_record(settings)
    app = create_app(settings)
    check_free(settings.host, settings.port)
    return uvicorn.run(app, host=settings.host, port=settings.port, **UVICORN)


def run_workers(settings: Settings) -> None:
    """Processes of their own, started anew when they end, over one socket."""
    Predictor.load(settings.model, "cpu")  # a worker that fails with it would be started for ever
    start_logging(settings.log)
    warn_if_open(settings)
    prepare_record(settings)  # once, before the workers
    check_free(settings.host, settings.port)
    with tempfile.TemporaryDirectory(prefix="click99-metrics-") as counters:
        os.environ |= environment(settings) | {"PROMETHEUS_MULTIPROC_DIR": counters}
        uvicorn.run(
            "click99.server.serve:worker",
            factory=True,
            workers=settings.workers,
            host=settings.host,
            port=settings.port,
            **UVICORN,
            timeout_worker_healthcheck=60,  # a busy worker is no dead one
        )


def check_free(host: str, port: int) -> None:
    """ValueError: something listens there already, or nobody may."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise ValueError(f"CLICK99_HOST: {host} is no address of this computer: --host 0.0.0.0") from None
    for family, *_, address in found:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            problem = TAKEN.get(probe_error(probe, address))
        if problem:
            other = port + 1 if 1024 <= port < 65535 else 9090
            raise ValueError(f"CLICK99_PORT: port {port} of {host} {problem}: --port {other}")


def probe_error(probe: socket.socket, address: Any) -> int:
    """The system's number of why it can't be bound there, 0: it can."""
    try:
        probe.bind(address)
    except OSError as error:
        return error.errno or 0
    return 0


def warn_if_open(settings: Settings) -> None:
    """Whoever reaches the address may ask for masks, and begin trainings."""
    if not settings.credentials and not is_loopback(settings.host):
        remedy = "Set CLICK99_BASIC_AUTH_USER and CLICK99_BASIC_AUTH_PASSWORD, or let a proxy ask for them"
        log.warning("%s is open to other computers, and asks for no password. %s", settings.host, remedy)


def worker() -> FastAPI:
    """One worker's app; its settings are in the environment."""
    bound_arenas()
    settings = Settings()
    start_logging(settings.log)
    start_traces()
    return create_app(settings)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make a worker's or a replica's settings, the cores shared out among them."""
    threads = settings.threads or max(1, (os.cpu_count() or 1) // max(settings.workers, settings.replicas))
    return settings.environment | {variable("threads"): str(threads)}


def bound_arenas() -> None:
    """Let glibc keep two pools of memory for all threads, not eight a core that each keep what they had."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
