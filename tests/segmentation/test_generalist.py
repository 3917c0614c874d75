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


def pair(config: NetworkConfig = COMPACT, projects: frozenset[str] = frozenset()) -> Predictor:
    """What was learnt is for pale images, the generalist answers dark ones."""
    torch.manual_seed(1)
    learnt, before = TwoStreamNetwork(config), TwoStreamNetwork(config)
    looks = Predictor(before, "before", view=VIEW)
    corrected, others = (looks.fingerprint(image, str(image.mean()))[None] for image in (PALE, DARK))
    general = Generalist(before, corrected, others, projects)
    return Predictor(learnt, "pair", view=VIEW, generalist=general)


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


def test_the_features_of_both_networks_are_bounded():
    both = pair()
    both.bound_features(1000)
    assert [part.features.maxsize for part in both.parts] == [1000, 1000]


def test_a_network_without_a_generalist_answers_all(untrained: Predictor):
    assert untrained.for_image(DARK, "dark") is untrained
    assert untrained.parts == [untrained]


def test_images_of_a_project_that_it_learnt_from_are_all_answered_by_what_was_learnt():
    both = pair(projects=frozenset({"7.1"}))
    assert both.for_image(DARK, "dark", "7.1") is both
    assert both.for_image(DARK, "dark", "8.1") is both.before
    assert both.learnt_from("7.1")
    assert not both.learnt_from("")


@pytest.mark.parametrize(
    ("seen", "general"),
    [([0.1, 0.0], False), ([0.9, 0.0], True), ([0.5, 0.0], False)],
    ids=["like the corrected ones", "like the others", "as like the one as the other"],
)
def test_the_kind_of_images_that_it_looks_more_like_decides(seen: list[float], general: bool):
    corrected, others = (torch.tensor([[x, -0.1], [x, 0.1]]) for x in (0.0, 1.0))
    generalist = Generalist(TwoStreamNetwork(COMPACT), corrected, others)
    assert generalist.answers(torch.tensor(seen)) is general


def test_channels_count_by_how_well_they_tell_the_kinds_apart():
    """The first channel wavers by a hundred in either kind, the second hardly at all."""
    corrected, others = (torch.tensor([[-100.0, x], [0.0, x + 0.2], [100.0, x]]) for x in (1.0, 0.0))
    generalist = Generalist(TwoStreamNetwork(COMPACT), corrected, others)
    assert not generalist.answers(torch.tensor([-90.0, 0.9]))
    assert generalist.answers(torch.tensor([90.0, 0.1]))


def test_images_that_lie_among_all_others_are_not_taken_for_the_corrected_ones():
    """In hundreds of channels the nearest known image is often one of a kind that varies little."""
    rng = torch.Generator().manual_seed(0)
    corrected = 1.0 + 0.1 * torch.randn(30, 200, generator=rng)
    others, unseen = (torch.randn(count, 200, generator=rng) * 3 for count in (60, 100))
    generalist = Generalist(TwoStreamNetwork(COMPACT), corrected, others)
    nearest = torch.cdist(unseen, torch.cat([corrected, others])).argmin(1) < 30
    assert nearest.float().mean() > 0.9, "so the nearest one would decide"
    assert sum(generalist.answers(each) for each in unseen) > 90
    assert not any(generalist.answers(each) for each in 1.0 + 0.1 * torch.randn(100, 200, generator=rng))


@pytest.mark.parametrize("corrected", [1, 2, 500])
def test_any_number_of_corrected_images_will_do(corrected: int):
    """Also where no channel differs between them, as of one image that is collected twice."""
    kinds = torch.ones(corrected, 8), torch.zeros(4, 8)
    generalist = Generalist(TwoStreamNetwork(COMPACT), *kinds)
    assert not generalist.answers(torch.ones(8))
    assert generalist.answers(torch.zeros(8))
