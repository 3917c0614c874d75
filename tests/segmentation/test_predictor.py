from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from click99.segmentation.clicks import Click
from click99.segmentation.discriminant import Discriminant, Moments
from click99.segmentation.network import ImageFeatures, NetworkOutput, TwoStreamNetwork
from click99.segmentation.predictor import Predictor, feature_bytes
from click99.segmentation.presets import COMPACT
from click99.segmentation.prior import UNKNOWN, Prior
from click99.segmentation.turns import TAKES_TURNS
from click99.segmentation.views import Look, WindowsView
from tests.seeing_network import seeing_network
from tests.segmentation.noise import picture

CLICKS = [Click(30, 20, True), Click(50, 40, False), Click(10, 5, True)]


def replay(predictor: Predictor, image: np.ndarray, clicks: list[Click], key: str = "image") -> np.ndarray:
    alpha = None
    for k in range(len(clicks)):
        alpha = predictor.refine(image, clicks[: k + 1], alpha, key)
    assert alpha is not None
    return alpha


@pytest.mark.parametrize("shape", [(60, 90), (1, 1), (7, 400), (333, 5), (64, 64)])
def test_alpha_has_the_image_size_and_is_quantised(untrained: Predictor, shape: tuple[int, int]):
    alpha = replay(
        untrained, picture(*shape), [Click(0, 0, True), Click(shape[1] - 1, shape[0] - 1, False)], str(shape)
    )
    assert alpha.shape == shape
    assert alpha.dtype == np.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    np.testing.assert_array_equal((np.round(alpha * 255).astype(np.uint8) / np.float32(255)), alpha)


def test_replay_gives_the_same_mask_bit_for_bit(untrained: Predictor):
    image = picture()
    fresh = Predictor(untrained.network, "same", view=untrained.view)
    np.testing.assert_array_equal(replay(untrained, image, CLICKS), replay(fresh, image, CLICKS))


def test_warming_an_image_changes_nothing(untrained: Predictor):
    image = picture(seed=3)
    cold = replay(untrained, image, CLICKS, "cold")
    untrained.prepare(image, "warm")
    np.testing.assert_array_equal(replay(untrained, image, CLICKS, "warm"), cold)


def test_people_clicking_at_once_take_turns_at_the_network(untrained: Predictor):
    """Bit for bit as alone, and each picture is encoded once, whoever else asks."""
    fresh = Predictor(untrained.network, "same", view=untrained.view)
    fresh.streams = streams = Alone(untrained.network)
    objects = [[replace(click, x=click.x + k) for click in CLICKS] for k in range(6)]

    def answer(clicks: list[Click]) -> np.ndarray:
        TAKES_TURNS.set(True)
        return replay(fresh, picture(), clicks)

    with ThreadPoolExecutor(6) as pool:
        masks = [*pool.map(answer, objects)]
    assert streams.most == 1
    assert len(streams.encoded) == len({pixels.numpy().tobytes() for pixels in streams.encoded})
    for clicks, mask in zip(objects, masks, strict=True):
        np.testing.assert_array_equal(mask, replay(untrained, picture(), clicks))


class Alone:
    """Streams that tell the most passes that ran at a time, and what was encoded."""

    engine = "eager"

    def __init__(self, network: TwoStreamNetwork):
        self.network, self.running, self.most = network, 0, 0
        self.encoded: list[torch.Tensor] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.005)
        yield
        self.running -= 1

    def encode(
        self,
        image: torch.Tensor,
        click_maps: torch.Tensor | None = None,
        previous: torch.Tensor | None = None,
    ) -> ImageFeatures:
        self.encoded.append(image)
        with self.noted():
            return self.network.encode(image, click_maps, previous)

    def __call__(
        self,
        features: ImageFeatures,
        click_maps: torch.Tensor,
        previous: torch.Tensor,
        likeness: torch.Tensor | None = None,
    ) -> NetworkOutput:
        with self.noted():
            return self.network(features, click_maps, previous, likeness)


def test_the_previous_mask_is_not_written_to(untrained: Predictor):
    previous = np.zeros((60, 90), np.float32)
    previous[10:30, 20:40] = 1
    before = previous.copy()
    untrained.refine(picture(), CLICKS[:1], previous, "image")
    np.testing.assert_array_equal(previous, before)


