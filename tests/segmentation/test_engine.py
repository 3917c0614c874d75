"""OpenVINO computes what torch computes, and always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from ctypes.util import find_library
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from click99.segmentation import engine
from click99.segmentation.clicks import Click
from click99.segmentation.engine import OpenVINO, conversion_key
from click99.segmentation.metrics import iou
from click99.segmentation.network import ImageFeatures, NetworkOutput, TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import COMPACT, PAPER, NetworkConfig, variant
from tests.openvino_engine import needs_openvino

pytestmark = [needs_openvino, pytest.mark.slow("converts networks")]
PICTURES = Path(__file__).parents[1] / "pictures" / "images"
SIZES = [(64, 64), (192, 192), (96, 224), (288, 64)]


@pytest.fixture(scope="module")
def shipped() -> TwoStreamNetwork:
    return Predictor.load(device="cpu").network


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines") / "shipped.openvino"


@pytest.fixture(scope="module")
def converted(shipped: TwoStreamNetwork, file: Path) -> OpenVINO:
    return OpenVINO(shipped, file)


def drawn(network: TwoStreamNetwork, height: int, width: int) -> list[torch.Tensor]:
    """An image, click maps, a previous mask."""
    generator = torch.Generator().manual_seed(height * width)
    channels = (3, network.config.click_channels, 1)
    return [torch.rand(1, count, height, width, generator=generator) for count in channels]


@torch.inference_mode()
def answer(
    computed: TwoStreamNetwork | OpenVINO, network: TwoStreamNetwork, size: tuple[int, int]
) -> tuple[ImageFeatures, NetworkOutput]:
    image, click_maps, previous = drawn(network, *size)
    features = computed.encode(image, click_maps, previous)
    return features, computed(features, click_maps, previous)


def bits(computed: OpenVINO, network: TwoStreamNetwork, size: tuple[int, int]) -> bytes:
    _, output = answer(computed, network, size)
    return b"".join(tensor.numpy().tobytes() for tensor in output if tensor is not None)


@pytest.mark.parametrize("size", SIZES)
def test_the_shipped_network_computes_the_same(
    shipped: TwoStreamNetwork, converted: OpenVINO, size: tuple[int, int]
):
    (features, output), (expected_features, expected) = (
        answer(each, shipped, size) for each in (converted, shipped)
    )
    assert len(features.skips) == len(expected_features.skips)
    for found, wanted in zip(features.skips, expected_features.skips, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(output.alpha, expected.alpha, rtol=0, atol=1e-4)
    torch.testing.assert_close(output.summary, expected.summary, rtol=1e-3, atol=1e-3)


def test_a_likeness_is_seen_by_both():
    torch.manual_seed(0)
    network = TwoStreamNetwork(replace(COMPACT, likeness=True)).eval()
    assert network.interaction.likeness is not None
    torch.nn.init.normal_(network.interaction.likeness.weight)
    converted, likeness = OpenVINO(network), torch.rand(1, 1, 64, 96) * 2 - 1
    answers = []
    for each in (converted, network):
        image, click_maps, previous = drawn(network, 64, 96)
        with torch.inference_mode():
            features = each.encode(image)
            answers.append([each(features, click_maps, previous, seen).alpha for seen in (likeness, None)])
    torch.testing.assert_close(*answers, rtol=0, atol=1e-3)
    assert (answers[0][0] - answers[0][1]).abs().max() > 0.01


@pytest.mark.parametrize("config", [PAPER, variant(COMPACT, "+T+I"), replace(COMPACT, quality=False)])
def test_other_networks_compute_the_same(config: NetworkConfig):
    torch.manual_seed(0)
    network = TwoStreamNetwork(config).eval()
    converted = OpenVINO(network)
    for size in ((64, 64), (96, 160)):
        (_, output), (_, expected) = (answer(each, network, size) for each in (converted, network))
        torch.testing.assert_close(output.alpha, expected.alpha, rtol=0, atol=1e-3)
        assert (output.summary is not None) == config.quality


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_masks_of_photographs_agree(shipped: TwoStreamNetwork, converted: OpenVINO, name: str):
    image = np.asarray(Image.open(PICTURES / f"{name}.jpg").convert("RGB"))
    height, width = image.shape[:2]
    clicks = [Click(width // 2, height // 2, True), Click(width // 3, height // 4, False)]
    clicks.append(Click(width // 2, 2 * height // 3, True))
    masks = []
    for computed in (shipped, converted):
        predictor, alpha = Predictor(shipped, "shipped"), np.zeros(image.shape[:2], np.float32)
        predictor.streams = computed
        for k in range(3):
            alpha = predictor.refine(image, clicks[: k + 1], alpha, name)
        masks.append(alpha > 0.5)
    assert masks[0].any()
    assert iou(*masks) >= 0.998


def test_what_was_computed_before_changes_no_bit(shipped: TwoStreamNetwork, converted: OpenVINO, file: Path):
    forwards = [bits(converted, shipped, size) for size in SIZES]
    from_the_file = OpenVINO(shipped, file)
    backwards = [bits(from_the_file, shipped, size) for size in SIZES[::-1]]
    assert backwards[::-1] == forwards
    assert [bits(from_the_file, shipped, size) for size in SIZES] == forwards


def test_several_threads_at_once_change_no_bit(shipped: TwoStreamNetwork, converted: OpenVINO):
    alone = [bits(converted, shipped, size) for size in SIZES]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda size: bits(converted, shipped, size), SIZES * 4)
        assert list(together) == alone * 4


@pytest.mark.parametrize("damage", [b"half", None])
def test_a_damaged_conversion_is_made_anew(
    shipped: TwoStreamNetwork, converted: OpenVINO, file: Path, tmp_path: Path, damage: bytes | None
):
    whole = file.read_bytes()
    broken = tmp_path / "broken.openvino"
    broken.write_bytes(whole[:1000] + b"?" + whole[1001:] if damage is None else damage)
    assert bits(OpenVINO(shipped, broken), shipped, SIZES[0]) == bits(converted, shipped, SIZES[0])
    assert engine._kept(broken)


def test_a_kept_conversion_is_not_made_again(
    shipped: TwoStreamNetwork, converted: OpenVINO, file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine, "_convert", lambda *_: pytest.fail("it is converted again"))
    OpenVINO(shipped, file)


def test_where_nothing_can_be_written_it_is_not_kept(shipped: TwoStreamNetwork, converted: OpenVINO):
    there = OpenVINO(shipped, Path("/proc/nowhere/shipped.openvino"))
    assert bits(there, shipped, SIZES[0]) == bits(converted, shipped, SIZES[0])


@pytest.mark.skipif("not has_bf16()", reason="this processor does not compute in bf16")
def test_bf16_is_another_conversion_whose_masks_agree(shipped: TwoStreamNetwork, converted: OpenVINO):
    """Of noise, of which alpha is small and grey: photographs leave less to rounding."""
    (half, *_), (whole, *_) = (
        answer(computed, shipped, SIZES[1])[1]
        for computed in (OpenVINO(shipped, engine="openvino-bf16"), converted)
    )
    assert float((half - whole).abs().max()) > 1e-4
    assert float((half - whole).abs().mean()) < 0.02
    assert float(((half > 0.5) == (whole > 0.5)).float().mean()) > 0.99


def has_bf16() -> bool:
    return "openvino-bf16" in engine.conversions()


def test_what_changes_a_conversion_changes_its_key(
    shipped: TwoStreamNetwork, monkeypatch: pytest.MonkeyPatch
):
    key = conversion_key(shipped)
    assert conversion_key(Predictor.load(device="cpu").network) == key
    other = Predictor.load(device="cpu").network
    with torch.no_grad():
        other.encoder.stem.weight[0, 0, 0, 0] += 1e-3  # pyright: ignore
    changed = [conversion_key(other)]
    monkeypatch.setattr(engine, "_processor", lambda: "another")
    changed.append(conversion_key(shipped))
    monkeypatch.undo()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 61)
    changed.append(conversion_key(shipped))
    assert len({key, *changed}) == 4


REPORTS = """
import sys, click99.segmentation.engine as engine
engine._openvino().convert_model
assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")], "it would report"
assert "openvino.tools.ovc.telemetry_stub" in sys.modules
"""


JEMALLOC = find_library("jemalloc") or ""
ANOTHER_ALLOCATOR = """
from pathlib import Path
from sys import argv
from click99.segmentation.engine import OpenVINO
from click99.segmentation.predictor import Predictor
OpenVINO(Predictor.load(device="cpu").network, Path(argv[1]))
"""


@pytest.mark.skipif(not JEMALLOC, reason="there is no jemalloc to preload")
def test_it_computes_with_another_allocator(converted: OpenVINO, file: Path):
    environment = os.environ | {"LD_PRELOAD": JEMALLOC}
    subprocess.run([sys.executable, "-c", ANOTHER_ALLOCATOR, str(file)], check=True, env=environment)


def test_openvino_reports_nothing_to_its_makers(tmp_path: Path):
    subprocess.run([sys.executable, "-c", REPORTS], check=True)
