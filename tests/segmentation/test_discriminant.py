from __future__ import annotations

import numpy as np
import pytest

from click99.segmentation.discriminant import Discriminant, Moments

GRID = (6, 8)


def scene(seed: int, channels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Features [C, h, w] of noise, in which the object's first channel is higher; and its mask, 8 times as
    large."""
    rng = np.random.default_rng(seed)
    small = np.zeros(GRID, bool)
    top, left = rng.integers(0, 3, 2)
    small[top : top + 3, left : left + 3] = True
    features = rng.normal(0, 0.3, (channels, *GRID)).astype(np.float32)
    features[0] += 2 * small
    return features, np.kron(small, np.ones((8, 8), bool))


def moments(seed: int) -> Moments:
    found = Moments.of(*scene(seed))
    assert found
    return found


def test_moments_are_means_and_covariances():
    features, mask = scene(0)
    inside = mask[::8, ::8]
    found = moments(0)
    for k, where in enumerate((~inside, inside)):
        assert found.means[k] == pytest.approx(features[:, where].mean(1), abs=1e-5)
    expected = sum(np.cov(features[:, where], bias=True) for where in (inside, ~inside))
    assert found.scatter == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("inside", [False, True], ids=["nothing", "everything"])
def test_a_mask_of_nothing_or_everything_teaches_nothing(inside: bool):
    features, mask = scene(0)
    assert Moments.of(features, np.full_like(mask, inside)) is None


def test_an_object_too_small_for_the_features_teaches_nothing():
    features, mask = scene(0)
    assert Moments.of(features, np.zeros_like(mask)) is None
    one = np.zeros_like(mask)
    one[3, 3] = True
    assert Moments.of(features, one) is None


def test_packed_moments_are_half_as_precise_and_a_quarter_as_large():
    found = moments(1)
    again = Moments.unpack(found.pack())
    assert len(found.pack()) == 4 * 4 + 5 * 4
    assert again.means == pytest.approx(found.means, abs=2e-3)
    assert again.scatter == pytest.approx(found.scatter, abs=2e-3)
    assert np.array_equal(again.scatter, again.scatter.T)


@pytest.mark.parametrize("damaged", [b"\0\0", b"\0" * 38, b"\xff" * 36, b"x" * 35])
def test_damaged_moments_are_refused(damaged: bytes):
    with pytest.raises(ValueError, match=r"no moments|multiple of element size"):
        Moments.unpack(damaged)


def test_the_map_shows_the_object_in_another_image():
    found = Discriminant.between([moments(seed) for seed in range(3)], "network-1")
    features, mask = scene(9)
    seen = found.map(features)
    assert seen.shape == GRID
    assert (seen > 0.5).astype(int) == pytest.approx(mask[::8, ::8].astype(int))


def test_the_order_of_masks_does_not_matter_much_and_one_is_enough():
    masks = [moments(seed) for seed in range(4)]
    features, _ = scene(9)
    there, back = (Discriminant.between(each, "network-1").map(features) for each in (masks, masks[::-1]))
    assert there == pytest.approx(back, abs=1e-4)
    assert Discriminant.between(masks[:1], "network-1").map(features).max() > 0.5


def test_features_that_never_vary_do_no_harm():
    features, mask = scene(0)
    features[1:] = 0
    found = Moments.of(features, mask)
    assert found
    assert np.isfinite(Discriminant.between([found], "network-1").map(features)).all()
