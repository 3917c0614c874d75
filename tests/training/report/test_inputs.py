from __future__ import annotations

from pathlib import Path

from click99.segmentation.presets import VARIANTS
from click99_training.report.inputs import read_grid


def test_variants_keep_their_order_and_others_follow(given: Path):
    assert list(read_grid(given / "ablation", VARIANTS)) == [*VARIANTS, "bce"]
