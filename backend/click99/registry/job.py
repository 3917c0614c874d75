"""One fine-tune's folder: what was begun there, whether it still runs, and how it stands.

`job.json` says what was begun, `log.txt` what it printed, `progress.json` how far it is. Its process holds
the lock on `alive`, so nobody has to watch it die.
"""

from __future__ import annotations

import fcntl
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ValidationError

from click99.files import write_json
from click99.registry.versions import now

JobKind = Literal["fine-tune", "watch"]
JobState = Literal[
    "running", "promoted", "not promoted", "kept", "rolled back", "refused", "cancelled", "failed"
]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)


@dataclass(frozen=True)
class Job:
    """why: who asked for it. host, process: where it runs. progress: what it told last (progress.json).
    kind: a fine-tune, or the watch over what one brought. projects: the group whose (lines.py)."""

    number: int
    folder: Path
    why: str
    started_at: str
    host: str
    process: int
    state: JobState
    progress: Mapping[str, Any]
    kind: JobKind = "fine-tune"
    projects: str = ""

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1, as far as it tells."""
        return self._number("share")

    @property
    def seconds_left(self) -> float:
        """As far as it tells."""
        return self._number("seconds_left")

    def _number(self, name: str) -> float:
        told = self.progress.get(name)
        return float(told) if isinstance(told, int | float) and math.isfinite(told) else 0.0

    @property
    def message(self) -> str:
        """How it stands, in a line; of one that failed, the last that it printed."""
        if self.state != "failed":
            return str(self.progress.get("message", ""))
        log = self.folder / "log.txt"
        if not log.exists():
            return "what it said last stood in its terminal"
        return f"{log_end(self.folder) or 'its process ended without a word'} ({log})"


def write_begin(
    folder: Path, why: str, process: int, kind: JobKind = "fine-tune", projects: str = ""
) -> None:
    """Process `process` of this machine has begun the job."""
    begun = {"why": why, "started_at": now(), "host": platform.node(), "process": process}
    write_json(folder / "job.json", begun | {"kind": kind, "projects": projects})


def write_cancel(folder: Path) -> None:
    """Somebody wished the job to stop: it has not failed."""
    (folder / "cancelled").touch()


def read_job(folder: Path) -> Job | None:
    """The job whose folder is named by its number; None while there is none, or not yet."""
    try:
        begun = _JobFile.model_validate(_read_json(folder / "job.json"))
    except ValidationError:
        return None
    alive = is_locked(folder / "alive")  # before its news: what is dead by now writes none any more
    progress = _read_json(folder / "progress.json")
    state = _state(folder, alive, progress)
    return Job(int(folder.name), folder, state=state, progress=progress, **begun.model_dump())


def _time(value: str) -> str:
    datetime.fromisoformat(value)
    return value


class _JobFile(BaseModel):
    """job.json: see `Job`."""

    why: str
    started_at: Annotated[str, AfterValidator(_time)]
    host: str
    process: int
    kind: JobKind = "fine-tune"
    projects: str = ""


def _state(folder: Path, alive: bool, progress: Mapping[str, Any]) -> JobState:
    if alive:
        return "running"
    if progress.get("phase") == "done":
        return "promoted" if progress.get("promoted") else "not promoted"
    if progress.get("phase") == "watched":
        if progress.get("rolled_back"):
            return "rolled back"
        return "promoted" if progress.get("promoted") else "kept"
    if progress.get("phase") == "refused":
        return "refused"
    return "cancelled" if (folder / "cancelled").exists() else "failed"


def _read_json(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def is_locked(file: Path) -> bool:
    """Whether some process holds the lock on a file."""
    try:
        with file.open("rb") as opened:
            return not _try_shared(opened)
    except OSError:
        return False


def _try_shared(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def log_end(folder: Path) -> str:
    """The last line that a job printed."""
    try:
        text = (folder / "log.txt").read_text(errors="replace")
    except OSError:
        return ""
    return (text.strip().splitlines() or [""])[-1]
