"""A label config of one's own labels, made of those that ship (`label_config/*.xml`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from xml.sax.saxutils import quoteattr

KINDS = ("brush", "bitmask", "polygon", "box", "keys")
COLOURS = ("1f77b4", "d62728", "2ca02c", "ff7f0e", "9467bd", "8c564b", "e377c2", "7f7f7f", "bcbd22", "17becf")
KEYS = 9  # labels that get one
LABELS = re.compile(r"( *)<Label [^>]*/>\n(?: *<Label [^>]*/>\n)*")


def config_text(kind: str, labels: Sequence[str]) -> str:
    """A label config whose masks are of that kind, one of KINDS; labels in the order of their keys.

    Raises:
        ValueError: an unknown kind, no label, an empty one, or one twice.
    """
    check_kind(kind)
    if not labels:
        raise ValueError("no labels: give at least one, --labels cat,dog")
    check_labels(labels)
    text = (files("click99") / "label_config" / f"{kind}.xml").read_text()
    return _hint(LABELS.sub(lambda found: _labels(found[1], labels), text), len(labels))


def check_kind(kind: str) -> None:
    """ValueError when it is none of KINDS."""
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is unknown, there is: {', '.join(KINDS)}")


def check_labels(labels: Sequence[str]) -> None:
    """ValueError when one is empty, or there twice."""
    if not all(labels) or len({*labels}) < len(labels):
        raise ValueError(f"labels {list(labels)}: give none empty, each once")


def _labels(indent: str, labels: Sequence[str]) -> str:
    lines = []
    for k, label in enumerate(labels):
        key = f' hotkey="{k + 1}"' if k < KEYS else ""
        colour = COLOURS[k % len(COLOURS)]
        lines.append(f'{indent}<Label value={quoteattr(label)} background="#{colour}"{key}/>\n')
    return "".join(lines)


def _hint(text: str, labels: int) -> str:
    """The line above the picture names the keys that there are."""
    if labels == 1:
        return re.sub(r" · other label: [^\"]*Esc", " · Esc: deselect", text).replace("1 to 3", "1")
    return text.replace("1 to 3", f"1 to {min(labels, KEYS)}")
