"""Which annotations lost a mask, because it was submitted before anyone accepted it, or hold one twice."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

MOST_ANNOTATIONS = 10_000  # annotations in the list


class DamagedAnnotations:
    """A list of annotations: empty files in CLICK99_HOME, for `click99 doctor` and `recover`.

    Anyone who reaches /webhook can add some, so they are named by numbers only, and up to MOST_ANNOTATIONS.
    """

    def __init__(self, home: Path):
        self._folder = home / "unaccepted"

    def all(self) -> list[int]:
        """The annotations' ids."""
        return sorted(int(file.name) for file in self._folder.glob("*") if file.name.isdigit())

    def add(self, annotation: int) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if len(os.listdir(self._folder)) < MOST_ANNOTATIONS:
                (self._folder / f"{annotation:d}").touch()
        except OSError as error:
            log.warning("CLICK99_HOME: annotation %s is not noted (%s)", annotation, error)

    def remove(self, annotation: int) -> None:
        with suppress(OSError):  # it is not there, or no file can be called so
            (self._folder / f"{annotation:d}").unlink()
