"""Masks that are saved twice under one id.

Where a label for clicks or boxes is chosen when a mask is accepted, Label Studio saves the region under both
labels: as a mask, and as a click or a box that carries the mask. Its COCO export of the project then fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from click99.labelstudio.loose_values import fields, name_of
from click99.labelstudio.payloads import PROMPTS, Work
from click99.labelstudio.region_types import REGION_TYPES

Item = dict[str, Any]


def without_doubled(items: Sequence[Item]) -> list[Item]:
    """An annotation's results without the clicks and boxes that repeat the mask of their region.

    One that holds another mask than its region's stays: no mask is lost.
    """
    masks = {name_of(item.get("id")): item for item in items if name_of(item.get("type")) in REGION_TYPES}
    return [item for item in items if not _repeats(item, masks.get(name_of(item.get("id")), {}))]


def _repeats(item: Item, mask: Item) -> bool:
    if item.get("type") not in PROMPTS or not mask:
        return False
    field = REGION_TYPES[mask["type"]].field
    made_of = fields(mask.get("value")).get(field)
    return made_of is not None and fields(item.get("value")).get(field) == made_of


def explain_doubled(annotation: Work, count: int) -> str:
    """For the log: what is saved twice, where, and what mends it."""
    return (
        f"Task {annotation.task}, annotation {annotation.id}: {count} masks are saved twice, because a label "
        "for clicks was chosen when they were accepted. With them Label Studio's COCO export of the whole "
        "project fails. `click99 recover` mends it"
    )