def test_clicked_pixels_have_the_clicked_sign(untrained: Predictor):
    alpha = replay(untrained, picture(), CLICKS)
    assert [bool(alpha[c.y, c.x] > 0.5) for c in CLICKS] == [c.positive for c in CLICKS]


def test_the_image_features_used_last_are_kept_within_their_bytes(
    untrained: Predictor, monkeypatch: pytest.MonkeyPatch
):
    one = feature_bytes(untrained.network.encode(torch.zeros(1, 3, 64, 64)))
    monkeypatch.setattr("click99.segmentation.predictor.FEATURE_BYTES", 3 * one)
    predictor = Predictor(untrained.network, "small", view=untrained.view)
    for name in "abcad":
        predictor.prepare(picture(64, 64), name)
    assert {key[0] for key in predictor.features} == set("acd")
    assert predictor.features.currsize == 3 * one
    predictor.bound_features(2 * one)
    for name in "abcad":
        predictor.prepare(picture(64, 64), name)
    assert {key[0] for key in predictor.features} == set("ad")


@dataclass(frozen=True)
class Preferring(WindowsView):
    """Takes the look of a given number in the list."""

    number: int = 0

    def choose(self, looks: Sequence[Look], qualities: Sequence[float]) -> int:
        assert all(0 <= quality <= 1 for quality in qualities)
        return min(self.number, len(qualities) - 1)


def test_the_answer_of_a_chosen_square_stays_inside_it(untrained: Predictor):
    image, click = picture(300, 400, seed=4), Click(300, 80, True)
    looks = WindowsView().looks(np.zeros((300, 400), np.float32), [click])
    assert len(looks) > 2
    for k, look in enumerate(looks):
        predictor = Predictor(untrained.network, "any", view=Preferring(number=k))
        alpha = predictor.refine(image, [click], None, "i")
        outside = np.ones(alpha.shape, bool)
        outside[look.section.area] = False
        assert not (alpha > 0.5)[outside].any()


def test_asking_anew_forgets_what_the_mask_was(untrained: Predictor):
    image, clicks = picture(300, 400, seed=5), [Click(300, 80, True), Click(304, 84, False)]
    everything = np.ones((300, 400), np.float32)
    looks = WindowsView().looks(everything, clicks)
    assert looks[-1].anew
    predictor = Predictor(untrained.network, "any", view=Preferring(number=len(looks) - 1))
    alpha = predictor.refine(image, clicks, everything, "i")
    assert not alpha[200:, :100].any()


@pytest.mark.parametrize(("enough", "taken"), [(0.0, 1), (1.0, 3)])
def test_no_smaller_look_is_taken_where_the_network_is_content(
    untrained: Predictor, monkeypatch: pytest.MonkeyPatch, enough: float, taken: int
):
    predictor = Predictor(untrained.network, "any", view=WindowsView(enough=enough))
    looks = []
    run = predictor._run
    monkeypatch.setattr(predictor, "_run", lambda *asked: looks.append(asked[-1]) or run(*asked))
    predictor.refine(picture(300, 400, seed=6), [Click(300, 80, True)], None, "i")
    assert len(looks) == taken


def known(untrained: Predictor, image: np.ndarray, network: str = "untrained") -> Prior:
    """What the image's bright pixels look like."""
    features = untrained.evidence(image, "a")
    assert features is not None
    found = Moments.of(features, image.mean(2) > 128)
    assert found
    return Prior((), Discriminant.between([found], network))


@pytest.fixture
def bright() -> np.ndarray:
    """uint8 [60, 90, 3], dark, with a bright part."""
    image = np.random.default_rng(3).integers(0, 60, (60, 90, 3), np.uint8)
    image[10:50, 30:70] += 150
    return image


def test_evidence_is_of_strides_8_and_16(untrained: Predictor, bright: np.ndarray):
    features = untrained.evidence(bright, "a")
    assert features is not None
    assert features.shape == (40 + 112, 4, 8)


