"""A new checkpoint is deployed while an object is open: real checkpoints, restarts, one CLICK99_HOME."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from click99.labelstudio.payloads import PredictRequest
from click99.segmentation.checkpoint import checkpoint_version, save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from click99.server.service import Service
from click99.server.settings import Settings
from tests.server.requests import body, keypoint

CLICKS = [keypoint("a", 20, 20), keypoint("b", 40, 30), keypoint("c", 26, 22, positive=False)]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two networks of random weights that look at small pictures as they are."""
    folder, made = tmp_path_factory.mktemp("made"), []
    for seed in (0, 1):
        torch.manual_seed(seed)
        made.append(folder / f"seed{seed}.safetensors")
        save_checkpoint(TwoStreamNetwork(replace(COMPACT, view="whole")), made[-1])
    return made


def click(home: Path, model: Path, count: int, first: str = "a") -> dict[str, Any]:
    """The answer of a server that was just started with that checkpoint."""
    clicks = [CLICKS[0] | {"id": first}, *CLICKS[1:]] if first == "a" else [CLICKS[0] | {"id": first}]
    service = Service.load(Settings(home=home, model=model))
    reply = service.predict(PredictRequest.model_validate(body(clicks[:count])))
    service.close()
    return reply.model_dump()["results"][0]


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
