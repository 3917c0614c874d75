"""Which images a gallery shows, and how they are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from click99.segmentation.metrics import noc
from click99_training.datasets.folders import MaskFolder
from click99_training.report.gallery import ranked, smallest, spread
from tests.training.report.evaluations import result


def test_images_are_ranked_from_easiest_to_hardest():
    done = result(3)
    order = [each.name for each in ranked(done)]
    counts = {each.name: noc(each.ious[None], 0.9)[0] for each in done.annotations}
    assert [counts[name] for name in order] == sorted(counts.values())


def test_few_of_many_are_spread_evenly():
    assert spread(range(101), 5) == [0, 25, 50, 75, 100]
    assert spread([1, 2], 5) == [1, 2]


def test_the_smallest_objects_come_first_with_their_first_masks(benchmark_folder: Path):
    samples = {sample.name: sample for sample in MaskFolder(benchmark_folder)}
    done = result(3)
    gallery = smallest(done, samples, count=2)
    assert gallery is not None
    assert [tile.caption.split(":")[0] for tile in gallery.tiles] == ["one", "twoa"]
    assert f"{done.annotations[0].ious[0]:.1%}" in gallery.tiles[0].caption
    unknown = replace(done, annotations=[replace(each, extent=float("nan")) for each in done.annotations])
    assert smallest(unknown, samples) is None
