"""The simulation against what queueing theory knows."""

from __future__ import annotations

import math
import random

import pytest

from tests.benchmarks.annotator_simulation import processes_for, simulate


def test_who_is_alone_waits_for_nobody() -> None:
    waiting = simulate(1, 1, [(0.15, 0.1)], think=2)
    assert waiting.percentile(50) == waiting.percentile(100) == pytest.approx(0.25)
    assert waiting.clicks_per_second == pytest.approx(1 / 2.25, rel=0.15)


def test_too_many_get_what_the_processes_can_do() -> None:
    assert simulate(100, 4, [(0.5, 3.0)], think=1).clicks_per_second == pytest.approx(8, rel=0.02)


@pytest.mark.slow("simulates many hours")
def test_the_wait_is_that_of_a_queue_of_many_sources() -> None:
    """M/M/1: exponential service, 60 % busy; the mean wait and service is s / (1 - 0.6)."""
    choice = random.Random(1)
    service = [(choice.expovariate(1 / 0.1), 0.0) for _ in range(20_000)]
    waiting = simulate(1200, 1, service, think=200, duration=6000)
    assert float(waiting.seconds.mean()) == pytest.approx(0.1 / 0.4, rel=0.15)


def test_the_fewest_processes_keep_the_bound_and_fewer_do_not() -> None:
    fewest = processes_for(40, [(0.2, 0.0)], think=4, bound=0.5)
    assert simulate(40, fewest, [(0.2, 0.0)], 4, 120).percentile(95) <= 0.5
    assert fewest == 1 or simulate(40, fewest - 1, [(0.2, 0.0)], 4, 120).percentile(95) > 0.5
    assert fewest >= math.floor(40 * 0.2 / 4.5)


def test_what_no_number_of_processes_can_do_is_refused() -> None:
    with pytest.raises(ValueError, match=r"within 0\.5 s"):
        processes_for(40, [(0.2, 0.4)], think=4, bound=0.5)
