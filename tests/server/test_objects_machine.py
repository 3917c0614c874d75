"""Random work of two people under Auto-Accept, on objects of all kinds, against a plain account of it."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from click99.labelstudio.prompts import Box
from click99.labelstudio.region_types import as_held, write
from click99.labelstudio.regions import region_id
from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN
from click99.server.app import create_app
from click99.server.settings import Settings
from click99.sessions import MemoryStore, Sessions
from click99.sessions.corrections import Start
from click99.sessions.ways import Way
from tests.disc_painter import GrowingPainter
from tests.server.boxes import BOXES, box
from tests.server.kinds import KINDS, READ, config
from tests.server.requests import HEIGHT, WIDTH, click, keypoint

LABELS = ("cell", "nucleus")
BOTH = BOXES.replace("</Rect", '<Label value="nucleus"/></Rect')

Item = dict[str, Any]


class WilfulPainter(GrowingPainter):
    """At some places a click paints everything, nothing, or its own pixel alone."""

    def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
        last = clicks[-1]
        place = (last.x + 7 * last.y) % 16
        self.paints_everything, self.forgets_everything = place == 3, place in (5, 7)
        alpha = super().refine(image, clicks, previous, image_key, prior)
        if place in (7, 9):
            alpha = np.zeros_like(alpha) if previous is None else previous.copy()
        if place == 9:
            alpha[last.y, last.x] = last.positive
        return alpha


@dataclass
class Canvas:
    """One's regions by their ids, the newest last. before: what was there before each change. saved: how
    often the draft was."""

    name: str
    regions: dict[str, Item] = field(default_factory=dict)
    before: list[dict[str, Item]] = field(default_factory=list)
    saved: int = 0

    def change(self, **regions: Item | None) -> None:
        """Those of these ids become these; None: they go."""
        self.before.append(self.regions)
        self.regions = {name: item for name, item in (self.regions | regions).items() if item}
        self.saved += 1

    @property
    def drafts(self) -> list[Item]:
        """Of the last save."""
        when = f"2026-01-01T00:{self.saved // 60:02}:{self.saved % 60:02}Z"
        told = {"id": 1, "user": self.name, "updated_at": when, "result": [*self.regions.values()]}
        return [told] if self.saved else []


class Objects(RuleBasedStateMachine):
    """Each answer is what a server without memory makes of all the clicks on the object, where they make the
    region on screen; else of that region's mask and the new click."""

    @initialize(
        kind=st.sampled_from([*KINDS]),
        near=st.sampled_from([0.0, 5.0]),
        clean=st.sampled_from([0.0, 15.0]),
        tolerance=st.sampled_from([0.0, 30.0]),
        overlap=st.booleans(),
        predicted=st.lists(st.sampled_from(["point", "box", "bare"]), max_size=3),
        data=st.data(),
    )
    def begin(
        self,
        kind: str,
        near: float,
        clean: float,
        tolerance: float,
        overlap: bool,
        predicted: list[str],
        data: st.DataObject,
    ) -> None:
        self.kind, self.numbers, self.ways = kind, count(), dict[str, Way]()
        self.config = config(kind).replace("</View>", f"{BOTH}</View>")
        self.chosen = Settings(
            home=Path(tempfile.mkdtemp()),
            near_percent=near,
            clean_percent=clean,
            polygon_tolerance=tolerance,
            overlap=overlap,
        )
        self.server = self._server()
        self.predicted = self._predicted(predicted, data)
        self.people = [Canvas(name, dict(self.predicted)) for name in ("ann", "bob")]

    @rule(
        data=st.data(),
        signs=st.lists(st.booleans(), min_size=1, max_size=2),
        label=st.sampled_from(LABELS),
        boxed=st.sampled_from([True, False, False, False]),
    )
    def click(self, data: st.DataObject, signs: list[bool], label: str, boxed: bool) -> None:
        """boxed: with a box before them, as other programs send it."""
        who = data.draw(st.sampled_from(self.people))
        around = self._box(*self._place(who, data), 20, 16) if boxed else None
        new = [Click(*self._place(who, data), sign, f"click-{next(self.numbers)}") for sign in signs]
        items = [keypoint(each.id, each.x, each.y, positive=each.positive, label=label) for each in new]
        own = self._meant(who, new[0], label, around)
        earlier = self._earlier(who, own) if own else None
        way = Way(Start(self._mask(own)) if own else around, new)
        way = Way(earlier.start, [*earlier.clicks, *new]) if earlier else way
        drawn = [box(*around.ends, around.id, label)] if around else []
        self._check(
            who, [*drawn, *items], own["id"] if own else region_id(3, (around or new[0]).id), way, label
        )

    @rule(data=st.data(), label=st.sampled_from(LABELS), width=st.integers(1, 30), height=st.integers(1, 30))
    def box(self, data: st.DataObject, label: str, width: int, height: int) -> None:
        who = data.draw(st.sampled_from(self.people))
        around = self._box(*self._place(who, data), width, height)
        self._check(
            who, [box(*around.ends, around.id, label)], region_id(3, around.id), Way(around, []), label
        )

    @precondition(lambda self: any(who.before for who in self.people))
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from([who for who in self.people if who.before]))
        who.regions = who.before.pop()
        who.saved += 1

    @precondition(lambda self: any(who.regions for who in self.people))
    @rule(
        data=st.data(),
        what=st.sampled_from(["delete", "relabel", "lock", "copy", "draw", "another's clicks", "no clicks"]),
    )
    def change(self, data: st.DataObject, what: str) -> None:
        who = data.draw(st.sampled_from([who for who in self.people if who.regions]))
        item = who.regions[data.draw(st.sampled_from([*who.regions]))]
        name, value, labels = item["id"], item["value"], f"{self.kind}labels"
        if what == "delete":
            who.change(**{name: None})
        elif what == "relabel":
            (other,) = {*LABELS} - {*value[labels]}
            who.change(**{name: item | {"value": value | {labels: [other]}}})
        elif what == "lock":
            who.change(**{name: item | {"locked": not item.get("locked")}})
        elif what == "copy":
            copied = f"copy{next(self.numbers)}"
            who.change(**{copied: item | {"id": copied}})
        elif what == "draw":
            mask = self._mask(item)
            x, y = self._place(who, data)
            mask[y : y + 6, x : x + 6] ^= True
            drawn = write(mask, f"{self.kind}labels", value[labels], 0).model_dump()  # type: ignore[arg-type]
            who.change(**{name: item | {"value": drawn}} if mask.any() else {})
        elif what == "another's clicks":
            other = who.regions[data.draw(st.sampled_from([*who.regions]))]
            who.change(**{name: item | {"meta": other["meta"]}})
        else:
            who.change(**{name: item | {"meta": {}}})

    @rule(notes=st.booleans())
    def restart(self, notes: bool) -> None:
        """notes: what else outlives it goes, too."""
        for file in self.chosen.home.glob("notes.sqlite*") if notes else ():
            file.unlink()
        self.server = self._server()

    def teardown(self) -> None:
        shutil.rmtree(self.chosen.home, ignore_errors=True)

    def _server(self) -> TestClient:
        return TestClient(create_app(self.chosen, WilfulPainter()))

    def _predicted(self, kinds: list[str], data: st.DataObject) -> dict[str, Item]:
        """Regions that the task is opened with: of points and boxes, or that tell nothing."""
        made: dict[str, Item] = {}
        for kind in kinds:
            x, y = data.draw(st.integers(0, WIDTH - 20)), data.draw(st.integers(0, HEIGHT - 20))
            name, label = f"made-{next(self.numbers)}", data.draw(st.sampled_from(LABELS))
            item = box(x, y, x + 20, y + 18, name, label)
            item = item if kind == "box" else keypoint(name, x, y, label=label)
            answer = click(self.server, self.config, item, id=name)
            if not answer:
                continue
            (region,) = answer
            made[region["id"]] = region if kind != "bare" else region | {"meta": {}}
            around, clicked = Box(x, y, x + 20, y + 18, name), Click(x, y, True, name)
            way = Way(around, []) if kind == "box" else Way(None, [clicked])
            self.ways[json.dumps(region["meta"])] = way
        return made

    def _box(self, x: int, y: int, width: int, height: int) -> Box:
        return Box(x, y, min(x + width, WIDTH), min(y + height, HEIGHT), f"box-{next(self.numbers)}")

    def _check(self, who: Canvas, items: list[Item], region: str, way: Way, label: str) -> None:
        predictions = [{"id": 1, "result": [*self.predicted.values()]}] if self.predicted else []
        answer = click(self.server, self.config, *items, drafts=who.drafts, predictions=predictions)
        expected = as_held(self._made(who, region, way, label), self._kind, self.chosen.polygon_tolerance)
        if not expected.any() and (self.kind == "polygon" or region not in who.regions):
            assert answer == []
            return
        (shown,) = answer
        assert shown["id"] == region
        assert np.array_equal(self._mask(shown), expected)
        self.ways[json.dumps(shown["meta"])] = way
        labels = who.regions.get(region, shown)["value"][f"{self.kind}labels"]
        assert shown["value"][f"{self.kind}labels"] == labels
        who.change(**{region: shown})

    @property
    def _kind(self) -> Any:
        return f"{self.kind}labels"

    def _mask(self, item: Item) -> np.ndarray:
        return READ[self.kind](item["value"])

    def _made(self, who: Canvas, region: str, way: Way, label: str) -> np.ndarray:
        """What a fresh server makes of it, but for what belongs to other regions."""
        mask = self._alone(way)
        if self.chosen.overlap or isinstance(way.start, Start):
            return mask
        positive, half = [click for click in way.clicks if click.positive], mask.sum() / 2
        for other in (item for item in self._alike(who, label) if item["id"] != region):
            there = self._mask(other)
            inside = any(there[click.y, click.x] for click in positive)
            if not (inside if positive else (mask & there).sum() > half):
                mask &= ~there
        return mask

    def _alone(self, way: Way) -> np.ndarray:
        near, smallest = self.chosen.near_percent / 100, self.chosen.clean_percent / 100
        sessions = Sessions(WilfulPainter(), MemoryStore(1 << 20, 60), near=near, smallest=smallest)
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        return sessions.mask("image", image, way.clicks, way.start).foreground

    def _alike(self, who: Canvas, label: str) -> list[Item]:
        return [item for item in who.regions.values() if item["value"][f"{self.kind}labels"] == [label]]

    def _earlier(self, who: Canvas, own: Item) -> Way | None:
        """The way that its region tells, if it leads there."""
        way, opened = self.ways.get(json.dumps(own["meta"])), self.predicted.get(own["id"])
        if way is None:
            return None
        if isinstance(way.start, Start) and not (opened and way.start.name == Start(self._mask(opened)).name):
            return None
        (label,) = own["value"][f"{self.kind}labels"]
        made, saved = self._made(who, own["id"], way, label), self._mask(own)
        held = as_held(made, self._kind, self.chosen.polygon_tolerance)
        return way if np.array_equal(made, saved) or np.array_equal(held, saved) else None

    def _meant(self, who: Canvas, new: Click, label: str, around: Box | None) -> Item | None:
        """The rule of docs/explanation/state.md, pixel by pixel."""
        items = [item for item in reversed(self._alike(who, label)) if not item.get("locked")]
        masks = {item["id"]: self._mask(item) for item in items}
        inside = [name for name in masks if masks[name][new.y, new.x]]
        if around and (around.holds(new) or not inside):
            return None
        if inside:
            return who.regions[min(inside, key=lambda name: masks[name].sum())]
        away = {name: self._away(masks[name], new) for name in masks if masks[name].any()}
        near = self.chosen.near_percent / 100 * WIDTH
        close = [name for name in away if not new.positive or away[name] <= near]
        nearest = min(close, key=lambda name: away[name], default=None)
        if nearest is None or (
            new.positive and not self._meet(masks[nearest], self._alone(Way(None, [new])))
        ):
            return None
        return who.regions[nearest] if nearest else None

    @staticmethod
    def _meet(one: np.ndarray, other: np.ndarray) -> bool:
        """Whether a pixel of one is a pixel of the other, or beside it."""
        around = np.pad(other, 1)
        moved = [around[y : y + HEIGHT, x : x + WIDTH] for y in range(3) for x in range(3)]
        return bool((one & np.any(moved, axis=0)).any())

    @staticmethod
    def _away(mask: np.ndarray, new: Click) -> float:
        return float(np.hypot(*(np.argwhere(mask) - (new.y, new.x)).T).min())

    def _place(self, who: Canvas, data: st.DataObject) -> tuple[int, int]:
        """A pixel, three times out of four one at a region's."""
        x, y = data.draw(st.integers(0, WIDTH - 1)), data.draw(st.integers(0, HEIGHT - 1))
        masks = [self._mask(item) for item in who.regions.values()]
        if not np.any(masks) or data.draw(st.integers(0, 3)) == 0:
            return x, y
        rows, columns = np.nonzero(np.any(masks, axis=0))
        nearest = np.hypot(rows - y, columns - x).argmin()
        beside = data.draw(st.integers(-2, 2))
        return min(max(int(columns[nearest]) + beside, 0), WIDTH - 1), int(rows[nearest])


TestObjects = pytest.mark.slow("hundreds of steps")(Objects.TestCase)
# Not shrunk: see test_state_machine.py.
TestObjects.settings = settings(
    max_examples=25, stateful_step_count=20, phases=set(Phase) - {Phase.shrink}, print_blob=True
)
