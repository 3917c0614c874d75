"""`click99 sync`: what Label Studio's events did not tell, because nobody listened, found through its API."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from click99.annotations import gaps
from click99.annotations.database import Database
from click99.annotations.events import keep_event
from click99.annotations.exports import import_export
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ApiMissingError
from click99.server.connection import Connection
from click99.server.doctor import projects
from click99.server.periodic import Periodic
from click99.server.recording import open_database
from click99.server.settings import Settings

log = logging.getLogger(__name__)

PAGE = 100  # tasks asked for at a time
LOOK_SECONDS = 60.0  # between looks whether a comparison is due
FIRST_SECONDS = 10.0  # after the start, which is not held up


@dataclass(frozen=True)
class Compared:
    """A task, compared. saved: annotations that were new or changed. deleted: those that are gone."""

    saved: int = 0
    deleted: int = 0


def run(settings: Settings, project: int | None, export: Path | None, console: Console) -> None:
    """Compare with Label Studio, or import an export, and say what was found.

    project: the only one to compare; of an export that doesn't tell, the one it is of. Raises ExportError,
    LabelStudioError, the database's errors.
    """
    database = open_database(settings)
    if export:
        new = import_export(database, export, project)
        console.print(f"{new} annotations recorded that were not known.")
        return
    client = Connection(settings).client
    if client is None:
        raise ApiError("LABEL_STUDIO_URL", "not set", "Set it and LABEL_STUDIO_API_KEY")
    tasks = list(track(compare(client, database, project), "Comparing annotations", console=console))
    saved, deleted = sum(task.saved for task in tasks), sum(task.deleted for task in tasks)
    console.print(f"{len(tasks)} tasks compared: {saved} annotations new or changed, {deleted} deleted.")


def compare(client: Client, database: Database, only: int | None = None) -> Iterator[Compared]:
    """Bring the record up to date, task by task; begun again, it goes on where it was.

    only: a project's id. LabelStudioError when the API fails; what was compared until then is recorded.
    """
    for project in projects(client):
        if only in (None, project["id"]):
            yield from _compare_project(client, database, project)


def _compare_project(client: Client, database: Database, project: dict[str, Any]) -> Iterator[Compared]:
    named = {"id": project["id"], "created_at": project["created_at"]}
    key, seen = gaps.project_key(project), set()
    for task in client.tasks(project["id"], PAGE):
        seen.add(str(task["id"]))
        yield _compare_task(client, database, key, named, task)
    with database.reading() as session:
        missing = gaps.tasks_with_annotations(session, key) - seen
    for number in sorted(missing):
        if _is_gone(client, number):
            _keep(database, {"action": "TASKS_DELETED", "tasks": [{"id": number}], "project": named})
            yield Compared(deleted=1)


def _compare_task(
    client: Client, database: Database, key: str, project: Mapping[str, Any], task: dict[str, Any]
) -> Compared:
    number, updated_at = str(task["id"]), datetime.fromisoformat(task["updated_at"])
    many = task["total_annotations"] + task["cancelled_annotations"]
    with database.reading() as session:
        live = gaps.live(session, key, number)
        if gaps.is_compared(session, key, number, updated_at) and len(live) == many:
            return Compared()
    # All of the task: the call for its annotations alone leaves out those that were skipped.
    annotations = client.call("GET", f"/api/tasks/{number}")["annotations"] if many or live else []
    new, deleted = gaps.unknown(live, annotations)
    about = {"id": task["id"], "data": task["data"]}
    for annotation in new:
        _keep(database, {"action": "SYNCED", "annotation": annotation, "task": about, "project": project})
    if deleted:
        gone = [{"id": annotation} for annotation in deleted]
        _keep(database, {"action": "ANNOTATIONS_DELETED", "annotations": gone, "project": project})
    with database.writing() as session:
        gaps.note_compared(session, key, number, updated_at)
    return Compared(len(new), len(deleted))


def _is_gone(client: Client, task: str) -> bool:
    """One may also be missing in the list because pages moved while they were read."""
    try:
        client.call("GET", f"/api/tasks/{task}")
    except ApiMissingError:
        return True
    return False


def _keep(database: Database, event: Mapping[str, Any]) -> None:
    with database.writing() as session:
        keep_event(session, json.dumps(event).encode(), datetime.now(UTC))


class Regularly(Periodic):
    """Compares in the background, every so many minutes; of several workers, one does."""

    def __init__(self, database: Database, client: Callable[[], Client | None], minutes: int):
        """client: the Label Studio, None while it is unknown. minutes: 0 is never."""
        trouble = "Annotations are not compared with Label Studio's"
        super().__init__("sync", LOOK_SECONDS, trouble, FIRST_SECONDS)
        self._database, self._client, self._due = database, client, timedelta(minutes=minutes)

    def start(self) -> None:
        if self._due:
            super().start()

    def look(self) -> None:
        """Compare if it is due and Label Studio known. Errors: see `compare`, and the database's."""
        client = self._client()
        if client is None:
            return
        with self._database.writing() as session:
            if not gaps.claim(session, "sync", self._due, datetime.now(UTC)):
                return
        tasks = 0
        for found in compare(client, self._database):
            tasks += 1
            if self._stop.is_set():
                return
            if found.saved or found.deleted:
                log.info("Not told of: %d annotations saved, %d deleted", found.saved, found.deleted)
        log.info("%d tasks compared with Label Studio's", tasks)
