"""What old checkpoints mean must not change: the names, the shapes and the arithmetic of `compact`."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint, save_checkpoint
from click99.segmentation.click_maps import click_maps
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT

# What the code of 24 November 2026 gave, that trained the first shipped checkpoint.
FIRST = replace(COMPACT, quality=False, view="zoomed")
LAYOUT = "0215ce3acecdf29ccca9bbf2d520ddbef0c038fb6e862bd91dffb67fc7695814"
LOGITS = [[-0.0529, -0.1872, -0.1468], [-0.2184, -0.2764, -0.3945]]
ALPHA = [[0.4869, 0.4538, 0.4643], [0.4489, 0.4332, 0.4085]]


def drawn(name: str, shape: torch.Size) -> torch.Tensor:
    """Weights that depend on their name alone, not on the order in which modules are made."""
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    if len(shape) > 1:
        return noise * math.sqrt(2 / math.prod(shape[1:]))
    return 0.1 * noise + (1.0 if name.endswith("weight") else 0.0)


@pytest.fixture(scope="module")
def network() -> TwoStreamNetwork:
    network = TwoStreamNetwork(FIRST).eval()
    network.load_state_dict({name: drawn(name, t.shape) for name, t in network.state_dict().items()})
    return network


def test_a_header_without_later_fields_means_the_first_compact(network: TwoStreamNetwork, tmp_path: Path):
    save_checkpoint(network, path := tmp_path / "first.safetensors")
    with safe_open(path, "pt") as file:
        header, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    older = json.loads(header["config"])
    del older["quality"], older["quality_among_looks"], older["view"]
    save_file(tensors, path, {"config": json.dumps(older)})
    assert load_checkpoint(path).config == FIRST


def test_the_shipped_checkpoint_is_the_preset_with_the_head_that_is_fitted_to_it():
    assert load_checkpoint(SHIPPED).config == replace(COMPACT, quality_among_looks=True)


def test_names_and_shapes_of_tensors(network: TwoStreamNetwork):
    layout = "\n".join(f"{name} {list(t.shape)}" for name, t in sorted(network.state_dict().items()))
    assert hashlib.sha256(layout.encode()).hexdigest() == LAYOUT


def test_the_same_numbers_come_out(network: TwoStreamNetwork):
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 96), indexing="ij")
    image = torch.stack((rows, columns, (6 * rows * columns).sin().abs()))[None]
    maps = click_maps([[(30.5, 20.25, True), (80, 50, False)]], 64, 96)
    previous = ((rows - 0.4).hypot(columns - 0.3) < 0.25).float()[None, None]
    with torch.no_grad():
        alpha, logits, _ = network(network.encode(image), maps, previous)
    for found, expected in ((logits, LOGITS), (alpha, ALPHA)):
        means = F.avg_pool2d(found, 32)[0, 0]
        np.testing.assert_allclose(means, expected, rtol=2e-3, atol=2e-3)
