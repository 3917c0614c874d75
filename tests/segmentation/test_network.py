"""One test of every network property, for every variant and switch; the paper's network, which is slow, with
all of its parts and with as few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.click_maps import click_maps
from click99.segmentation.clicks import Click
from click99.segmentation.network import NetworkOutput, QualityHead, TwoStreamNetwork, place_among
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import (
    COMPACT,
    PAPER,
    VARIANTS,
    ClickEncoding,
    NetworkConfig,
    variant,
)
from click99.segmentation.views import ZoomView

CONFIGS = {f"compact {name}": variant(COMPACT, name) for name in VARIANTS[1:]}
CONFIGS |= {
    "clicks in both streams": replace(COMPACT, clicks_in="both"),
    "clicks in the image stream": replace(COMPACT, clicks_in="image"),
    "early fusion": replace(COMPACT, feedback="early"),
    "distances": replace(COMPACT, click_encoding="distances"),
    "disks in both streams": replace(COMPACT, click_encoding="disks", clicks_in="both"),
    "likeness": replace(COMPACT, likeness=True),
    "paper": PAPER,
    "paper, distances, early fusion": replace(PAPER, click_encoding="distances", feedback="early"),
}


def slow(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow("the paper's networks are large")] * name.startswith("paper")


@pytest.fixture(
    scope="module",
    params=[pytest.param(config, id=name, marks=slow(name)) for name, config in CONFIGS.items()],
)
def network(request: pytest.FixtureRequest) -> TwoStreamNetwork:
    torch.manual_seed(0)
    return TwoStreamNetwork(request.param).eval()


@pytest.fixture(scope="module")
def paper() -> Predictor:
    return Predictor(TwoStreamNetwork(PAPER), "untrained")


def inputs(config: NetworkConfig, height: int, width: int, batch: int = 1) -> list[Tensor]:
    """Image, click maps, previous mask, likeness."""
    generator = torch.Generator().manual_seed(1)
    channels = (3, config.click_channels, 1, 1)
    return [torch.rand(batch, count, height, width, generator=generator) for count in channels]


def click(
    network: TwoStreamNetwork, image: Tensor, maps: Tensor, previous: Tensor, likeness: Tensor | None = None
) -> NetworkOutput:
    features = network.encode(image) if network.image_only else network.encode(image, maps, previous)
    return network(features, maps, previous, likeness)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96)])
def test_alpha_has_the_size_of_the_image(network: TwoStreamNetwork, height: int, width: int):
    with torch.no_grad():
        alpha, logits, _ = click(network, *inputs(network.config, height, width, batch=2))
    assert alpha.shape == logits.shape == (2, 1, height, width)
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert alpha.std() > 0


@pytest.mark.parametrize("which", [0, 1, 2], ids=["image", "clicks", "previous mask"])
def test_an_input_matters_where_the_network_sees_it(network: TwoStreamNetwork, which: int):
    tensors = inputs(network.config, 64, 64)
    with torch.no_grad():
        before = click(network, *tensors)[1]
        tensors[which] = 1 - tensors[which]
        after = click(network, *tensors)[1]
    unseen = which == 2 and network.config.feedback == "none"
    assert torch.equal(before, after) == unseen


def test_images_of_a_batch_do_not_see_each_other(network: TwoStreamNetwork):
    tensors = inputs(network.config, 64, 64, batch=2)
    with torch.no_grad():
        together = click(network, *tensors)[0][:1]
        alone = click(network, *(tensor[:1] for tensor in tensors))[0]
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)


def test_gradient_reaches_every_parameter(network: TwoStreamNetwork):
    alpha, logits, summary = click(network, *inputs(network.config, 64, 64))
    expected = network.quality(summary).square().mean() if network.quality else 0
    (alpha.square().mean() + logits.square().mean() + expected).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    network.zero_grad()
    assert silent == []


def test_a_likeness_matters_once_something_was_learnt_of_it():
    torch.manual_seed(0)
    plain, seeing = TwoStreamNetwork(COMPACT).eval(), TwoStreamNetwork(replace(COMPACT, likeness=True)).eval()
    seeing.load_state_dict(plain.state_dict(), strict=False)
    image, maps, previous, likeness = inputs(COMPACT, 64, 96)
    unknown = torch.zeros_like(likeness)

    def alpha(network: TwoStreamNetwork, seen: Tensor | None) -> Tensor:
        with torch.no_grad():
            return click(network, image, maps, previous, seen).alpha

    expected = alpha(plain, None)
    assert all(torch.equal(alpha(seeing, seen), expected) for seen in (likeness, unknown, None))
    assert seeing.interaction.likeness is not None
    torch.nn.init.normal_(seeing.interaction.likeness.weight)
    assert all(torch.equal(alpha(seeing, seen), expected) for seen in (unknown, None))
    assert not torch.equal(alpha(seeing, likeness), expected)


def test_the_predictor_clicks_at_odd_sizes(network: TwoStreamNetwork):
    view = ZoomView(first_side=64, side=64) if network.config.view == "zoomed" else None
    predictor = Predictor(network, "untrained", view=view)
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    predictor.prepare(image, "image")
    first = predictor.refine(image, [Click(20, 10, True)], None, "image")
    second = predictor.refine(image, [Click(20, 10, True), Click(50, 36, False)], first, "image")
    assert first.shape == second.shape == (37, 53)
    assert (second[10, 20], second[36, 50]) == (1, 0)


@pytest.mark.slow("the paper's network is large")
@pytest.mark.parametrize("shape", [(1, 1), (3, 130), (64, 32)])
def test_the_paper_answers_at_the_size_of_any_image(paper: Predictor, shape: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    alpha = paper.refine(image, [Click(0, 0, True)], None, "image")
    assert alpha.shape == shape
    assert alpha[0, 0] == 1


def test_it_comes_back_from_a_checkpoint(network: TwoStreamNetwork, tmp_path: Path):
    save_checkpoint(network, tmp_path / "network.safetensors")
    loaded = load_checkpoint(tmp_path / "network.safetensors")
    (tmp_path / "network.safetensors").unlink()  # 75 MB for `paper`
    assert loaded.config == network.config
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor.half().float())


@pytest.mark.parametrize("encoding", ["gaussians", "distances"])
def test_clicked_pixels_are_pinned_before_the_filter(encoding: ClickEncoding):
    config = replace(variant(COMPACT, "+T+I+F"), pin_clicks=True, click_encoding=encoding)
    maps = click_maps([[(7, 9, True), (20, 30, False)]], 32, 64, encoding)
    with torch.no_grad():
        alpha, *_ = click(TwoStreamNetwork(config), torch.rand(1, 3, 32, 64), maps, torch.zeros(1, 1, 32, 64))
    assert (alpha[0, 0, 9, 7], alpha[0, 0, 30, 20]) == (1, 0)
    assert ((alpha == 0) | (alpha == 1)).sum() == 2


def test_clicks_in_the_image_stream_must_be_given():
    network = TwoStreamNetwork(variant(COMPACT, "+T"))
    assert not network.image_only
    with pytest.raises(ValueError, match="sees click maps"):
        network.encode(torch.zeros(1, 3, 32, 32))


def test_features_come_at_strides_2_to_32():
    with torch.no_grad():
        features = TwoStreamNetwork(COMPACT).encode(torch.rand(1, 3, 128, 192))
    assert [tuple(skip.shape[-2:]) for skip in features.skips] == [(64, 96), (32, 48), (16, 24), (8, 12)]
    assert features.context.shape[-2:] == (4, 6)


def test_compact_fits_in_20_megabytes_of_fp16():
    parameters = sum(p.numel() for p in TwoStreamNetwork(COMPACT).parameters())
    assert 2 * parameters < 20e6
    assert parameters == pytest.approx(4.4e6, rel=0.02)


def test_the_expected_quality_depends_on_how_the_mask_lies():
    torch.manual_seed(0)
    head = QualityHead(COMPACT, 8)
    features = torch.rand(1, 8, 16, 16).repeat(2, 1, 1, 1)
    inside, cut = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    inside[..., 20:44, 20:44], cut[..., 40:, 40:] = 1, 1
    with torch.no_grad():
        expected = head(head.summary(features, torch.cat([inside, cut])))
        empty = head(head.summary(features[:1], torch.zeros(1, 1, 64, 64)))
    assert expected.shape == (2,)
    assert expected[0] != expected[1]
    assert empty.isfinite().all()


def test_a_look_is_judged_among_the_others_where_the_head_was_fitted_so():
    summaries, first = torch.rand(4, 3 * 8 + 6), torch.rand(1, 3 * 8 + 6)
    places = torch.tensor([place_among(number, 400 >> number, 400) for number in range(4)])
    for among in (False, True):
        head = QualityHead(replace(COMPACT, quality_among_looks=among), 8)
        with torch.no_grad():
            alone, looks = head(summaries), head.of_look(summaries, first.expand_as(summaries), places)
        assert torch.equal(alone, looks) != among


@pytest.mark.parametrize(
    ("number", "side", "place"), [(0, 400, (0, 1, 0)), (1, 200, (1, 0, -0.693)), (7, 50, (5, 0, -2.079))]
)
def test_a_looks_place(number: int, side: int, place: tuple[float, float, float]):
    assert place_among(number, side, 400) == pytest.approx(place, abs=1e-3)
