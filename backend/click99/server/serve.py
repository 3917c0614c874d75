"""`click99 serve`: one process, or several workers that share an address, a Redis and their counters."""

from __future__ import annotations

import ctypes
import os
import tempfile
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from click99.segmentation.predictor import Predictor
from click99.server.app import create_app
from click99.server.logs import start_logging
from click99.server.settings import Settings, variable
from click99.server.storage import prepare_record

M_ARENA_MAX = -8  # of malloc.h
DRAIN_SECONDS = 10  # from SIGTERM: for clicks that are answered; images still fetched then are given up


def run(settings: Settings) -> None:
    """Serve until Ctrl-C. CheckpointError when there is nothing to serve, SchemaError when the record's
    database can't be worked with."""
    if settings.workers > 1:
        return run_workers(settings)
    bound_arenas()
    start_logging()
    app = create_app(settings)
    prepare_record(settings)
    return uvicorn.run(app, host=settings.host, port=settings.port, timeout_graceful_shutdown=DRAIN_SECONDS)


def run_workers(settings: Settings) -> None:
    """Processes of their own, started anew when they end, over one socket."""
    Predictor.load(settings.model, "cpu")  # a worker that fails with it would be started for ever
    prepare_record(settings)  # once, before the workers
    with tempfile.TemporaryDirectory(prefix="click99-metrics-") as counters:
        os.environ |= environment(settings) | {"PROMETHEUS_MULTIPROC_DIR": counters}
        uvicorn.run(
            "click99.server.serve:worker",
            factory=True,
            workers=settings.workers,
            host=settings.host,
            port=settings.port,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            timeout_worker_healthcheck=60,  # a busy worker is no dead one
        )


def worker() -> FastAPI:
    """One worker's app; its settings are in the environment."""
    bound_arenas()
    start_logging()
    return create_app(Settings())


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make a worker's settings, the cores shared out among the workers."""
    threads = settings.threads or max(1, (os.cpu_count() or 1) // settings.workers)
    return settings.environment | {variable("threads"): str(threads)}


def bound_arenas() -> None:
    """Let glibc keep two pools of memory for all threads, not eight a core that each keep what they had."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
