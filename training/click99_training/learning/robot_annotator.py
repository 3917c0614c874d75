"""A robot that annotates over HTTP as a person in Label Studio does: clicks, takes the mask, submits.

It knows the truth, and clicks off the centre of the largest wrong region, where people do.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import numpy as np
import requests
from PIL import Image

from click99.labelstudio import brush
from click99.segmentation.clicks import Click
from click99.segmentation.metrics import iou
from click99.segmentation.robot import ROBOTS
from click99_training.datasets.sample import Sample

CONFIG = """<View><Image name="image" value="$image"/>
<BrushLabels name="brush" toName="image"><Label value="object"/></BrushLabels>
<KeyPointLabels name="click" toName="image" smart="true" smartOnly="true"><Label value="object"/>
</KeyPointLabels></View>"""
GOOD = 0.95  # IoU at which the mask is taken
MOST_CLICKS = 20
MADE_AT, MADE_AT_KEY = "2026-01-01T00:00:00Z", "1767225600"  # the same, as events and /predict tell it


@dataclass
class RobotAnnotator:
    """One annotator of a server at `url`, in a project of that number."""

    url: str
    project: int = 1
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def project_key(self) -> str:
        """Its project, as the record calls it."""
        return f"{self.project}.{MADE_AT_KEY}"

    def annotate(self, task: int, sample: Sample) -> list[float]:
        """Click until the mask is good, and submit it; IoU after each click, [] where there is no object."""
        data = {"image": _data_uri(sample.image)}
        items: list[dict[str, Any]] = []
        clicks: list[Click] = []
        region, mask, ious = None, np.zeros_like(sample.truth), list[float]()
        while len(items) < MOST_CLICKS and (not ious or ious[-1] < GOOD):
            wish = ROBOTS["paper"](sample.truth, mask, sample.void, clicks, self.rng)
            if wish is None:
                break
            clicks.append(wish.click)
            items.append(_keypoint(f"t{task}c{len(items)}", wish.click, sample.truth.shape))
            region = self._click(task, data, items)
            mask = brush.decode(region["value"]["rle"], *sample.truth.shape) > 127
            ious.append(iou(mask, sample.truth, sample.void))
        if region:
            self._submit(task, data, region)
        return ious

    def _click(self, task: int, data: dict[str, str], items: list[dict[str, Any]]) -> dict[str, Any]:
        """The region that the server answers with."""
        body = {
            "tasks": [{"id": task, "data": data}],
            "project": self.project_key,
            "label_config": CONFIG,
            "params": {"context": {"result": items}},
        }
        return self._post("/predict", body)["results"][0]["result"][0]

    def _submit(self, task: int, data: dict[str, str], region: dict[str, Any]) -> None:
        """Tell of the annotation as Label Studio's webhook does."""
        now = datetime.now(UTC).isoformat()
        annotation = {
            "id": task,
            "task": task,
            "completed_by": 1,
            "created_at": now,
            "updated_at": now,
            "was_cancelled": False,
            "result": [{**region, "origin": "prediction"}],
        }
        task_told = {"id": task, "data": data}
        told = {
            "action": "ANNOTATION_CREATED",
            "annotation": annotation,
            "task": task_told,
            "project": {"id": self.project, "created_at": MADE_AT},
        }
        self._post("/webhook", told)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.session.post(self.url + path, json=body, timeout=120)
        if not answer.ok:
            raise OSError(f"{self.url}{path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()


def _data_uri(image: np.ndarray) -> str:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _keypoint(name: str, click: Click, shape: tuple[int, ...]) -> dict[str, Any]:
    height, width = shape
    return {
        "id": name,
        "type": "keypointlabels",
        "from_name": "click",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "is_positive": click.positive,
        "value": {
            "x": 100 * (click.x + 0.5) / width,
            "y": 100 * (click.y + 0.5) / height,
            "width": 0.2,
            "keypointlabels": ["object"],
            "labels": ["object"],
        },
        "origin": "manual",
    }
