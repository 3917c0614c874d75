"""Work that takes turns, so that other work on the machine meets all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np


def medians(
    work: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Milliseconds of each by that clock; now the one first, now the other. A round before them warms up."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name in sorted(work, reverse=number % 2 == 0):
            begun = clock()
            work[name]()
            times[name].append(1000 * (clock() - begun))
    return {name: float(np.median(each[1:])) for name, each in times.items()}