def test_a_map_is_the_first_clicks_previous_mask(untrained: Predictor, bright: np.ndarray):
    click, prior = [Click(45, 30, True)], known(untrained, bright)
    first = untrained.refine(bright, click, None, "a", prior)
    assert np.array_equal(first, untrained.refine(bright, click, None, "a", prior))
    assert not np.array_equal(first, untrained.refine(bright, click, None, "a"))


def test_another_networks_map_is_not_used(untrained: Predictor, bright: np.ndarray):
    clicks, prior = [Click(45, 30, True), Click(5, 5, False)], known(untrained, bright, "another")
    for previous, given in ((None, clicks[:1]), (np.ones((60, 90), np.float32), clicks)):
        plain = untrained.refine(bright, given, previous, "a")
        assert np.array_equal(untrained.refine(bright, given, previous, "a", prior), plain)


def test_later_clicks_change_what_is_near(untrained: Predictor, bright: np.ndarray):
    prior, clicks = known(untrained, bright), [Click(45, 30, True), Click(5, 5, False)]
    previous = np.ones((60, 90), np.float32)
    alpha = untrained.refine(bright, clicks, previous, "a", prior)
    assert alpha[5, 5] == 0
    assert (alpha[:, 15:] == 1).all()
    assert (alpha[15:] == 1).all()


@pytest.fixture(scope="module")
def seeing(untrained: Predictor) -> Predictor:
    """The same with an input for the map that makes a difference."""
    return Predictor(seeing_network(), "untrained", view=untrained.view)


@pytest.mark.parametrize("previous", [None, np.ones((60, 90), np.float32)], ids=["first click", "later"])
def test_a_map_is_an_input_of_its_own_where_the_network_has_one(
    untrained: Predictor, seeing: Predictor, bright: np.ndarray, previous: np.ndarray | None
):
    clicks, prior = [Click(45, 30, True), Click(5, 5, False)], known(untrained, bright)
    plain = untrained.refine(bright, clicks, previous, "a")
    for unknown in (UNKNOWN, known(untrained, bright, "another")):
        assert np.array_equal(seeing.refine(bright, clicks, previous, "a", unknown), plain)
    mapped = seeing.refine(bright, clicks, previous, "a", prior)
    assert not np.array_equal(mapped, plain)
    seeing.features.clear()
    assert np.array_equal(mapped, seeing.refine(bright, clicks, previous, "a", prior))


def test_all_looks_see_their_part_of_the_map(untrained: Predictor, seeing: Predictor):
    image, click = picture(300, 400, seed=4), [Click(300, 80, True)]
    prior = Prior((), Discriminant(np.append(np.zeros(152), 3).astype("<f4").tobytes(), "untrained"))
    windows = Predictor(seeing.network, "untrained", view=WindowsView())
    plain, mapped = (list(windows.answers(image, click, None, "a", given)) for given in (UNKNOWN, prior))
    assert len(plain) == len(mapped) > 1
    assert not any(np.array_equal(a.alpha, b.alpha) for a, b in zip(plain, mapped, strict=True))


def test_a_mask_is_judged_by_the_head_or_by_how_sure_it_is(untrained: Predictor, bright: np.ndarray):
    click = [Click(45, 30, True)]
    (answer,) = untrained.answers(bright, click, None, "a")
    assert untrained.judged(bright, click, None, "a").quality == answer.quality > 0
    torch.manual_seed(0)
    without = Predictor(TwoStreamNetwork(replace(COMPACT, quality=False)), "no head", view=untrained.view)
    alpha, quality = without.judged(bright, click, None, "a")
    assert quality == pytest.approx(alpha[alpha > 0.5].mean())


def test_a_look_is_judged_by_what_the_first_one_saw(untrained: Predictor):
    image, click = picture(300, 400, seed=4), [Click(300, 80, True)]
    torch.manual_seed(0)
    network = TwoStreamNetwork(replace(COMPACT, quality_among_looks=True)).eval()
    network.load_state_dict(untrained.network.state_dict(), strict=False)
    plain, among = (
        list(Predictor(each, "v", view=WindowsView()).answers(image, click, None, "a"))
        for each in (untrained.network, network)
    )
    assert all(np.array_equal(a.alpha, b.alpha) for a, b in zip(plain, among, strict=True))
    assert all(a.quality != b.quality for a, b in zip(plain, among, strict=True))
