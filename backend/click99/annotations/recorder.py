"""The record's writer: a thread that takes clicks from memory and events from the inbox to the database.

A click costs its request one packed mask and a place in a queue. The database may be slow, locked, full or
away: clicks wait in memory, events on the disk, and all is written when it is back. What it does not take
although it is there is set aside on the disk, and the others go on. Killed meanwhile, the
clicks still in memory are gone (a few milliseconds' worth while the database answers): of an object that is
still worked on, the next click's request brings them again; of an accepted one, its mask comes with the
annotation's event.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from sqlalchemy.exc import SQLAlchemyError

from click99.annotations import answered_clicks
from click99.annotations.answered_clicks import AnsweredClick
from click99.annotations.database import Database, is_away, reason
from click99.annotations.dead_letters import DeadLetters
from click99.annotations.events import keep_event
from click99.annotations.inbox import Inbox, received_at
from click99.annotations.upgrades import SchemaError

log = logging.getLogger(__name__)

MAX_WAITING = 64 * 2**20  # bytes of clicks in memory: thousands of them
LOOK_SECONDS = 5.0  # between looks into the inbox, which other processes fill too
PATIENCE = (0.1, 5.0)  # seconds before trying a database again that failed: first, and at most
CLOSING_SECONDS = 10.0


class Watch(Protocol):
    """Who is told how the record fares. lost: clicks that found no room in memory. set_aside: clicks and
    events that the record can't hold."""

    def waiting(self, clicks: int, events: int) -> None: ...
    def failing(self, failing: bool) -> None: ...
    def lost(self) -> None: ...
    def set_aside(self, kind: str) -> None: ...


class Recorder:
    """Writes while it is started. Any thread may hand it clicks and events.

    home: the folder where events wait, and what was set aside is kept.
    """

    def __init__(self, database: Database, home: Path, watch: Watch, max_waiting: int = MAX_WAITING):
        self._database, self._watch = database, watch
        self._inbox, self._dead_letters = Inbox(home / "events"), DeadLetters.at(home)
        self._max_waiting, self._bytes = max_waiting, 0
        self._waiting: deque[AnsweredClick] = deque()
        self._changed = threading.Condition()
        self._mail, self._closing, self._trouble = True, False, ""
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Write what waits, for some seconds at most."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(CLOSING_SECONDS)
        if self._waiting:
            log.error("%d clicks are not recorded: %s could not be written to", *self._state())

    def click(self, answered_click: AnsweredClick) -> None:
        """Take a click; returns at once."""
        with self._changed:
            if self._bytes + answered_click.size <= self._max_waiting:
                self._waiting.append(answered_click)
                self._bytes += answered_click.size
                self._changed.notify()
                return
        self._watch.lost()
        log.error(
            "A click of region %s is not recorded: too many wait for %s", answered_click.region, self._name
        )

    def event(self, body: bytes) -> None:
        """Take an event; on return it is on the disk. OSError when it cannot be."""
        self._inbox.put(body)
        with self._changed:
            self._mail = True
            self._changed.notify()

    @property
    def _name(self) -> str:
        return self._database.name

    def _state(self) -> tuple[int, str]:
        return len(self._waiting), self._name

    def _run(self) -> None:
        patience = PATIENCE[0]
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._mail or self._closing, LOOK_SECONDS)
                closing, self._mail = self._closing, False
            try:
                self._write()
            except (SQLAlchemyError, OSError) as error:
                self._failed(error)
                if closing:
                    return
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, patience)
                    self._mail = True
                patience = min(2 * patience, PATIENCE[1])
                continue
            self._recovered()
            patience = PATIENCE[0]
            if closing:
                return

    def _write(self) -> None:
        """All that waits, each in a transaction of its own."""
        while self._waiting:
            answered_click = self._waiting[0]
            content = partial(asdict, answered_click)
            with self._setting_aside("click", f"of region {answered_click.region!r}", content):
                self._write_click(answered_click)
            with self._changed:
                self._waiting.popleft()
                self._bytes -= answered_click.size
            self._watch.waiting(len(self._waiting), 0)
        for file in self._inbox:
            content = partial(lambda file: {"body": file.read_bytes()}, file)
            with self._setting_aside("event", f"in {file}", content):
                self._write_event(file)
            file.unlink(missing_ok=True)
        self._watch.waiting(len(self._waiting), len(self._inbox))

    @contextmanager
    def _setting_aside(
        self, kind: str, name: str, content: Callable[[], Mapping[str, Any]]
    ) -> Iterator[None]:
        """One that the database does not take must not hold up the others."""
        try:
            yield
        except Exception as error:
            if is_away(error):
                raise
            self._dead_letters.keep(kind, repr(error), content())
            self._watch.set_aside(kind)
            where = self._dead_letters.folder
            log.error("Set aside in %s, not recorded: %s %.80s: %.200s", where, kind, name, reason(error))

    def _write_click(self, answered_click: AnsweredClick) -> None:
        with self._database.writing() as session:
            answered_clicks.write(session, answered_click)

    def _write_event(self, file: Path) -> None:
        try:
            body = file.read_bytes()
        except FileNotFoundError:  # another process has written it
            return
        with self._database.writing() as session:
            event = keep_event(session, body, received_at(file))
            unread = event is not None and event.problem is not None
        if unread:
            self._watch.set_aside("event")

    def _failed(self, error: Exception) -> None:
        with self._changed:
            waiting = self._state()
        trouble = reason(error)
        if trouble != self._trouble:
            remedy = "" if isinstance(error, SchemaError) else ". Free its disk, or end what locks it"
            told = "The record can't be written: %s: %s%s. Clicks and events wait until it can"
            log.error(told, waiting[1], trouble, remedy)
        self._watch.failing(True)
        self._watch.waiting(waiting[0], len(self._inbox))
        self._trouble = trouble
        self._database.close()  # the next try looks at the schema, too

    def _recovered(self) -> None:
        if self._trouble:
            log.warning("The record can be written again: %s", self._name)
        self._trouble = ""
        self._watch.failing(False)
