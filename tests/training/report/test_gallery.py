"""Which images a gallery shows, and how they are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.metrics import noc
from click99_training.datasets.folders import MaskFolder
from click99_training.report.gallery import NEGATIVE, POSITIVE, WIDTH, draw, ranked, smallest, spread
from tests.training.report.evaluations import result


def test_images_are_ranked_from_easiest_to_hardest():
    done = result(3)
    order = [each.name for each in ranked(done)]
    counts = {each.name: noc(each.ious[None], 0.9)[0] for each in done.annotations}
    assert [counts[name] for name in order] == sorted(counts.values())


def test_few_of_many_are_spread_evenly():
    assert spread(range(101), 5) == [0, 25, 50, 75, 100]
    assert spread([1, 2], 5) == [1, 2]


def test_a_drawing_keeps_the_objects_colours_and_shows_the_clicks(benchmark_folder: Path):
    sample = MaskFolder(benchmark_folder)[0]
    drawn = draw(sample.image, sample.truth, [Click(30, 30, True), Click(70, 50, False)])
    scale = WIDTH / 80
    assert drawn.shape == (round(60 * scale), WIDTH, 3)
    inside, outside = drawn[round(22 * scale), round(30 * scale)], drawn[round(5 * scale), round(5 * scale)]
    assert np.ptp(inside.astype(int)) > 60
    assert np.ptp(outside) == 0
    for x, y, colour in ((30, 30, POSITIVE), (70, 50, NEGATIVE)):
        around = drawn[round((y + 0.5) * scale) - 7, round((x + 0.5) * scale)]
        np.testing.assert_allclose(around, colour, atol=40)


def test_the_smallest_objects_come_first_with_their_first_masks(benchmark_folder: Path):
    samples = {sample.name: sample for sample in MaskFolder(benchmark_folder)}
    done = result(3)
    gallery = smallest(done, samples, count=2)
    assert gallery is not None
    assert [tile.caption.split(":")[0] for tile in gallery.tiles] == ["one", "twoa"]
    assert f"{done.annotations[0].ious[0]:.1%}" in gallery.tiles[0].caption
    unknown = replace(done, annotations=[replace(each, extent=float("nan")) for each in done.annotations])
    assert smallest(unknown, samples) is None
