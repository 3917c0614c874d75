"""The numbers and designs that Forte et al. 2020 print, as data.

clicks.csv: Table 6, mean clicks to an IoU. systems.csv: Tables 1 to 3, our own preset as the last row.
ablation.csv: Table 7, AuC over clicks 1 to 20. regimes.csv: Table 8, AuC and per cent of the images above an
IoU at 20 clicks; of the AuC with synthetic data we know the best only. An empty cell: not printed.
"""

from __future__ import annotations

import csv
from importlib.resources import files


def read(name: str) -> list[dict[str, str]]:
    """The rows of NAME.csv, column → text."""
    text = (files(__name__) / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
