"""Tables that commands write."""

from __future__ import annotations

import csv
from pathlib import Path


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
