"""Who of several workers does something regular."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from click99.annotations.database import insert_new
from click99.annotations.tables import ScheduleRow


def claim(session: Session, name: str, every: timedelta, now: datetime) -> bool:
    """Whether something regular is due; who is told so does it, and nobody else."""
    if insert_new(session, ScheduleRow, {"name": name, "begun_at": now}):
        return True
    row = session.get_one(ScheduleRow, name, with_for_update=True)
    if timedelta() <= now - row.begun_at < every:  # begun later than now: a clock was ahead
        return False
    row.begun_at = now
    return True


def hold(session: Session, name: str, now: datetime) -> None:
    """Who claimed it is still at it."""
    session.get_one(ScheduleRow, name).begun_at = now
