"""What `click99 doctor` finds: a row a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "hint", "problem"]


@dataclass(frozen=True)
class Finding:
    """One row: what was looked at, how it stands, and what was seen or is to be done."""

    subject: str
    severity: Severity
    detail: str
