from __future__ import annotations

from click99_training.report import published
from click99_training.report.inputs import VARIANTS


def test_the_published_tables_are_whole():
    assert len(published.read("systems")) == 10 + 2
    assert all(all(row.values()) for row in published.read("systems"))
    assert {row["system"] for row in published.read("clicks")} >= {
        row["system"] for row in published.read("systems")[:-1]
    }
    assert [row["variant"] for row in published.read("ablation")] == list(VARIANTS)
