from __future__ import annotations

from click99.segmentation.presets import VARIANTS
from click99_training.report import published


def test_the_published_tables_are_whole():
    assert len(published.read("systems")) == 10 + 2
    assert all(all(row.values()) for row in published.read("systems"))
    assert {row["system"] for row in published.read("clicks")} >= {
        row["system"] for row in published.read("systems")[:-1]
    }
    assert [row["variant"] for row in published.read("ablation")] == list(VARIANTS)
