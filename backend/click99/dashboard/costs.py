"""What saved masks took, as the record tells without looking at a pixel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from click99.annotations.saved_masks import SavedMask


@dataclass(frozen=True)
class Cost:
    """What one saved mask took.

    version: of the model that answered last, "" without clicks. clicks: that count; none: drawn by hand.
    seconds: from the first click's request to the last one's mask. retouched: by brush. lead_time: seconds
    that the annotator took for the whole annotation, whose key is `annotation`.
    """

    project: str
    label: str
    annotator: str
    version: str
    saved_at: datetime | None
    clicks: int
    seconds: float
    retouched: bool
    annotation: str
    lead_time: float | None


AnyCost = TypeVar("AnyCost", bound=Cost)


def cost(found: SavedMask) -> Cost:
    annotation, clicks = found.annotation, found.clicks
    return Cost(
        project=annotation.project,
        label=found.region.label,
        annotator=annotation.annotator or "unknown",
        version=clicks[-1].model_version if clicks else "",
        saved_at=annotation.updated_at,
        clicks=len(clicks),
        seconds=_seconds(found),
        retouched=found.region.origin == "prediction-changed",
        annotation=f"{annotation.project} {annotation.id}",
        lead_time=annotation.lead_time,
    )


def _seconds(found: SavedMask) -> float:
    if not found.clicks:
        return 0.0
    first, last = found.clicks[0], found.clicks[-1]
    return (last.asked_at - first.asked_at).total_seconds() + (last.milliseconds or 0.0) / 1000


BY: dict[str, Callable[[Cost], str]] = {
    "project": lambda cost: cost.project,
    "label": lambda cost: cost.label,
    "annotator": lambda cost: cost.annotator,
    "version": lambda cost: cost.version,
}


def grouped(found: Iterable[AnyCost], key: Callable[[Cost], str]) -> dict[str, list[AnyCost]]:
    """In the order of the keys."""
    groups: dict[str, list[AnyCost]] = defaultdict(list)
    for each in found:
        groups[key(each)].append(each)
    return dict(sorted(groups.items()))


def mean(values: Iterable[float | None]) -> float:
    """Of those that are known; nan without any."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def median(values: Iterable[float | None]) -> float:
    """As `mean`."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else float("nan")
