"""What is tried before a version is promoted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from click99.registry.versions import Registry, RegistryError, Version
from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.generalist import Generalist
from click99.segmentation.predictor import Predictor


def rewrite(version: Version, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    """A copy of a version's file with other tensors."""
    with safe_open(version.path, framework="pt") as file:
        header = file.metadata()
    tensors = load_file(version.path)
    change(tensors)
    path = version.path.parent.parent / "changed.safetensors"
    save_file(tensors, path, metadata=header)
    return path


def test_a_damaged_checkpoint_is_not_promoted(registry: Registry):
    first, second = registry.all()
    registry.promote(first.name, "good")
    content = bytearray(second.path.read_bytes())
    content[-100] ^= 1
    second.path.write_bytes(content)
    with pytest.raises(RegistryError, match=f"{second.name}: .* is not the file that was added"):
        registry.promote(second.name, "damaged")
    second.path.unlink()
    with pytest.raises(RegistryError, match=f"{second.name}: .* is gone"):
        registry.promote(second.name, "gone")
    assert registry.served() == first


def test_wrong_shapes_are_not_promoted(registry: Registry):
    def cut(tensors: dict[str, torch.Tensor]) -> None:
        name = next(name for name in tensors if tensors[name].ndim == 4)
        tensors[name] = tensors[name][:-1].contiguous()

    wrong = registry.add(rewrite(registry.all()[0], cut))
    with pytest.raises(RegistryError, match=f"{wrong.name} can't be served: .*1 misshaped"):
        registry.promote(wrong.name, "")
    assert registry.served() is None


def test_weights_that_are_no_numbers_are_not_promoted(registry: Registry):
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        next(iter(tensors.values()))[:] = torch.nan

    wrong = registry.add(rewrite(registry.all()[0], spoil))
    with pytest.raises(RegistryError, match=r"can't be served: .* holds values that are no finite numbers"):
        registry.promote(wrong.name, "")


def test_a_generalist_s_weights_are_tried_too(registry: Registry, tmp_path: Path):
    """Alone they are no number; the learnt ones are fine."""
    network = load_checkpoint(registry.all()[0].path)
    damaged = copy.deepcopy(network)
    torch.nn.init.constant_(damaged.decoder.head.weight, torch.nan)  # pyright: ignore
    known = Predictor(network, "looks").fingerprint(np.zeros((64, 64, 3), np.uint8), "black")[None]
    file = tmp_path / "tuned.safetensors"
    save_checkpoint(network, file, generalist=Generalist(damaged, known, known))
    wrong = registry.add(file)
    with pytest.raises(RegistryError, match=r"can't be served: .* holds values that are no finite numbers"):
        registry.promote(wrong.name, "")


def test_another_program_s_file_is_not_promoted(registry: Registry, tmp_path: Path):
    (tmp_path / "other.safetensors").write_text("no safetensors")
    wrong = registry.add(tmp_path / "other.safetensors")
    with pytest.raises(RegistryError, match="is not a safetensors file"):
        registry.promote(wrong.name, "")
