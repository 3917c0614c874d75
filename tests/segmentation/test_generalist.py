"""Which of two networks answers an image, and that it is the same one at every click."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from click99.segmentation.clicks import Click
from click99.segmentation.generalist import Generalist
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import COMPACT, NetworkConfig
from click99.segmentation.views import ZoomView
from tests.segmentation.noise import picture

VIEW = ZoomView(first_side=64, side=96)
PALE, DARK = (np.clip(picture(seed=k) // 4 + tone, 0, 255).astype(np.uint8) for k, tone in ((1, 190), (2, 0)))


def pair(config: NetworkConfig = COMPACT) -> Predictor:
    """What was learnt is for pale images, the generalist answers dark ones."""
    torch.manual_seed(1)
    learnt, before = TwoStreamNetwork(config), TwoStreamNetwork(config)
    looks = Predictor(before, "before", view=VIEW)
    corrected, others = (looks.fingerprint(image, str(image.mean()))[None] for image in (PALE, DARK))
    return Predictor(learnt, "pair", view=VIEW, generalist=Generalist(before, corrected, others))


@pytest.mark.parametrize(
    "config",
    [COMPACT, replace(COMPACT, clicks_in="both"), replace(COMPACT, clicks_in="both", feedback="early")],
    ids=["image only", "clicks in both streams", "early feedback"],
)
def test_each_image_is_answered_by_the_network_that_is_for_it(config: NetworkConfig):
    both = pair(config)
    assert both.for_image(PALE, "pale") is both
    assert both.for_image(DARK, "dark") is both.before
    assert both.parts == [both, both.before]


def test_the_generalist_answers_as_if_it_were_alone():
    both = pair()
    assert both.generalist
    alone = Predictor(both.generalist.network, "alone", view=VIEW)
    here, there = (
        each.for_image(DARK, "dark").refine(DARK, [Click(30, 20, True)], None, "dark")
        for each in (both, alone)
    )
    np.testing.assert_array_equal(here, there)


def test_an_image_is_looked_at_once(monkeypatch: pytest.MonkeyPatch):
    both = pair()
    assert both.before
    first = both.for_image(PALE, "image")
    monkeypatch.setattr(both.before, "fingerprint", lambda *_: pytest.fail("looked at again"))
    assert both.for_image(PALE, "image") is first


def test_a_network_without_a_generalist_answers_all(untrained: Predictor):
    assert untrained.for_image(DARK, "dark") is untrained
    assert untrained.parts == [untrained]


@pytest.mark.parametrize(
    ("seen", "general"),
    [([0.1, 0.0], False), ([0.9, 0.0], True), ([0.5, 0.0], False)],
    ids=["like a corrected one", "like another", "as like the one as the other"],
)
def test_the_nearest_known_image_decides(seen: list[float], general: bool):
    others = torch.tensor([[1.0, 0.0], [1.0, 0.0]])  # all alike: no spread to measure by
    generalist = Generalist(TwoStreamNetwork(COMPACT), torch.tensor([[0.0, 0.0], [-9.0, 9.0]]), others)
    assert generalist.answers(torch.tensor(seen)) is general


def test_channels_count_by_how_much_they_differ_between_other_images():
    """The first channel wavers by a hundred between any two images, the second hardly ever."""
    corrected, others = torch.tensor([[0.0, 1.0]]), torch.tensor([[-100.0, 0.0], [100.0, 0.1]])
    generalist = Generalist(TwoStreamNetwork(COMPACT), corrected, others)
    assert not generalist.answers(torch.tensor([90.0, 0.9]))
