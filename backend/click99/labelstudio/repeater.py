"""A label config's Repeater tags: what is in them, once for each item of a list of the task's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from click99.labelstudio.errors import LabelConfigError
from click99.labelstudio.loose_values import value_of

LONGEST = 2**20  # characters of a config, repeated; with thousands of labels it is a tenth of that


def repeated(root: ElementTree.Element, data: Mapping[str, Any]) -> ElementTree.Element:
    """A copy for the task with this data. root: with attributes in lower case. LabelConfigError when it gets
    too large.

    Every indexFlag ("{{idx}}") in an attribute becomes the item's number, from 0. A list that the task lacks
    counts as one item, so that a config can be checked without a task.
    """
    return _Copy(data).of(root, {})


class _Copy:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data, self._left = data, LONGEST

    def of(self, tag: ElementTree.Element, numbers: Mapping[str, int]) -> ElementTree.Element:
        attributes = {key: _numbered(tag.attrib[key], numbers) for key in tag.attrib}
        self._take(len(tag.tag) + sum(map(len, (*attributes, *attributes.values()))))
        if tag.tag.lower() != "repeater":
            copy = ElementTree.Element(tag.tag, attributes)
            copy.extend([self.of(child, numbers) for child in tag])
            return copy
        found = value_of(attributes.get("on", ""), self._data)
        copy = ElementTree.Element("View")
        for number in range(len(found) if isinstance(found, list) else 1):
            self._take(1)
            inside = {**numbers, attributes.get("indexflag") or "{{idx}}": number}
            copy.extend([self.of(child, inside) for child in tag])
        return copy

    def _take(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            problem = f"more than {LONGEST} characters, with its Repeaters repeated for this task"
            raise LabelConfigError("label_config", problem, "Split the task")


def _numbered(text: str, numbers: Mapping[str, int]) -> str:
    for flag, number in numbers.items():
        text = text.replace(flag, str(number))
    return text
