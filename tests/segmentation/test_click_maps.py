from __future__ import annotations

import numpy as np
import pytest

from click99.segmentation.click_maps import click_maps
from click99.segmentation.presets import ClickEncoding


def test_click_maps_follow_the_formula():
    maps = click_maps([[(10, 20, True), (40, 5, False)]], 48, 64)[0].numpy()
    assert maps.shape == (6, 48, 64)
    for scale, background, foreground in zip((0.02, 0.08, 0.16), maps[:3], maps[3:], strict=True):
        sigma = scale * 352
        assert foreground[20, 10] == pytest.approx(1)
        assert foreground[20, 17] == pytest.approx(np.exp(-(7**2) / (2 * sigma**2)))
        assert background[8, 44] == pytest.approx(np.exp(-(3**2 + 4**2) / (2 * sigma**2)))


def test_the_nearest_click_of_a_sign_counts():
    one, other = (10, 10, True), (30, 10, True)
    both, *alone = click_maps([[one, other], [one], [other]], 32, 48).numpy()
    np.testing.assert_allclose(both, np.maximum(*alone), rtol=1e-6)


def test_images_of_a_batch_do_not_see_each_others_clicks():
    many = [[(10.5, 20, True)], [], [(3, 4, False), (40, 5, True), (41, 30, True)]]
    together = click_maps(many, 48, 64)
    for clicks, maps in zip(many, together, strict=True):
        assert (maps == click_maps([clicks], 48, 64)[0]).all()


def test_a_sign_without_clicks_has_empty_maps():
    assert not click_maps([[(3, 3, True)]], 32, 32)[0, :3].any()
    assert not click_maps([[]], 32, 32).any()


@pytest.mark.parametrize(
    ("encoding", "at_click", "near", "far", "without"),
    [("distances", 0, 5 / 255, 1, 1), ("disks", 1, 1, 0, 0)],
)
def test_one_map_a_sign(encoding: ClickEncoding, at_click: float, near: float, far: float, without: float):
    maps = click_maps([[(10, 20, True)]], 32, 300, encoding)[0].numpy()
    assert maps.shape == (2, 32, 300)
    assert maps.dtype == np.float32
    assert maps[1, [20, 23, 20], [10, 14, 290]] == pytest.approx([at_click, near, far])
    assert (maps[0] == without).all()


def test_no_denormal_numbers_slow_the_network():
    maps = click_maps([[(0, 0, True)]], 352, 352)[0, 3:]
    assert maps.min() > np.finfo(np.float32).tiny
