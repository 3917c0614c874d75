"""An annotator and their browser, as far as click99 can tell: the canvas, and what each click sends.

After what a real Label Studio was seen to do (docs/how-to/connect.md); the browser tests hold it against one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from click99.labelstudio import brush
from click99.labelstudio.strokes import Stroke, draw
from tests.server.requests import CONFIG, HEIGHT, IMAGE, WIDTH, body, keypoint


@dataclass
class Annotator:
    """canvas: results by id, in the order in which they came; pending clicks are among them.

    A draft is saved when `save` is called, and before every click unless `slow_drafts`.
    """

    server: TestClient
    name: str = "ann"
    label: str = "cell"
    slow_drafts: bool = False
    auto_accept: bool = False
    image: str = IMAGE
    canvas: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    suggestion: dict[str, Any] | None = None
    drafts: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    saves: int = 0
    made: int = 0

    def open(self) -> None:
        """The task is opened: Label Studio asks for a prediction."""
        assert self.server.post("/predict", json=self._request(None)).status_code == 200

    def click(self, x: int, y: int, positive: bool = True) -> np.ndarray:
        """The suggestion that comes: bool [H, W]."""
        self.made += 1
        click_id = f"{self.name}-{self.made}"
        self.canvas[click_id] = keypoint(click_id, x, y, positive=positive, label=self.label)
        self.pending.append(click_id)
        return self.ask()

    def ask(self) -> np.ndarray:
        """Send the pending clicks of the label."""
        if not self.slow_drafts:
            self.save()
        clicks = [self.canvas[click] for click in self.pending if self._is_mine(click)]
        reply = self.server.post("/predict", json=self._request(clicks))
        assert reply.status_code == 200, reply.text
        (prediction,) = reply.json()["results"]
        self.suggestion = next(iter(prediction["result"]), None)
        shown = self.mask(self.suggestion) if self.suggestion else np.zeros((HEIGHT, WIDTH), bool)
        if self.auto_accept:
            self.accept() if self.suggestion else self.reject()
        return shown

    def drag(self, click: int, x: int, y: int) -> np.ndarray:
        """Move the pending click of that place in the order; Label Studio asks again."""
        click_id = self.pending[click]
        positive = self.canvas[click_id]["is_positive"]
        self.canvas[click_id] = keypoint(click_id, x, y, positive=positive, label=self.label)
        return self.ask()

    def delete(self, click: int) -> None:
        """Nothing is sent; the suggestion stays as it is."""
        del self.canvas[self.pending.pop(click)]

    def undo(self) -> None:
        self.delete(-1)

    def accept_on_canvas(self) -> None:
        """The ✓ on the canvas: the clicks stay."""
        assert self.suggestion
        self.canvas[self.suggestion["id"]] = self.suggestion
        self.suggestion = None

    def accept(self) -> None:
        """The ✓ in the bar: the clicks go."""
        self.accept_on_canvas()
        self.reject()

    def reject(self) -> None:
        """The ✗ in the bar."""
        self.suggestion = None
        while self.pending:
            self.delete(-1)

    def stroke(self, region: str, kind: str, *points: float, width: float = 10) -> None:
        """Erase or paint on a region; points in pixels."""
        relative = [p * 100 / (HEIGHT if k % 2 else WIDTH) for k, p in enumerate(points)]
        touch = {"type": kind, "relativePoints": relative, "relativeStrokeWidth": width * 100 / WIDTH}
        item = self.canvas[region]
        value = item["value"] | {"touches": [*item["value"].get("touches", []), touch]}
        self.canvas[region] = item | {"origin": "prediction-changed", "value": value}

    def paint_new(self, region: str, *points: float, width: float = 10) -> None:
        """A region drawn wholly by hand."""
        value = {"format": "rle", "brushlabels": [self.label]}
        sizes = {"original_width": WIDTH, "original_height": HEIGHT}
        names = {"from_name": "brush", "to_name": "image", "type": "brushlabels"}
        self.canvas[region] = {"id": region, "value": value, "origin": "manual"} | names | sizes
        self.stroke(region, "add", *points, width=width)

    def save(self) -> None:
        self.saves += 1
        self.drafts = [self._saved({"id": 5, "user": f"{self.name}@example.com", "annotation": None})]

    def submit(self) -> None:
        """Strokes become part of the mask; the draft goes; clicks still pending are saved as they are."""
        for item in self.canvas.values():
            if "touches" in item["value"]:
                drawn = self.mask(item).view(np.uint8) * np.uint8(255)
                item["value"] = item["value"] | {"rle": brush.encode(drawn)}
                del item["value"]["touches"]
        self.annotations = [self._saved({"id": 9, "completed_by": 1})]
        self.drafts, self.suggestion, self.pending = [], None, []

    def submit_and_tell(self, action: str = "ANNOTATION_CREATED") -> None:
        """Submit, and tell the server of it as Label Studio does."""
        self.submit()
        event = {
            "action": action,
            "project": {"id": 1, "title": "cells", "label_config": CONFIG},
            "task": {"id": 3},
            "annotation": self.annotations[0],
        }
        assert self.server.post("/webhook", json=event).status_code == 200

    def region(self, region: str) -> np.ndarray:
        """What is on the canvas under that id: bool [H, W]."""
        return self.mask(self.canvas[region])

    @property
    def regions(self) -> list[str]:
        return [name for name, item in self.canvas.items() if item["type"] == "brushlabels"]

    @staticmethod
    def mask(item: dict[str, Any]) -> np.ndarray:
        value = item["value"]
        blank = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask = brush.decode(value["rle"], HEIGHT, WIDTH) if "rle" in value else blank
        return draw(mask, [Stroke.model_validate(touch) for touch in value.get("touches", [])]) > 127

    def _is_mine(self, click: str) -> bool:
        return self.canvas[click]["value"]["keypointlabels"] == [self.label]

    def _saved(self, work: dict[str, Any]) -> dict[str, Any]:
        when = f"2026-01-01T{self.saves // 3600:02}:{self.saves // 60 % 60:02}:{self.saves % 60:02}Z"
        return work | {"updated_at": when, "result": [dict(item) for item in self.canvas.values()]}

    def _request(self, clicks: list[dict[str, Any]] | None) -> dict[str, Any]:
        request = body(clicks, self.image)
        request["tasks"][0] |= {"drafts": self.drafts, "annotations": self.annotations}
        return request


def event(annotator: Annotator, action: str = "ANNOTATION_CREATED") -> dict[str, Any]:
    """What Label Studio tells when the annotator has submitted."""
    (annotation,) = annotator.annotations
    return {
        "action": action,
        "annotation": annotation | {"task": 3},
        "task": {"id": 3, "data": {"image": annotator.image}},
        "project": {"id": 1, "created_at": "2026-11-23T23:07:51.937501Z", "label_config": CONFIG},
    }
