"""Which image is learnt from, and which judges."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint
from click99.segmentation.predictor import Predictor
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.folds import FewImagesError, bouts, folds, refuse_few
from click99_training.learning.gain import FEWEST
from tests.training.snapshot import write_snapshot


@pytest.mark.parametrize("images", [FEWEST, 7, 30])
def test_every_image_judges_what_was_not_learnt_from_it(tmp_path: Path, images: int):
    snapshot = SnapshotDataset(write_snapshot(tmp_path / "snapshot", images=images))
    parts = folds(snapshot)
    for fold in parts:
        assert set(fold.learnt.images) | set(fold.judges.images) == set(snapshot.images)
        assert not set(fold.learnt.images) & set(fold.judges.images)
        assert abs(len(fold.learnt) - len(fold.judges)) <= 1
    assert sorted(image for fold in parts for image in fold.judges.images) == sorted(snapshot.images)


def test_both_halves_judge_from_the_first_masks_on(tmp_path: Path):
    """However few there is time for."""
    parts = folds(SnapshotDataset(write_snapshot(tmp_path / "snapshot", images=8)))
    first, second = Predictor(load_checkpoint(SHIPPED), "a"), Predictor(load_checkpoint(SHIPPED), "b")
    order = list(bouts(parts, [first, second]))
    assert [bout.candidate.version for bout in order[:4]] == ["a", "b", "a", "b"]
    assert len(order) == 32, "each four times, to be at least thirty"
    for bout in order:
        (fold,) = (fold for fold in parts if bout.image in fold.judges.images)
        assert bout.candidate is (first, second)[parts.index(fold)]


def test_masks_of_an_image_stay_together(tmp_path: Path):
    """Whoever drew them, and however they contradict each other."""
    snapshot = SnapshotDataset(write_snapshot(tmp_path / "snapshot"))
    snapshot.masks *= 2
    assert [len(fold.judges) for fold in folds(snapshot)] == [6, 6]
    assert [len(set(fold.judges.images)) for fold in folds(snapshot)] == [3, 3]


def test_too_few_images_are_refused_with_the_remedy(tmp_path: Path):
    few = SnapshotDataset(write_snapshot(tmp_path / "few", images=FEWEST - 2))
    few.masks *= 3  # of the same images
    with pytest.raises(FewImagesError, match=r"only 4 images .* 6 are needed.* Annotate 2 more"):
        refuse_few(few)
    refuse_few(SnapshotDataset(write_snapshot(tmp_path / "enough", images=FEWEST)))


def test_images_that_can_t_be_read_are_named(tmp_path: Path):
    snapshot = SnapshotDataset(write_snapshot(tmp_path / "snapshot"))
    gone = Path(str(snapshot.masks[0].image))
    gone.unlink()
    with pytest.raises(FewImagesError, match=f"only 5 images .* Annotate 1 more.* 1 skipped:\n.*{gone.name}"):
        refuse_few(snapshot)


def test_a_half_without_an_image_is_refused(tmp_path: Path):
    """However many the other one has."""
    snapshot = SnapshotDataset(write_snapshot(tmp_path / "snapshot", images=2 * FEWEST))
    half = set(folds(snapshot)[1].judges.images)
    for saved in snapshot.masks:
        if saved.image.stem in half:
            Path(str(saved.image)).unlink()
    with pytest.raises(FewImagesError, match=r"no image of one half can be read.* 6 skipped"):
        refuse_few(snapshot)


def test_thousands_of_masks_wait_their_turn(tmp_path: Path):
    """The first ones come at once, one of each image, however many there are."""
    snapshot = SnapshotDataset(write_snapshot(tmp_path / "snapshot", images=10))
    snapshot.masks *= 500
    network = Predictor(load_checkpoint(SHIPPED), "a")
    begun = time.process_time()
    first = list(itertools.islice(bouts(folds(snapshot), [network, network]), 10))
    assert len({bout.image for bout in first}) == 10
    assert time.process_time() - begun < 5, "5,000 masks are sorted, not looked through for each"
