from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from click99.files import sha256
from click99.segmentation import checkpoint
from click99.segmentation.checkpoint import (
    SHIPPED,
    CheckpointError,
    checkpoint_version,
    load_checkpoint,
    load_generalist,
    save_checkpoint,
    shipped,
)
from click99.segmentation.clicks import Click
from click99.segmentation.generalist import Generalist
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import COMPACT


@pytest.fixture
def saved(untrained: Predictor, tmp_path: Path) -> Path:
    save_checkpoint(untrained.network, tmp_path / "net.safetensors", images=3)
    return tmp_path / "net.safetensors"


@pytest.mark.slow("writes whole networks")
def test_what_is_saved_comes_back_in_half_precision(untrained: Predictor, saved: Path):
    loaded = load_checkpoint(saved)
    assert loaded.config == untrained.network.config
    for name, tensor in untrained.network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor.half().float())
    assert {tensor.dtype for tensor in load_file(saved).values()} == {torch.float16}


def test_the_version_names_the_content(saved: Path, tmp_path: Path):
    first = checkpoint_version(saved)
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / saved.name
    copy.write_bytes(saved.read_bytes())
    assert checkpoint_version(copy) == first
    copy.write_bytes(saved.read_bytes()[:-1] + b"x")
    assert checkpoint_version(copy) != first


def test_no_such_file(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors does not exist"):
        load_checkpoint(tmp_path / "nowhere.safetensors")


def test_a_truncated_file(saved: Path):
    saved.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_checkpoint(saved)


def test_a_foreign_safetensors_file(tmp_path: Path):
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="no click99 configuration"):
        load_checkpoint(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lens": 3}, "lens"),
        ({"view": "spherical"}, "view 'spherical' is unknown, there is: windows, zoomed, whole"),
        ({"clicks_in": "image", "feedback": "none"}, "sees neither"),
    ],
    ids=["a later field", "a later choice", "a contradiction"],
)
def test_a_configuration_of_another_version(saved: Path, change: dict, message: str):
    fields = asdict(load_checkpoint(saved).config) | change
    save_file({"x": torch.zeros(1)}, saved, metadata={"config": json.dumps(fields)})
    with pytest.raises(CheckpointError, match=f"{message}.*update click99"):
        load_checkpoint(saved)


def test_missing_and_surplus_tensors_are_named(untrained: Predictor, saved: Path):
    untrained.network.register_parameter("surplus", torch.nn.Parameter(torch.zeros(1)))
    save_checkpoint(untrained.network, saved)
    del untrained.network._parameters["surplus"]
    with pytest.raises(CheckpointError, match="surplus"):
        load_checkpoint(saved)


def test_the_shipped_checkpoint_is_trained_and_small():
    assert SHIPPED.stat().st_size <= 20e6
    predictor = Predictor.load(device="cpu")
    assert predictor.version.startswith("compact-")
    image = np.full((96, 128, 3), 200, np.uint8)
    image[30:70, 40:90] = (200, 30, 30)
    alpha = predictor.refine(image, [Click(65, 50, True)], None, "red box") > 0.5
    truth = np.zeros((96, 128), bool)
    truth[30:70, 40:90] = True
    assert (alpha & truth).sum() / (alpha | truth).sum() > 0.8


@pytest.fixture
def finetuned(untrained: Predictor, tmp_path: Path) -> Path:
    generalist = Generalist(TwoStreamNetwork(COMPACT), torch.ones(2, 3), torch.zeros(4, 3))
    save_checkpoint(untrained.network, tmp_path / "tuned.safetensors", generalist=generalist)
    return tmp_path / "tuned.safetensors"


def test_a_generalist_is_kept_beside_what_was_learnt(untrained: Predictor, saved: Path, finetuned: Path):
    generalist = load_generalist(finetuned)
    assert generalist
    assert generalist.corrected.tolist() == [[1.0] * 3] * 2
    assert generalist.others.tolist() == [[0.0] * 3] * 4
    learnt, plain = load_checkpoint(finetuned).state_dict(), load_checkpoint(saved).state_dict()
    assert all(torch.equal(learnt[name], plain[name]) for name in plain)
    assert not torch.equal(generalist.network.encoder.stem.weight, learnt["encoder.stem.weight"])
    assert Predictor.load(finetuned, "cpu").before
    assert load_generalist(saved) is None


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("generalist.corrected", "lacks its generalist's fingerprints"),
        ("generalist.decoder.head.bias", r"missing \(decoder.head.bias\)"),
    ],
)
def test_a_generalist_that_is_not_whole_is_refused(finetuned: Path, lost: str, message: str):
    with safe_open(finetuned, framework="pt") as file:
        header = file.metadata()
    tensors = load_file(finetuned)
    del tensors[lost]
    save_file(tensors, finetuned, metadata=header)
    with pytest.raises(CheckpointError, match=message):
        Predictor.load(finetuned, "cpu")


@pytest.mark.parametrize("fingerprints", [torch.full((2, 3), torch.nan), torch.zeros(2, 4)])
def test_fingerprints_that_tell_nothing_apart_are_refused(
    untrained: Predictor, tmp_path: Path, fingerprints: torch.Tensor
):
    generalist = Generalist(untrained.network, fingerprints, torch.zeros(4, 3))
    save_checkpoint(untrained.network, tmp_path / "tuned.safetensors", generalist=generalist)
    with pytest.raises(CheckpointError, match="lacks its generalist's fingerprints"):
        load_generalist(tmp_path / "tuned.safetensors")


def test_the_shipped_one_is_as_it_was_released():
    folder = SHIPPED.parent
    listed = (folder / "SHA256SUMS").read_text().splitlines()
    assert listed == [f"{sha256(file)}  {file.name}" for file in sorted(folder.glob("*.safetensors"))]
    assert shipped() == SHIPPED


@pytest.mark.parametrize("damage", ["another byte", "not listed", "gone"])
def test_another_one_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str):
    place = tmp_path / SHIPPED.name
    if damage != "gone":
        place.write_bytes(SHIPPED.read_bytes() + b"x" * (damage == "another byte"))
    listed = SHIPPED.with_name("SHA256SUMS").read_text()
    (tmp_path / "SHA256SUMS").write_text("" if damage == "not listed" else listed)
    monkeypatch.setattr(checkpoint, "SHIPPED", place)
    with pytest.raises(CheckpointError, match="is not the one that was released: its SHA-256"):
        Predictor.load(device="cpu")
