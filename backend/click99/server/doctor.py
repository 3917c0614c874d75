"""`click99 doctor`: a row for each thing that must be right before the first click, and its remedy."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from click99.annotations.database import reason
from click99.annotations.dead_letters import DeadLetters
from click99.annotations.lost_masks import LostMasks
from click99.annotations.tables import AnnotationRow, ClickRow, EventRow
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ApiRefusedError, LabelConfigError, LabelStudioError
from click99.labelstudio.images import ImageSource
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.region_types import REGION_TYPES
from click99.registry.jobs import Jobs
from click99.registry.versions import Registry, RegistryError
from click99.segmentation.clicks import Click
from click99.server.connection import Connection
from click99.server.settings import Settings
from click99.server.storage import open_database
from click99.sessions.refiner import Refiner

Severity = Literal["ok", "hint", "problem"]
MARKS: dict[Severity, str] = {"ok": "[green]✓[/]", "hint": "[yellow]–[/]", "problem": "[red]✗[/]"}
SLOW_CLICK_MS = 1000


@dataclass(frozen=True)
class Finding:
    """One row: what was looked at, how it stands, and what was seen or is to be done."""

    subject: str
    severity: Severity
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, one after the other; nothing in Label Studio is changed."""
    yield check_home(settings)
    yield from check_unaccepted(settings)
    yield from check_redis(settings)
    yield from check_record(settings)
    yield from check_promoted(settings)
    yield from check_network(settings)
    yield from check_training(settings)
    client = Connection(settings).client
    if client is None:
        yield Finding("Label Studio", "hint", "unknown: set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY")
        return
    yield from check_label_studio(settings, client)


def report(settings: Settings, console: Console) -> bool:
    """Print a table of `examine`; whether there was no problem."""
    table = Table("", "Check", "Finding", title="click99 doctor", title_justify="left")
    with console.status("Checking …"):
        findings = list(examine(settings))
    for finding in findings:
        table.add_row(MARKS[finding.severity], escape(finding.subject), escape(finding.detail))
    console.print(table)
    return all(finding.severity != "problem" for finding in findings)


def check_home(settings: Settings) -> Finding:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Finding("CLICK99_HOME", "problem", f"{error}. Choose a folder that can be written to")
    if not os.access(settings.home, os.W_OK):
        return Finding("CLICK99_HOME", "problem", f"{settings.home} is read-only. Choose another folder")
    return Finding("CLICK99_HOME", "ok", str(settings.home))


