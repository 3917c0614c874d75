"""Masks that were submitted before anyone accepted them: Label Studio saves their clicks and drops the masks.

The clicks, or the box, are enough: with the same checkpoint they make the same mask, bit for bit
(`click99 recover`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from click99.labelstudio.errors import LabelConfigError
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.loose_values import name_of
from click99.labelstudio.payloads import ContextItem, Work, saved_prompt
from click99.labelstudio.regions import is_of, made_from, region_id

MOST_OBJECTS = 20  # objects named in a message
Items = Sequence[Mapping[str, Any]]


def unaccepted_prompts(items: Items, config: LabelConfig, task: int | str) -> list[list[ContextItem]]:
    """The prompts in a task's annotation that no mask in it was made from, object by object.

    An object's prompts are a box, or clicks; boxes come first, because clicks may refine their masks.
    """
    boxes_only = {box.name for box in config.boxes if box.smart_only}
    smart = {keypoint.name for keypoint in config.keypoints if keypoint.smart}
    read = filter(None, map(saved_prompt, items))
    prompts = [prompt for prompt in read if _is_for_a_mask(prompt, boxes_only, smart)]
    boxes = [[box] for box in prompts if box.is_box]
    clicks: dict[tuple[str, str | None, int | None], list[ContextItem]] = {}
    for click in prompts:
        if click.is_click:
            clicks.setdefault(click.object, []).append(click)
    masks = _Masks(items)
    return [lost for lost in [*boxes, *clicks.values()] if masks.lack(lost, config, task)]


class _Masks:
    """An annotation's results by their ids, and by the clicks that they were made from."""

    def __init__(self, items: Items):
        self._by_id: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self._by_click: dict[str, list[tuple[frozenset[str], Mapping[str, Any]]]] = defaultdict(list)
        for item in items:
            self._by_id[name_of(item.get("id"))].append(item)
            made_of = frozenset(click.id for click in made_from(item))
            for click in made_of:
                self._by_click[click].append((made_of, item))

    def lack(self, prompts: list[ContextItem], config: LabelConfig, task: int | str) -> bool:
        """A ✓ on the canvas leaves the prompts, and masks tell which of them they were made from."""
        first, ids = prompts[0], {prompt.id for prompt in prompts}
        try:
            found = config.targets(first.from_name, first.label, image=first.to_name)
        except LabelConfigError:
            return False
        made = [told for click in ids for told in self._by_click[click]]
        if first.is_box:  # clicks may have refined its mask since
            made += [(frozenset(ids), item) for item in self._by_id[region_id(task, first.id)]]
        # whatever label people gave it since
        targets = [replace(target, item_index=first.item_index, any_label=True) for target in found]
        kept = (made_of for made_of, item in made if any(is_of(item, target) for target in targets))
        return not ids <= frozenset[str]().union(*kept)


def _is_for_a_mask(item: ContextItem, boxes_only: Collection[str], smart: Collection[str]) -> bool:
    """Clicks for a mask say whether they are positive; keypoints that are annotations of their own do not.

    Boxes never say: only where a control draws no others it is certain.
    """
    if item.is_box:
        return item.from_name in boxes_only
    return item.is_click and item.is_positive is not None and item.from_name in smart


def explain(annotation: Work, lost: list[list[ContextItem]]) -> str:
    """For the log: what was lost, where, and what restores it."""
    objects = ", ".join(map(_described, lost[:MOST_OBJECTS]))
    objects += f" and {len(lost) - MOST_OBJECTS} more" if len(lost) > MOST_OBJECTS else ""
    return (
        f"Task {annotation.task}, annotation {annotation.id}: submitted before its mask was accepted, so "
        f"Label Studio saved only {objects}. `click99 recover` makes the mask again"
    )


def count(prompts: Sequence[ContextItem]) -> str:
    """An object's prompts in words."""
    return "a box" if prompts[0].is_box else f"{len(prompts)} clicks"


def _described(prompts: Sequence[ContextItem]) -> str:
    return f"{count(prompts)} on {prompts[0].label or prompts[0].from_name!r}"
