"""Evidence from what the gate clicked through, kept, and the page made anew."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.evaluation.results import Annotation, pack
from click99_training.learning.bought import EACH, SHOWN, evidence, renew_page, write_page
from click99_training.learning.judging import Verdicts
from tests.dashboard.examples import cost
from tests.training.learning.comparisons import annotation
from tests.training.snapshot import PEOPLE_S, SIDE, write_snapshot

CHANGES = [0.3, 0.2, 0.1, 0.05, 0.04, 0.03, 0.0, 0.0, -0.1, -0.2, 0.01, -0.3]  # of the images' IoU


@pytest.fixture
def snapshot(tmp_path: Path) -> SnapshotDataset:
    return SnapshotDataset(write_snapshot(tmp_path / "data", images=len(CHANGES)))


@pytest.fixture
def found(snapshot: SnapshotDataset) -> Verdicts:
    """Before, no mask has a pixel; after, each has all."""
    stems = [saved.mask.stem for saved in snapshot.masks]
    before = [made(stem, 0.5, False) for stem in stems]
    after = [made(stem, 0.5 + change, True) for stem, change in zip(stems, CHANGES, strict=True)]
    return Verdicts(snapshot.images, before, after, [True] * len(stems))


def made(stem: str, iou: float, full: bool) -> Annotation:
    mask = pack(np.full((SIDE, SIDE), full))
    return replace(annotation(np.full(10, iou)), name=stem, clicks=[*PEOPLE_S], masks={SHOWN: mask})


def test_the_ten_that_gained_and_lost_most_are_shown(found: Verdicts, snapshot: SnapshotDataset):
    kept = evidence("v2", "v1", "better", found, snapshot)
    assert len(kept.images) == len(CHANGES)
    gains = [round(pair.image.gain, 2) for pair in kept.pairs]
    assert gains == [0.3, 0.2, 0.1, 0.05, 0.04, -0.3, -0.2, -0.1]
    assert gains[:EACH] == sorted(gains[:EACH], reverse=True)
    assert kept.sure == found.gain.sure


def test_before_and_after_are_the_masks_of_that_image(found: Verdicts, snapshot: SnapshotDataset):
    kept = evidence("v2", "v1", "better", found, snapshot)
    before, after = (colour(address) for address in (kept.pairs[0].before, kept.pairs[0].after))
    assert before < 10 < after, "what is not in the mask is grey"


def colour(address: str) -> float:
    """How much of it there is in the middle of a drawing's left half, beside the clicks."""
    data = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return float(np.ptp(picture[100:140, 200:220].astype(int), axis=2).mean())


def test_the_page_is_made_anew_of_what_is_kept(found: Verdicts, snapshot: SnapshotDataset, tmp_path: Path):
    kept = evidence("v2", "v1", "better", found, snapshot)
    page = write_page(tmp_path, kept, lambda: [cost(clicks=6)])
    assert page == tmp_path / "bought" / "v2.html"
    assert "6.00 → –" in page.read_text()
    renew_page(tmp_path, "v2", lambda: [cost(clicks=6), cost(clicks=2, version="v2")], "v2 stays")
    assert "6.00 → 2.00" in page.read_text()
    assert "Since then: v2 stays" in page.read_text()
    with pytest.raises(FileNotFoundError):
        renew_page(tmp_path, "v3", tuple)
