"""`click99 sync`, and the same in the background: the record is brought up to date with Label Studio."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import track

from click99.annotations.comparison import differences
from click99.annotations.database import Database
from click99.annotations.exports import import_export
from click99.annotations.schedule import claim
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError
from click99.server.connection import Connection
from click99.server.poller import Poller
from click99.server.settings import Settings
from click99.server.storage import open_database

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # between looks whether a comparison is due
FIRST_SECONDS = 10.0  # after the start, which is not held up


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
    if project is not None:
        client.project(project)  # of one that is not there nothing differs
    tasks = list(track(differences(client, database, project), "Comparing annotations", console=console))
    saved, deleted = sum(task.saved for task in tasks), sum(task.deleted for task in tasks)
    console.print(f"{len(tasks)} tasks compared: {saved} annotations new or changed, {deleted} deleted.")


class RegularSync(Poller):
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
        """Compare if it is due and Label Studio known. Errors: see `differences`, and the database's."""
        client = self._client()
        if client is None:
            return
        with self._database.writing() as session:
            if not claim(session, "sync", self._due, datetime.now(UTC)):
                return
        tasks = 0
        for found in differences(client, self._database):
            tasks += 1
            if self._stop.is_set():
                return
            if found.saved or found.deleted:
                log.info("Not told of: %d annotations saved, %d deleted", found.saved, found.deleted)
        log.info("%d tasks compared with Label Studio's", tasks)
