"""Masks that were submitted before anyone accepted them: Label Studio saves their clicks and drops the masks.

The clicks, or the box, are enough: with the same checkpoint they make the same mask, bit for bit
(`click99 recover`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from click99.labelstudio.errors import LabelConfigError
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.payloads import ContextItem, WebhookEvent
from click99.labelstudio.regions import is_of, made_from, region_id

Items = Sequence[Mapping[str, Any]]


def unaccepted_prompts(items: Items, config: LabelConfig, task: int | str) -> list[list[ContextItem]]:
    """The prompts in a task's annotation that no mask in it was made from, object by object.

    An object's prompts are a box, or clicks; boxes come first, because clicks may refine their masks.
    """
    prompts = [prompt for prompt in map(_prompt, items) if prompt and _is_for_a_mask(prompt, config)]
    boxes = [[box] for box in prompts if box.is_box]
    clicks: dict[tuple[str, str | None, int | None], list[ContextItem]] = {}
    for click in prompts:
        if click.is_click:
            clicks.setdefault(click.object, []).append(click)
    return [lost for lost in [*boxes, *clicks.values()] if _is_lost(lost, items, config, task)]


def _prompt(item: Mapping[str, Any]) -> ContextItem | None:
    try:
        return ContextItem.model_validate(item)
    except ValidationError:
        return None


def _is_for_a_mask(item: ContextItem, config: LabelConfig) -> bool:
    """Clicks for a mask say whether they are positive; keypoints that are annotations of their own do not.

    Boxes never say: only where a control draws no others it is certain.
    """
    if item.is_box:
        return any(box.name == item.from_name and box.smart_only for box in config.boxes)
    smart = any(keypoint.name == item.from_name and keypoint.smart for keypoint in config.keypoints)
    return item.is_click and item.is_positive is not None and smart


def _is_lost(prompts: list[ContextItem], items: Items, config: LabelConfig, task: int | str) -> bool:
    """A ✓ on the canvas leaves the prompts, and the mask tells that it was made from them."""
    first, ids = prompts[0], {prompt.id for prompt in prompts}
    try:
        target = replace(config.target(first.from_name, first.label), item_index=first.item_index)
    except LabelConfigError:
        return False
    masks = [item for item in items if is_of(item, target)]
    if first.is_box and region_id(task, first.id) in {mask.get("id") for mask in masks}:
        return False  # clicks may have refined it since
    return not any(ids <= {click.id for click in made_from(mask)} for mask in masks)


def explain(event: WebhookEvent, lost: list[list[ContextItem]]) -> str:
    """For the log: what was lost, where, and what restores it."""
    assert event.task
    assert event.annotation
    objects = ", ".join(f"{count(prompts)} on {prompts[0].label!r}" for prompts in lost)
    return (
        f"Task {event.task.id}, annotation {event.annotation.id}: submitted before its mask was accepted, so "
        f"Label Studio saved only {objects}. `click99 recover` makes the mask again"
    )


def count(prompts: Sequence[ContextItem]) -> str:
    """An object's prompts in words."""
    return "a box" if prompts[0].is_box else f"{len(prompts)} clicks"
