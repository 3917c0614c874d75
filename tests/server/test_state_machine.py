"""Random work of one annotator, answer by answer, against a plain account of what should be on screen."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from click99.labelstudio.strokes import Stroke, touched
from click99.segmentation.clicks import Click
from click99.server.app import create_app
from click99.server.settings import Settings
from click99.sessions import MemoryStore, Sessions
from click99.sessions.corrections import Start
from tests.disc_painter import GrowingPainter
from tests.server.annotator import Annotator
from tests.server.requests import HEIGHT, WIDTH

NEAR = 0.05 * WIDTH


class OneAnnotator(RuleBasedStateMachine):
    """Every answer must be what a server without memory makes of all the clicks on an object, as long as
    they make the mask on screen; else of that mask and the clicks since."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.made_from: dict[str, list[Click]] = {}  # the regions that were accepted
        self.from_nothing: set[str] = set()  # those of them that these clicks alone make
        self.ann = Annotator(self._server())
        self.ann.open()

    @rule(data=st.data(), positive=st.booleans())
    def click(self, data: st.DataObject, positive: bool) -> None:
        self._check(self.ann.click(*self._place(data), positive))

    @precondition(lambda self: self.ann.pending)
    @rule(data=st.data())
    def drag(self, data: st.DataObject) -> None:
        which = data.draw(st.integers(0, len(self.ann.pending) - 1))
        self._check(self.ann.drag(which, *self._place(data)))

    @precondition(lambda self: self.ann.pending)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.ann.delete(data.draw(st.integers(0, len(self.ann.pending) - 1)))

    @precondition(lambda self: self.ann.suggestion)
    @rule(on_canvas=st.booleans())
    def accept(self, on_canvas: bool) -> None:
        assert self.ann.suggestion
        region = self.ann.suggestion["id"]
        self.made_from[region] = self.whole or self.answered
        (self.from_nothing.add if self.whole else self.from_nothing.discard)(region)
        self.ann.accept_on_canvas() if on_canvas else self.ann.accept()

    @precondition(lambda self: self.ann.suggestion)
    @rule()
    def reject(self) -> None:
        self.ann.reject()

    @precondition(lambda self: self.ann.regions)
    @rule(kind=st.sampled_from(["add", "eraser"]), data=st.data())
    def stroke(self, kind: str, data: st.DataObject) -> None:
        region, (x, y) = data.draw(st.sampled_from(self.ann.regions)), self._place(data)
        self.ann.stroke(region, kind, x, y, x + 10, y + 5, width=7)

    @rule()
    def restart(self) -> None:
        """All memory goes."""
        self.ann.server = self._server()

    @rule()
    def submit_and_reopen(self) -> None:
        for click in list(self.ann.pending):
            del self.ann.canvas[click]
        self.ann.submit()

    def _place(self, data: st.DataObject) -> tuple[int, int]:
        """A pixel, three times out of four one at a region's: that is where things happen."""
        x, y = data.draw(st.integers(0, WIDTH - 1)), data.draw(st.integers(0, HEIGHT - 1))
        masks = [self.ann.region(region) for region in self.ann.regions]
        if not masks or not np.any(masks) or data.draw(st.integers(0, 3)) == 0:
            return x, y
        rows, columns = np.nonzero(np.any(masks, axis=0))
        nearest = np.hypot(rows - y, columns - x).argmin()
        beside = data.draw(st.integers(-2, 2))
        return min(max(int(columns[nearest]) + beside, 0), WIDTH - 1), int(rows[nearest])

    def teardown(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def _server(self) -> TestClient:
        chosen = Settings(home=self.home, near_percent=5)
        return TestClient(create_app(chosen, GrowingPainter()))

    def _check(self, shown: np.ndarray) -> None:
        self.answered = [self._click(click) for click in self.ann.pending]
        region, clicks = self._expected()
        earlier = self._earlier(region, clicks) if region else []
        start = self._start(region) if region and not earlier else None
        expected = self._mask([*earlier, *clicks], start, region)
        self.whole = [] if start else [*earlier, *clicks]
        assert np.array_equal(shown, expected)
        if region or expected.any():
            assert self.ann.suggestion
            assert region in (None, self.ann.suggestion["id"])
        else:
            assert self.ann.suggestion is None, "a new object of nothing is no region"

    def _mask(self, clicks: list[Click], start: Start | None, region: str | None = None) -> np.ndarray:
        """What a fresh server makes of them; region: that they are about, if it has one."""
        sessions = Sessions(GrowingPainter(), MemoryStore(1 << 20, 60), near=0.05)
        mask = sessions.mask("image", np.zeros((HEIGHT, WIDTH, 3), np.uint8), clicks, start).foreground
        return mask if start else mask & ~self._covered(clicks, region)

    def _earlier(self, region: str, new: list[Click]) -> list[Click]:
        """The clicks that make the region's mask, if they still do and these go on from them."""
        made, start = self.made_from[region], self._start(region)
        known = {click.id for click in made}
        if region not in self.from_nothing or start.by_hand is not None or known & {c.id for c in new}:
            return []
        return made if np.array_equal(self._mask(made, None, region), start.mask) else []

    def _covered(self, clicks: list[Click], own: str | None) -> np.ndarray:
        """What an object must not cover: other regions that none of its positive clicks lies in."""
        masks = [self.ann.region(region) for region in self.ann.regions if region != own]
        others = [m for m in masks if not any(click.positive and m[click.y, click.x] for click in clicks)]
        return np.any([np.zeros((HEIGHT, WIDTH), bool), *others], axis=0)

    def _expected(self) -> tuple[str | None, list[Click]]:
        """The region that the pending clicks refine, None for a new one, and the clicks that count."""
        clicks = self.answered
        own = [
            r for r in self.ann.regions if {click.id for click in self.made_from[r]} & set(self.ann.pending)
        ]
        region = own[-1] if own else self._meant(clicks[0])
        if region is None:
            return None, clicks
        return region, [click for click in clicks if click not in self.made_from[region]] or clicks[-1:]

    def _meant(self, click: Click) -> str | None:
        """The rule of docs/explanation/state.md, pixel by pixel."""
        masks = {region: self.ann.region(region) for region in reversed(self.ann.regions)}
        inside = [region for region in masks if masks[region][click.y, click.x]]
        if inside:
            return min(inside, key=lambda region: masks[region].sum())
        away = {
            r: np.hypot(*(np.argwhere(m) - (click.y, click.x)).T).min() for r, m in masks.items() if m.any()
        }
        close = [region for region in away if not click.positive or away[region] <= NEAR]
        return min(close, key=lambda region: away[region], default=None)

    def _start(self, region: str) -> Start:
        strokes = [Stroke.model_validate(t) for t in self.ann.canvas[region]["value"].get("touches", [])]
        return Start(self.ann.region(region), touched(strokes, HEIGHT, WIDTH) if strokes else None)

    def _click(self, click: str) -> Click:
        item = self.ann.canvas[click]
        x, y = item["value"]["x"] * WIDTH / 100, item["value"]["y"] * HEIGHT / 100
        return Click(int(x), int(y), item["is_positive"], click)


TestOneAnnotator = pytest.mark.slow("hundreds of steps")(OneAnnotator.TestCase)
# Not shrunk: that takes minutes, and the steps as they were found can be read.
TestOneAnnotator.settings = settings(
    max_examples=50, stateful_step_count=20, phases=set(Phase) - {Phase.shrink}, print_blob=True
)
