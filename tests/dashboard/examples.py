"""Costs of masks that nobody saved."""

from __future__ import annotations

from typing import Any

from click99.dashboard.costs import Cost
from tests.annotations.examples import NOON, PROJECT_KEY


def cost(**changes: Any) -> Cost:
    """Of a mask of two clicks, saved at noon."""
    given = {
        "project": PROJECT_KEY,
        "label": "cell",
        "annotator": "4",
        "version": "v1",
        "saved_at": NOON,
        "clicks": 2,
        "seconds": 5.0,
        "retouched": False,
        "annotation": "1 9",
        "lead_time": None,
    }
    return Cost(**(given | changes))
