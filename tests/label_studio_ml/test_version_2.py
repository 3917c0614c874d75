"""The same class under 2.x, which exists only in git: a stand-in for its base, called as its server does."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from click99.registry.jobs import Jobs
from click99.server.service import Service
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.registry.examples import STAND_IN
from tests.server.requests import CONFIG, body, keypoint


class Base2:
    """2.x's `LabelStudioMLBase`: no hostname, no token; the label config kept aside; setup() at the end."""

    def __init__(self, project_id: str | None = None, label_config: str | None = None):
        self.project_id = project_id or ""
        self._kept = {"label_config": label_config}
        self.setup()

    def setup(self) -> None: ...

    def get(self, key: str) -> Any:
        return self._kept.get(key)

    def set(self, key: str, value: str) -> None:
        self._kept[key] = value

    @property
    def label_config(self) -> str | None:
        return self.get("label_config")


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


@pytest.fixture
def model_class(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    stand_ins = [
        module("flask", has_request_context=lambda: False, request=None),
        module("label_studio_ml"),
        module("label_studio_ml.model", LabelStudioMLBase=Base2),
    ]
    for stand_in in stand_ins:
        monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    label_studio_ml = importlib.import_module("click99.label_studio_ml")
    service = Service(Settings(home=tmp_path), DiscPainter())
    monkeypatch.setattr(label_studio_ml, "service", lambda: service)
    yield label_studio_ml.Click99
    del sys.modules["click99.label_studio_ml"]


def predict(model_class: Any, request: dict[str, Any]) -> Any:
    """As 2.x's /predict does: a new model per request, the context taken out of the parameters."""
    params = dict(request["params"])
    context = params.pop("context", {})
    model = model_class(project_id="1", label_config=request["label_config"])
    return model.predict(request["tasks"], context=context, **params)


def test_clicks_change_one_region(model_class: Any):
    regions = [
        predict(model_class, body([keypoint("a", 20, 20), keypoint("b", 40, 30)][:k]))[0]["result"][0]
        for k in (1, 2)
    ]
    assert regions[0]["id"] == regions[1]["id"]
    assert regions[0]["value"]["rle"] != regions[1]["value"]["rle"]


def test_opening_a_task_predicts_nothing(model_class: Any):
    assert predict(model_class, body(None)) == [[]]


def test_a_version_stands_before_anything_is_loaded(model_class: Any):
    assert model_class(project_id="1", label_config=CONFIG).get("model_version") == "click99"


def test_events_are_taken(model_class: Any):
    model = model_class("1", label_config=CONFIG)
    assert model.fit("ANNOTATION_CREATED", {"annotation": {}}) == {}


def test_the_button_begins_a_fine_tune(model_class: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CLICK99_HOME", str(tmp_path))
    monkeypatch.setattr(Jobs, "at", lambda *_: jobs)
    jobs = Jobs(tmp_path / "jobs", STAND_IN)
    told = model_class("1", label_config=CONFIG).fit(event="START_TRAINING", data={}, job_id="1")
    assert told == {"job": "1", "detail": "job 1 is begun"}
    assert jobs.get(1).why == "label-studio-ml"
