"""The tags of a label config that draw: what clicks and boxes come from, and what holds an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

from click99.labelstudio.loose_values import name_of, value_of
from click99.labelstudio.payloads import PROMPTS
from click99.labelstudio.region_types import OF_ANY, REGION_TYPES, Kind

TOOLS: dict[Kind, str] = {kind: kind.removesuffix("labels") for kind in REGION_TYPES}  # without labels
KINDS = {*PROMPTS, *REGION_TYPES, *TOOLS.values(), OF_ANY}


@dataclass(frozen=True)
class Target:
    """Where the answer to a click goes.

    from_name: the control; to_name: the Image tag. kind: how the region holds its mask; type: the region's,
    which is also the name of its labels in its value. drawn_by: the Brush, Bitmask or Polygon that draws what
    from_name, a Labels, labels; "": one control does both. item_index: of the picture in the tag's valueList,
    None: it has only one. more: labels beside `label`, of a control with choice="multiple". any_label: the
    prompt has none, so it may be about a region of whichever; `label` is the control's first. chosen: those
    of the region that was selected at the click, as far as the control has them. called: what other programs
    call `label`, its value where it has an alias. labels: all of the control, as a `Control`'s.
    """

    from_name: str
    to_name: str
    label: str
    kind: Kind = "brushlabels"
    type: str = "brushlabels"
    item_index: int | None = None
    more: tuple[str, ...] = ()
    any_label: bool = False
    drawn_by: str = ""
    chosen: tuple[str, ...] = ()
    called: str | None = None
    labels: Mapping[str, str] | None = field(default=None, compare=False)

    def known(self, labels: Iterable[str]) -> list[str]:
        """Those that the control has, as in results."""
        return known_names(self.labels, labels)


@dataclass(frozen=True)
class Control:
    """A tag with labels, or one that draws without. kind: its name in lower case. smart_only: all that is
    drawn with it are prompts. labels: name in results (alias or value) -> value; None: they come from a
    task that does not tell them, so any may be right. from_task: where they stand in it ("$labels"). own: the
    config's, which the task's come after. drawn_by: as of a `Target`."""

    kind: str
    name: str
    to_name: str
    smart: bool
    smart_only: bool
    labels: Mapping[str, str] | None
    from_task: str = ""
    own: Mapping[str, str] = field(default_factory=dict)
    drawn_by: str = ""

    def of_task(self, data: Mapping[str, Any]) -> Control:
        """With the labels that a task with this data gives it."""
        found = value_of(self.from_task, data) if self.from_task else None
        given = [
            each if isinstance(each, dict) else {"value": each}
            for each in (found if isinstance(found, list) else [])
        ]
        called = [(name_of(each.get("alias")), name_of(each.get("value"))) for each in given]
        whole = {**self.own, **{alias or value: value or alias for alias, value in called if alias or value}}
        return replace(self, labels=whole) if whole else self

    @property
    def tag(self) -> str:
        """Of an output, as a person writes it."""
        return "Labels" if self.drawn_by else REGION_TYPES[self.kind].tag  # pyright: ignore


def known_names(labels: Mapping[str, str] | None, told: Iterable[str]) -> list[str]:
    """Of those told, by their names or values, the names of those that `labels`, a `Control`'s, holds."""
    return [name for label in told if (name := name_in(labels, label, label))]


def name_in(labels: Mapping[str, str] | None, label: str, value: str) -> str | None:
    """In results, of the label called `label`, or having `value`; None when `labels`, a `Control`'s, has
    none."""
    if labels is None or label in labels:
        return label
    return next((name for name, own in labels.items() if own == value), None)


def controls(root: ElementTree.Element) -> dict[str, list[Control]]:
    """Those that draw, by their kind, in their order."""
    found: dict[str, list[Control]] = {kind: [] for kind in KINDS}
    for tag in root.iter():
        kind = str(tag.tag).lower()
        if kind in KINDS:
            found[kind].append(_control(tag, kind))
    return found


def outputs(found: Mapping[str, list[Control]], kind: Kind) -> Iterator[Control]:
    """Those of that kind, then the tools that draw it under the labels of a Labels control."""
    yield from found[kind]
    for tool in found[TOOLS[kind]]:
        for labels in found[OF_ANY]:
            if labels.to_name == tool.to_name:
                yield replace(labels, kind=kind, drawn_by=tool.name)


def _control(tag: ElementTree.Element, kind: str) -> Control:
    labels = [label for label in _inside(tag) if is_tag(label, "label")]
    called = ((label.get("alias", ""), label.get("value", "")) for label in labels)
    own = {alias or value: value or alias for alias, value in called if alias or value}
    value = tag.get("value", "")
    from_task = value if value.startswith("$") else ""
    smart, smart_only = (tag.get(key, "").lower() == "true" for key in ("smart", "smartonly"))
    name, to_name = tag.get("name", ""), tag.get("toname", "")
    known = None if from_task else own
    return Control(kind, name, to_name, smart, smart and smart_only, known, from_task, own)


def _inside(tag: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The tags inside a control, but for those of controls in it."""
    waiting = list(reversed(tag))
    while waiting:
        child = waiting.pop()
        if str(child.tag).lower() not in KINDS:
            yield child
            waiting += reversed(child)


def is_tag(tag: ElementTree.Element, kind: str) -> bool:
    return isinstance(tag.tag, str) and tag.tag.lower() == kind
