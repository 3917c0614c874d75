"""Masks that were submitted before anyone accepted them: Label Studio saves their clicks and drops the masks.

The clicks are enough: with the same checkpoint they make the same mask, bit for bit (`recover.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backend.labelstudio.errors import LabelConfigError
from backend.labelstudio.label_config import LabelConfig, Target
from backend.labelstudio.meta import made_from
from backend.labelstudio.payloads import ContextItem, WebhookEvent

log = logging.getLogger(__name__)

MOST = 10_000  # annotations noted
Items = Sequence[Mapping[str, Any]]


def unaccepted(items: Items, config: LabelConfig) -> list[list[ContextItem]]:
    """The clicks in an annotation's result that no mask in it was made from, object by object."""
    groups: dict[tuple[str, str | None], list[ContextItem]] = {}
    for click in filter(None, map(_click, items)):
        if click.from_name in {keypoint.name for keypoint in config.keypoints if keypoint.smart}:
            groups.setdefault(click.object, []).append(click)
    return [clicks for clicks in groups.values() if _is_lost(clicks, items, config)]


def _click(item: Mapping[str, Any]) -> ContextItem | None:
    """Clicks for a mask say whether they are positive; keypoints that are annotations of their own do not."""
    try:
        click = ContextItem.model_validate(item)
    except ValidationError:
        return None
    return click if click.is_click and click.is_positive is not None else None


def _is_lost(clicks: list[ContextItem], items: Items, config: LabelConfig) -> bool:
    """A ✓ on the canvas leaves the clicks, and the mask tells that it was made from them."""
    try:
        target = config.target(clicks[0].from_name, clicks[0].value.keypointlabels[0])
    except (LabelConfigError, IndexError):
        return False
    ids = {click.id for click in clicks}
    masks = [item for item in items if _is_of(item, target)]
    return not any(ids <= {click.id for click in made_from(mask)} for mask in masks)


def _is_of(item: Mapping[str, Any], target: Target) -> bool:
    names = item.get("type"), item.get("from_name"), item.get("to_name")
    labels = item.get("value", {}).get(target.kind)
    return names == (target.kind, target.from_name, target.to_name) and target.label in (labels or ())


class Notes:
    """Which annotations lost a mask: empty files in CLICK99_HOME, for `click99 doctor` and `recover`.

    Anyone who reaches /webhook can add some, so they are named by numbers only, and no more than MOST.
    """

    def __init__(self, home: Path):
        self._folder = home / "unaccepted"

    def all(self) -> list[int]:
        """The annotations' ids."""
        return sorted(int(file.name) for file in self._folder.glob("*") if file.name.isdigit())

    def lost(self, annotation: int) -> None:
        if len(self.all()) >= MOST:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{annotation:d}").touch()
        except OSError as error:
            log.warning("CLICK99_HOME: annotation %s is not noted (%s)", annotation, error)

    def whole(self, annotation: int) -> None:
        (self._folder / f"{annotation:d}").unlink(missing_ok=True)


def explain(event: WebhookEvent, lost: list[list[ContextItem]]) -> str:
    """For the log: what was lost, where, and what restores it."""
    assert event.task
    assert event.annotation
    objects = ", ".join(f"{len(clicks)} clicks on {clicks[0].value.keypointlabels[0]!r}" for clicks in lost)
    return (
        f"Task {event.task.id}, annotation {event.annotation.id}: submitted before its mask was accepted, so "
        f"Label Studio saved only {objects}. `click99 recover` makes the mask again"
    )
