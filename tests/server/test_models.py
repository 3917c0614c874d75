"""What a server starts with, and a new checkpoint that is deployed while an object is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from click99.labelstudio.payloads import PredictRequest
from click99.registry.versions import Registry
from click99.segmentation.checkpoint import SHIPPED, checkpoint_version
from click99.server.models import load_predictor
from click99.server.service import Service
from click99.server.settings import Settings
from tests.server.requests import body, keypoint

CLICKS = [keypoint("a", 20, 20), keypoint("b", 40, 30), keypoint("c", 26, 22, positive=False)]


def test_a_server_starts_where_the_pointer_is(tmp_path: Path, names: list[str]):
    assert load_predictor(Settings(home=tmp_path)).version == names[0]


@pytest.mark.parametrize("damage", ["checkpoint", "pointer"])
def test_at_the_start_the_version_before_stands_in_for_a_broken_one(
    tmp_path: Path, registry: Registry, names: list[str], damage: str, caplog: pytest.LogCaptureFixture
):
    registry.promote(names[1], "better")
    broken = {"checkpoint": f"{names[1]}.safetensors", "pointer": "served.json"}[damage]
    (registry.folder / broken).write_bytes(b"half")
    expected = names[0] if damage == "checkpoint" else checkpoint_version(SHIPPED)
    assert load_predictor(Settings(home=tmp_path)).version == expected
    assert broken in caplog.text


def click(home: Path, model: Path, count: int, first: str = "a") -> dict[str, Any]:
    """The answer of a server that was just started with that checkpoint."""
    clicks = [CLICKS[0] | {"id": first}, *CLICKS[1:]] if first == "a" else [CLICKS[0] | {"id": first}]
    service = Service.load(Settings(home=home, model=model))
    reply = service.predict(PredictRequest.model_validate(body(clicks[:count])))
    service.close()
    return reply.model_dump()["results"][0]


@pytest.mark.slow("promotes beside clicks")
def test_the_open_object_is_finished_on_its_version(tmp_path: Path, checkpoints: list[Path]):
    old, new = checkpoints
    expected = click(tmp_path / "untouched", old, 3)
    assert expected != click(tmp_path / "new", new, 3)
    click(tmp_path / "deployed", old, 2)
    assert click(tmp_path / "deployed", new, 3) == expected
    assert click(tmp_path / "deployed", new, 3, "another")["model_version"] == checkpoint_version(new)


@pytest.mark.parametrize("damage", ["delete", "replace"])
def test_without_the_old_checkpoint_the_new_one_goes_on(
    tmp_path: Path, checkpoints: list[Path], damage: str, caplog: pytest.LogCaptureFixture
):
    old, new = checkpoints
    click(tmp_path, old, 2)
    (kept,) = (tmp_path / "models").glob("*.safetensors")
    assert kept.stem == checkpoint_version(kept) == checkpoint_version(old)
    if damage == "delete":
        kept.unlink()
    else:
        kept.write_bytes(new.read_bytes())
    assert click(tmp_path, new, 3)["model_version"] == checkpoint_version(new)
    assert f"{checkpoint_version(old)} is gone" in caplog.text


def test_a_home_that_cannot_be_written_is_no_error(tmp_path: Path, checkpoints: list[Path]):
    (tmp_path / "file").touch()
    assert click(tmp_path / "file", checkpoints[0], 1)["result"]
