"""The label that was chosen last in a task: a new object's whose click brings none.

Label Studio tells of no choice. It shows: a region is there that was not, or has other labels than it had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pydantic import BaseModel

from click99.sessions.stores import Store

KEPT_REGIONS = 64  # that are not on the canvas, per task


class _Labels(BaseModel):
    """labels: of regions, by their ids. last: those chosen last."""

    labels: dict[str, list[str]] = {}
    last: list[str] = []


class ChosenLabels:
    """Kept in a store, per task and person. When that forgets, the newest region's are taken for it."""

    def __init__(self, store: Store):
        self._store = store

    def last(self, task: str, person: str, shown: Mapping[str, Sequence[str]]) -> list[str]:
        """person: "" until the first draft. shown: the labels of the regions on the canvas by their ids, the
        newest last; {}: none was chosen."""
        seen = _Labels()
        before = self._store.get(_key(task, "")) if person else None

        def look(value: bytes | None) -> bytes:
            nonlocal seen
            seen = _after(_read(value or before), shown)
            return seen.model_dump_json().encode()

        if shown:
            self._store.update(_key(task, person), look)
        return seen.last

    def answered(self, task: str, person: str, region: str, labels: Sequence[str]) -> None:
        """A new object has been answered with these: nobody chooses them when it comes on the canvas."""

        def note(value: bytes | None) -> bytes:
            labels_of = _read(value).labels | {region: [*labels]}
            return _Labels(labels=labels_of, last=[*labels]).model_dump_json().encode()

        self._store.update(_key(task, person), note)


def _key(task: str, person: str) -> str:
    return f"labels {task} {person}"


def _read(value: bytes | None) -> _Labels:
    """Nothing when it is damaged."""
    with suppress(ValueError):
        return _Labels.model_validate_json(value or b"{}")
    return _Labels()


def _after(seen: _Labels, shown: Mapping[str, Sequence[str]]) -> _Labels:
    labels = {region: [*own] for region, own in shown.items()}
    changed = [own for region, own in labels.items() if own and own != seen.labels.get(region)]
    kept = dict([*seen.labels.items()][-KEPT_REGIONS:])
    return _Labels(labels=kept | labels, last=[seen.last, *changed][-1])
