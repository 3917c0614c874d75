"""Checks of what is click99's own: folder, masks, Redis, record, network, training."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import requests
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from click99.annotations.damaged_annotations import DamagedAnnotations
from click99.annotations.database import reason
from click99.annotations.dead_letters import DeadLetters
from click99.annotations.tables import AnnotationRow, ClickRow, EventRow
from click99.extras import remedy
from click99.registry.jobs import Jobs
from click99.registry.lines import named
from click99.registry.versions import Registry, RegistryError, Version
from click99.registry.watched import watch_facts, watched
from click99.segmentation.clicks import Click
from click99.server.finding import Finding
from click99.server.refusals import Refusals
from click99.server.settings import Settings
from click99.server.storage import open_database
from click99.sessions.refiner import Refiner

SLOW_CLICK_MS = 1000
READY_SECONDS = 2
DAY = 24 * 3600


def check_home(settings: Settings) -> Finding:
    """Whether it can be written to; one that is not there is not made."""
    home = settings.home
    there = next(folder for folder in (home, *home.absolute().parents) if os.path.exists(folder))
    if not there.is_dir():
        return Finding("CLICK99_HOME", "problem", f"{there} is a file. Choose a folder")
    if not os.access(there, os.W_OK):
        return Finding("CLICK99_HOME", "problem", f"{there} is read-only. Choose another folder")
    if there != home:
        return Finding("CLICK99_HOME", "hint", f"{home} is not there yet: click99 serve makes it")
    return Finding("CLICK99_HOME", "ok", str(home))


def check_unaccepted(settings: Settings) -> Iterator[Finding]:
    """Annotations that lost a mask, or hold one twice."""
    if count := len(DamagedAnnotations(settings.home).all()):
        detail = f"{count} annotations without a mask or with one twice: run click99 recover"
        yield Finding("Masks", "problem", detail)


def check_refusals(settings: Settings) -> Iterator[Finding]:
    """What was refused within a day: the annotators saw nothing of it."""
    now = time.time()
    for refusal in Refusals(settings.home).since(now - DAY):
        ago = f"{(now - refusal.at) / 60:.0f} min ago"
        yield Finding("Refused", "hint", f"{ago}, click99_errors_total of {refusal.kind}: {refusal.message}")


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Whether the configured Redis, if any, answers, and may be full."""
    from redis.exceptions import RedisError

    from click99.sessions.redis_url import connect, reason

    if not settings.redis_url:
        return
    try:
        facts: dict[str, Any] = connect(settings.redis_url, 2).info()  # pyright: ignore[reportAssignmentType]
    except (RedisError, ValueError) as error:
        yield Finding("CLICK99_REDIS_URL", "problem", f"{reason(error)}. Start Redis, or correct the address")
        return
    yield Finding("Redis", "ok", f"{facts['redis_version']}, shared by {settings.workers} workers")
    bound = "Start it with --maxmemory 512mb --maxmemory-policy allkeys-lru"
    if not facts["maxmemory"]:
        yield Finding("Redis", "hint", f"its memory has no bound, so it grows by each click. {bound}")
    elif facts["maxmemory_policy"] == "noeviction":
        yield Finding("Redis", "hint", f"once full it takes nothing new (noeviction). {bound}")


def check_record(settings: Settings) -> Iterator[Finding]:
    """Whether the record takes what people do, how much it holds, and what it could not take."""
    yield from _check_database(settings)
    if aside := DeadLetters.at(settings.home):
        mend = f"See the reasons in {aside.folder}, then delete them"
        yield Finding("Record", "problem", f"{len(aside)} clicks and events can't be recorded. {mend}")


def _check_database(settings: Settings) -> Iterator[Finding]:
    try:
        database = open_database(settings)
    except ModuleNotFoundError as missing:
        yield Finding("Record", "problem", remedy(missing))
        return
    if database.is_missing:
        yield Finding("Record", "ok", f"none yet: click99 serve makes {database.name}")
        return
    try:
        if problem := database.schema().problem:
            yield Finding("Record", "problem", f"{database.name}: {problem}")
            return
        with database.writing() as session:
            clicks, annotations, unread = counts(session)
        revision = database.schema().revision
    except (SQLAlchemyError, OSError) as error:
        mend = "Free its disk, end what locks it, or mend CLICK99_DATABASE_URL"
        yield Finding("Record", "problem", f"{database.name}: {reason(error)}. {mend}")
        return
    finally:
        database.close()
    held = f"{clicks} clicks, {annotations} annotations in {database.name}, schema {revision}"
    yield Finding("Record", "ok", held)
    if unread:
        yield Finding("Record", "hint", f"{unread} events are kept but could not be read: see click99's log")


