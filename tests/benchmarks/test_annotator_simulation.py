"""The simulation against what queueing theory knows."""

from __future__ import annotations

import random

import pytest

from tests.benchmarks.annotator_simulation import Click, Machine, machines_for, simulate

MANY = Machine(at_once=1000)


def exponential(mean: float) -> list[float]:
    choice = random.Random(1)
    return [choice.expovariate(1 / mean) for _ in range(20_000)]


def test_who_is_alone_waits_for_nobody() -> None:
    waiting = simulate(1, 1, [Click(0.15, 0.1)], think=2, machine=Machine(at_once=1.3))
    assert waiting.percentile(50) == waiting.percentile(100) == pytest.approx(0.25)
    assert waiting.clicks_per_second == pytest.approx(1 / 2.25, rel=0.15)


def test_where_processors_abound_the_network_decides() -> None:
    machine = Machine(at_once=1000)
    found = simulate(100, 4, [Click(0.5, 3.0)], think=1, machine=machine).clicks_per_second
    assert found == pytest.approx(4 * machine.clicks_per_second([Click(0.5, 3.0)]), rel=0.03)
    assert machine.clicks_per_second([Click(0.5, 3.0)]) == 2


@pytest.mark.parametrize("at_once", [1, 1.5])
def test_where_they_do_not_all_the_work_does(at_once: float) -> None:
    clicks, machine = [Click(0.2, 0.8)], Machine(at_once)
    found = simulate(40, 1, clicks, think=1, machine=machine).clicks_per_second
    assert found == pytest.approx(machine.clicks_per_second(clicks), rel=0.03)
    assert machine.clicks_per_second(clicks) == at_once


def test_a_machine_is_known_by_what_it_answers_without_a_rest() -> None:
    clicks = [Click(0.2, 0.4)]
    assert Machine.that_answers(clicks, 2.5).clicks_per_second(clicks) == pytest.approx(2.5)
    assert Machine.that_answers(clicks, 0.1) == Machine(1), "one alone was seen to get that done"


@pytest.mark.slow("simulates hours")
def test_who_waits_for_the_network_waits_in_a_queue() -> None:
    """M/M/1: exponential service, 60 % busy; the mean wait and service is s / (1 - 0.6)."""
    clicks = [Click(seconds, 0.0) for seconds in exponential(0.1)]
    waiting = simulate(1200, 1, clicks, think=200, machine=MANY, duration=3000)
    assert float(waiting.seconds.mean()) == pytest.approx(0.1 / 0.4, rel=0.15)


@pytest.mark.slow("simulates hours")
@pytest.mark.parametrize("seconds", [[0.1], exponential(0.1)], ids=["the same", "exponential"])
def test_who_waits_for_processors_shares_them(seconds: list[float]) -> None:
    """M/G/1 with processor sharing: s / (1 - 0.6) whatever the seconds' spread; a queue would take a third
    less where all take the same."""
    clicks = [Click(0.0, each) for each in seconds]
    waiting = simulate(1200, 1, clicks, think=200, machine=Machine(at_once=1), duration=3000)
    assert float(waiting.seconds.mean()) == pytest.approx(0.1 / 0.4, rel=0.15)


def test_it_lies_between_its_bounds() -> None:
    """All beside each other, as if there were processors for it, and all in one queue."""
    click = Click(0.3, 0.3)
    beside, shared, queue = (
        simulate(10, 1, [each], 6, machine).percentile(95)
        for each, machine in ((click, MANY), (click, Machine(1.3)), (Click(0.6, 0.0), MANY))
    )
    assert beside < shared < queue


def test_the_fewest_machines_keep_the_bound_and_fewer_do_not() -> None:
    clicks, machine = [Click(0.2, 0.1)], Machine(at_once=1.3)
    fewest = machines_for(40, clicks, 4, machine, bound=0.8)
    assert simulate(40, fewest, clicks, 4, machine, 60).percentile(95) <= 0.8
    assert simulate(40, fewest - 1, clicks, 4, machine, 60).percentile(95) > 0.8


def test_what_no_number_of_machines_can_do_is_refused() -> None:
    with pytest.raises(ValueError, match=r"within 0\.5 s"):
        machines_for(40, [Click(0.2, 0.4)], 4, Machine(2), bound=0.5)
