"""The wish that a run stop: by SIGTERM or Ctrl-C, heard at the next safe point."""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Self


class RunInterrupt(Exception):  # noqa: N818  it is no error
    """Somebody wished the run to stop; what it has is saved, and the same command goes on."""


class StopRequest:
    """Inside `with`, SIGTERM and Ctrl-C set `asked_to_stop` instead of ending the process."""

    asked_to_stop = False

    def stop_if_asked(self) -> None:
        """RunInterrupt, at a point where all is saved that there is."""
        if self.asked_to_stop:
            raise RunInterrupt

    def __enter__(self) -> Self:
        self.before = {}
        if threading.current_thread() is threading.main_thread():
            self.before = {one: signal.signal(one, self._ask) for one in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self.before.items():
            signal.signal(one, handler)

    def _ask(self, *_: object) -> None:
        self.asked_to_stop = True
