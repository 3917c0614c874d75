"""Nearly right masks are nearly right, and obey their clicks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

import click99_training.loop.nearly_right as nearly_right_module
from click99_training.loop.nearly_right import _bitten, _coarse, _wobbly, nearly_right


@pytest.mark.parametrize("seed", range(12))
def test_nearly_right_masks_are_nearly_right_and_obey_their_clicks(seed: int):
    truth = np.zeros((96, 96), bool)
    truth[20:70, 30:80] = True
    alpha, clicks = nearly_right(truth, np.random.default_rng(seed))
    prediction = alpha > 0.5
    assert 0.5 < (prediction & truth).sum() / (prediction | truth).sum() <= 1
    assert clicks
    for click in clicks:
        assert prediction[click.y, click.x] == truth[click.y, click.x] == click.positive


def differences(err: Callable[..., np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Where such masks are wrong, bool [96, 96], beside the truth."""
    truth = np.zeros((96, 96), bool)
    truth[20:70, 30:80] = True
    for seed in range(20):
        yield (err(truth, np.random.default_rng(seed)) > 0.5) != truth, truth


def test_cells_err_at_the_border_and_nowhere_outside():
    wrong, truths = zip(*differences(_coarse), strict=True)
    assert not any((each & ~truth).any() for each, truth in zip(wrong, truths, strict=True))
    assert not any(each[30:60, 40:70].any() for each in wrong)


def test_bites_are_few_and_whole():
    parts = [cv2.connectedComponents(wrong.view(np.uint8))[0] - 1 for wrong, _ in differences(_bitten)]
    assert max(parts) <= 3
    assert np.mean([count > 0 for count in parts]) > 0.7


def test_wobbles_take_and_add():
    wrong, truths = zip(*differences(_wobbly), strict=True)
    both = [(each & truth).any() and (each & ~truth).any() for each, truth in zip(wrong, truths, strict=True)]
    assert np.mean(both) > 0.5


def test_all_of_them_are_drawn(monkeypatch: pytest.MonkeyPatch):
    drawn = Counter[str]()
    for name in ("_wobbly", "_coarse", "_bitten"):

        def counted(truth: np.ndarray, rng: np.random.Generator, name: str = name) -> np.ndarray:
            drawn[name] += 1
            return truth.astype(np.float32)

        monkeypatch.setattr(nearly_right_module, name, counted)
    for seed in range(200):
        nearly_right(np.ones((8, 8), bool), np.random.default_rng(seed))
    assert drawn["_wobbly"] > 1.3 * max(drawn["_coarse"], drawn["_bitten"])
    assert min(drawn["_coarse"], drawn["_bitten"]) > 25


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_a_line_never_vanishes(thickness: int):
    line = np.zeros((224, 224), np.uint8)
    cv2.line(line, (10, 20), (210, 190), 1, thickness)
    for seed in range(60):
        alpha, clicks = nearly_right(line > 0, np.random.default_rng(seed))
        assert ((alpha > 0.5) & (line > 0)).any()
        assert clicks[0].positive


@pytest.mark.parametrize("pixels", [[], [(3, 4)], [(0, 0), (31, 31)]])
def test_of_next_to_nothing(pixels: list[tuple[int, int]]):
    truth = np.zeros((32, 32), bool)
    for pixel in pixels:
        truth[pixel] = True
    for seed in range(20):
        alpha, clicks = nearly_right(truth, np.random.default_rng(seed))
        assert alpha.shape == (32, 32)
        assert np.isfinite(alpha).all()
        assert all((alpha[click.y, click.x] > 0.5) == truth[click.y, click.x] for click in clicks)
