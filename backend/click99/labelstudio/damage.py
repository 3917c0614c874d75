"""What an annotation lost when it was saved, or holds twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from click99.labelstudio.doubled import without_doubled
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.payloads import ContextItem
from click99.labelstudio.unaccepted import unaccepted_prompts


class Damage(NamedTuple):
    """clicks: of each lost mask, or its box. doubled: how many masks are there twice."""

    clicks: list[list[ContextItem]]
    doubled: int

    def __bool__(self) -> bool:
        return bool(self.clicks or self.doubled)


def damage(items: Sequence[dict[str, Any]], config: LabelConfig, task: int | str) -> Damage:
    """Of an annotation's results, in the task's label config."""
    return Damage(unaccepted_prompts(items, config, task), len(items) - len(without_doubled(items)))