def check_unaccepted(settings: Settings) -> Iterator[Finding]:
    """Annotations that were submitted with a mask that nobody had accepted."""
    if count := len(LostMasks(settings.home).all()):
        detail = f"{count} annotations submitted before their mask was accepted: run click99 recover"
        yield Finding("Masks", "problem", detail)


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Whether the configured Redis, if any, answers."""
    from redis import Redis
    from redis.exceptions import RedisError

    if not settings.redis_url:
        return
    try:
        redis = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
        version = redis.info("server")["redis_version"]  # pyright: ignore[reportIndexIssue]
        yield Finding("Redis", "ok", f"{version}, shared by {settings.workers} workers")
    except (RedisError, ValueError) as error:
        yield Finding("CLICK99_REDIS_URL", "problem", f"{error}. Start Redis, or correct the address")


def check_record(settings: Settings) -> Iterator[Finding]:
    """Whether the record takes what people do, and how much it holds."""
    database = open_database(settings)
    try:
        if problem := database.schema().problem:
            yield Finding("Record", "problem", f"{database.name}: {problem}")
            return
        with database.writing() as session:
            clicks, annotations, unread = counts(session)
        revision = database.schema().revision
    except (SQLAlchemyError, OSError) as error:
        remedy = "Free its disk, end what locks it, or mend CLICK99_DATABASE_URL"
        yield Finding("Record", "problem", f"{database.name}: {reason(error)}. {remedy}")
        return
    finally:
        database.close()
    yield Finding(
        "Record", "ok", f"{clicks} clicks, {annotations} annotations in {database.name}, schema {revision}"
    )
    if unread:
        yield Finding("Record", "hint", f"{unread} events are kept but could not be read: see click99's log")
    aside = DeadLetters.at(settings.home)
    if aside:
        remedy = f"See the reasons in {aside.folder}, then delete them"
        yield Finding("Record", "problem", f"{len(aside)} clicks and events can't be recorded. {remedy}")


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

    try:
        version = Registry.at(settings.home).served()
        if version is None or settings.model:
            return
        load_checked(version.name, version.path, version.sha256)
    except RegistryError as error:
        remedy = "Servers go on with what they have: run click99 models promote or click99 models rollback"
        yield Finding("Promoted version", "problem", f"{error}. {remedy}")
    else:
        yield Finding("Promoted version", "ok", f"{version.name} in {version.path.parent}")


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
    yield Finding("Checkpoint", "ok", f"{predictor.version} on {predictor.device}")
    milliseconds = time_click(predictor)
    slow = milliseconds > SLOW_CLICK_MS
    remedy = ". Give it more cores, or a GPU" if slow else ""
    yield Finding("One click", "hint" if slow else "ok", f"{milliseconds:.0f} ms on 640 × 480{remedy}")


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
    previous = predictor.refine(image, clicks[:1], None, "doctor")
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        predictor.refine(image, clicks, previous, "doctor")
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def check_label_studio(settings: Settings, client: Client) -> Iterator[Finding]:
    """Reachability, the API key, and every project that the key opens."""
    try:
        version = client.call("GET", "/api/version")["release"]
        yield Finding("Label Studio", "ok", f"{version} at {client.url}")
        if settings.label_studio_url and not settings.label_studio_api_key:
            yield Finding("API key", "problem", "LABEL_STUDIO_API_KEY is not set: see Account & Settings")
            return
        user = client.call("GET", "/api/current-user/whoami")["email"]
        yield Finding("API key", "ok", f"accepted, {user}")
        images = ImageSource(settings.home, settings.hosts, client)
        for project in client.projects():
            yield from check_project(client, images, project)
    except ApiRefusedError as error:
        yield Finding("API key", "problem", str(error))
    except ApiError as error:
        yield Finding("Label Studio", "problem", str(error))


def check_project(client: Client, images: ImageSource, project: dict[str, Any]) -> Iterator[Finding]:
    """One project: what its label config lacks, its ML backend, and its first image."""
    subject = f"Project {project['id']}, {project['title']}"
    xml = project["label_config"]
    backends = client.call("GET", "/api/ml", params={"project": project["id"]})
    tags = [kind.tag for kind in REGION_TYPES.values()]
    if not backends and not any(tag in xml for tag in ("KeyPointLabels", *tags)):
        controls = ", ".join(f"no {tag}" for tag in tags)
        yield Finding(subject, "hint", f"not for masks: no ML backend, no KeyPointLabels, {controls}")
        return
    problems = config_problems(xml)
    yield from (Finding(subject, "problem", str(problem)) for problem in problems)
    yield check_backend(subject, backends)
    if not problems:
        yield check_image(subject, client, images, project)


def config_problems(xml: str) -> list[LabelConfigError]:
    try:
        return LabelConfig.parse(xml).problems()
    except LabelConfigError as error:
        return [error]


def check_backend(subject: str, backends: list[dict[str, Any]]) -> Finding:
    """Label Studio asks the first interactive backend only."""
    if not backends:
        return Finding(subject, "hint", "no ML backend yet: add click99's address at Settings → Model")
    interactive = [backend for backend in backends if backend["is_interactive"]]
    if not interactive:
        return Finding(subject, "problem", "Settings → Model → Edit: switch on interactive preannotations")
    first = interactive[0]
    if first["readable_state"] != "Connected":
        problem = f"{first['url']} is {first['readable_state']}: {first['error_message'] or 'no answer'}"
        return Finding(subject, "problem", f"{problem}. Start click99 there, or correct the address")
    return Finding(subject, "ok", f"clicks go to {first['url']}")


def check_image(subject: str, client: Client, images: ImageSource, project: dict[str, Any]) -> Finding:
    """Whether the first task's image can be had."""
    tasks = client.call("GET", "/api/tasks", params={"project": project["id"], "page_size": 1})["tasks"]
    if not tasks:
        return Finding(subject, "hint", "no tasks yet")
    try:
        url = LabelConfig.parse(project["label_config"]).image_url(tasks[0]["data"])
        height, width, _ = images.get(url).pixels.shape
    except LabelStudioError as error:
        return Finding(subject, "problem", f"task {tasks[0]['id']}: {error}")
    return Finding(subject, "ok", f"task {tasks[0]['id']}: image of {width} × {height}")
