"""Cut-outs without a trace of their background."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from click99_training.datasets.composites import Foreground
from click99_training.datasets.cutouts import cut_out, soft_edge
from click99_training.datasets.sample import Sample

RED, BLUE, GREEN = np.array([200, 40, 30]), np.array([20, 40, 210]), np.array([40, 160, 60])


def blended(alpha: np.ndarray, binary: bool = False) -> Sample:
    """A red object of this alpha over blue: what a camera would have taken."""
    image = RED * alpha[..., None] + BLUE * (1 - alpha[..., None])
    truth = alpha > 0.5
    kept = None if binary else alpha.astype(np.float32)
    return Sample("red", np.round(image).astype(np.uint8), truth, np.zeros_like(truth), kept)


def soft_disc(softness: float) -> np.ndarray:
    """Alpha that falls from 1 to 0 within `softness` pixels at a radius of 30."""
    y, x = np.ogrid[:100, :120]
    return np.clip((30 - np.hypot(y - 50, x - 60)) / softness + 0.5, 0, 1)


@pytest.mark.parametrize("softness", [2.0, 8.0, 25.0])
def test_a_matte_gives_back_the_objects_own_colours(softness: float):
    sample = blended(soft_disc(softness))
    cutout = cut_out(sample)
    old = Foreground("", sample.image, np.round(255 * soft_disc(softness)).astype(np.uint8)).trimmed(8)

    def error(colours: np.ndarray) -> float:
        """Mean over what shows of the soft edge."""
        edge = (cutout.alpha > 12) & (cutout.alpha < 243)
        return float((np.abs(colours.astype(int) - RED).mean(2) * cutout.alpha / 255)[edge].mean())

    assert error(cutout.colours) < 0.45 * error(old.colours)
    assert np.abs(cutout.colours[cutout.alpha > 250] - RED).max() < 12


@pytest.mark.parametrize("softness", [1.0, 2.0])
def test_a_binary_masks_cut_out_shows_no_halo_over_a_new_background(softness: float):
    cutout = cut_out(blended(soft_disc(softness), binary=True))
    a = cutout.alpha[..., None] / 255
    over = cutout.colours * a + GREEN * (1 - a)
    assert (over[..., 2] < 60 + 10).all()  # no more blue than the new background has


def test_the_colours_go_on_beyond_the_edge():
    cutout = cut_out(blended(soft_disc(1.0)))
    assert np.abs(cutout.colours[0, 0] - RED).max() < 25
    assert cutout.alpha[0, 0] == 0


def test_a_cut_out_is_cropped_to_the_object():
    assert cut_out(blended(soft_disc(1.0))).alpha.shape == pytest.approx((60, 60), abs=2)


@given(arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_a_softened_edge_stays_near_the_mask(mask: np.ndarray):
    alpha = soft_edge(mask)
    assert alpha.shape == mask.shape
    assert 0 <= alpha.min() <= alpha.max() <= 1 + 1e-6
    assert (alpha[~cv2.dilate(mask.astype(np.uint8), np.ones((7, 7))).astype(bool)] == 0).all()
