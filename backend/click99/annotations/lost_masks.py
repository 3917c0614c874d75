"""Which annotations lost a mask, because it was submitted before anyone accepted it."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)

MOST = 10_000  # annotations in the list


class LostMasks:
    """A list of annotations: empty files in CLICK99_HOME, for `click99 doctor` and `recover`.

    Anyone who reaches /webhook can add some, so they are named by numbers only, and no more than MOST.
    """

    def __init__(self, home: Path):
        self._folder = home / "unaccepted"

    def all(self) -> list[int]:
        """The annotations' ids."""
        return sorted(int(file.name) for file in self._folder.glob("*") if file.name.isdigit())

    def add(self, annotation: int) -> None:
        if len(self.all()) >= MOST:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{annotation:d}").touch()
        except OSError as error:
            log.warning("CLICK99_HOME: annotation %s is not noted (%s)", annotation, error)

    def remove(self, annotation: int) -> None:
        (self._folder / f"{annotation:d}").unlink(missing_ok=True)