def counts(session: Session) -> tuple[int, int, int]:
    """Clicks, annotations that are not deleted, and events that could not be read."""
    clicks = select(func.count()).select_from(ClickRow)
    annotations = select(func.count()).select_from(AnnotationRow).filter_by(deleted_at=None)
    unread = select(func.count()).select_from(EventRow).where(EventRow.problem.is_not(None))
    clicked, saved, failed = (session.scalar(query) or 0 for query in (clicks, annotations, unread))
    return clicked, saved, failed


def check_promoted(settings: Settings) -> Iterator[Finding]:
    """Whether servers can follow the pointer to the promoted version."""
    from click99.registry.check import load_checked

    if settings.model:
        return
    try:
        registry = Registry.pulled(settings.home, settings.registry_url)
    except RegistryError as error:
        yield Finding("Promoted version", "problem", str(error))
        return
    for line in (registry.of_line(name) for name in ("", *registry.lines())):
        subject = "Promoted version" + (f", {named(line.line)}" if line.line else "")
        try:
            if (version := line.served()) is None:
                continue
            load_checked(version.name, version.path, version.sha256)
        except RegistryError as error:
            mend = "Servers go on with what they have: run click99 models promote or click99 models rollback"
            yield Finding(subject, "problem", f"{error}. {mend}")
        else:
            yield Finding(subject, "ok", f"{version.name} in {version.path.parent}")
            yield from check_watch(line, version)


def check_watch(registry: Registry, served: Version) -> Iterator[Finding]:
    """Whether the watch went back to what is served, or can't do its work."""
    last = registry.pointer().moves[-1]
    if last.by == "watch":
        mend = "See click99 models list; click99 models promote serves it all the same"
        yield Finding("Watch", "hint", f"{last.at[:16].replace('T', ' ')} UTC: {last.why}. {mend}")
    elif watched(registry) and (problem := watch_facts(served).get("problem")):
        mend = "click99 models promote keeps it for good, click99 models rollback goes back"
        yield Finding("Watch", "hint", f"{problem}. {mend}")


def check_network(settings: Settings) -> Iterator[Finding]:
    """The checkpoint, and the time of a click with it."""
    from click99.segmentation.checkpoint import CheckpointError
    from click99.server.models import load_predictor

    try:
        predictor = load_predictor(settings)
    except CheckpointError as error:
        yield Finding("Checkpoint", "problem", str(error))
        return
    except (RuntimeError, AssertionError) as error:  # torch's ways to say that there is no such device
        yield Finding("CLICK99_DEVICE", "problem", f"{settings.device}: {error}. Set it to auto or cpu")
        return
    where = f"{predictor.version} on {predictor.device}, computed by {predictor.engine}"
    yield Finding("Checkpoint", "ok", where)
    milliseconds = time_click(predictor)
    slow = milliseconds > SLOW_CLICK_MS
    mend = ". Give it more cores, or a GPU" if slow else ""
    yield Finding("One click", "hint" if slow else "ok", f"{milliseconds:.0f} ms on 640 × 480{mend}")


def check_server(settings: Settings) -> Finding:
    """Whether one answers at the address that the settings name, and is ready."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    address = f"http://{host}:{settings.port}"
    try:
        reply = requests.get(f"{address}/ready", timeout=READY_SECONDS)
        told = reply.json()
    except (requests.RequestException, ValueError):
        return Finding("Server", "hint", f"none answers at {address}. Start it: click99 serve")
    if reply.ok:
        return Finding("Server", "ok", f"ready at {address}")
    return Finding("Server", "problem", f"at {address}, not ready: {told.get('detail', reply.status_code)}")


def check_training(settings: Settings) -> Iterator[Finding]:
    """How the last fine-tune stands."""
    jobs = Jobs.at(settings.home).all()
    if not jobs:
        return
    job = jobs[-1]
    detail = f"job {job.number}, {job.state}: {job.message}"
    if job.state == "failed":
        yield Finding("Training", "problem", f"{detail}. Mend that, then start the training again")
    else:
        yield Finding("Training", "ok", detail)


def time_click(predictor: Refiner) -> float:
    """Milliseconds of a second click on a 640 × 480 image, the median of five."""
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    clicks = [Click(320, 240, True), Click(200, 200, False)]
    previous = predictor.judged(image, clicks[:1], None, "doctor").alpha
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        predictor.judged(image, clicks, previous, "doctor")
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)
