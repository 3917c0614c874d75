"""A thread that looks at something again and again."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from click99.labelstudio.errors import LabelStudioError

log = logging.getLogger(__name__)


class Poller(ABC):
    """Calls `look` in a thread of its own from `start` to `close`, or while it is a context; what goes wrong
    is logged, and it goes on.

    first, every: seconds until the first look, and between looks. trouble: what then does not happen.
    """

    def __init__(self, name: str, every: float, trouble: str, first: float | None = None):
        self._every, self._first, self._trouble = every, every if first is None else first, trouble
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def look(self) -> None: ...

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """No look begins any more."""
        self._stop.set()

    def _run(self) -> None:
        seconds = self._first
        while not self._stop.wait(seconds):
            seconds = self._every
            try:
                self.look()
            except (LabelStudioError, SQLAlchemyError, OSError) as error:
                log.warning("%s: %s", self._trouble, error)
            except Exception:
                log.exception(self._trouble)
