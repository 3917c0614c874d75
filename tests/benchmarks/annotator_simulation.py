"""What annotators wait for at machines that share themselves among all they do, without a server (simpy).

A machine has a process that computes one click at a time; what goes on beside the network, of this click and
of others, competes with it for the processors.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import simpy

LEAST = 1e-9  # seconds of work that are none


@dataclass(frozen=True)
class Click:
    """Seconds that a click takes of a machine that does nothing else: in the network, of which a process has
    one, and beside it."""

    network: float
    rest: float


@dataclass(frozen=True)
class Machine:
    """at_once: how much of what clicks take alone it gets done at once, if they overlap; 1: no more than of
    one alone."""

    at_once: float

    @classmethod
    def that_answers(cls, clicks: Sequence[Click], per_second: float) -> Machine:
        """One that was seen to answer so many a second when it had no rest."""
        return cls(max(1.0, per_second * float(np.mean([each.network + each.rest for each in clicks]))))

    def clicks_per_second(self, clicks: Sequence[Click]) -> float:
        """That it can answer at most."""
        network, rest = np.mean([(each.network, each.rest) for each in clicks], axis=0)
        return float(min(self.at_once / (network + rest), 1 / max(network, LEAST)))


@dataclass(frozen=True)
class Waiting:
    """seconds: from each click to its mask. clicks_per_second: of all annotators together."""

    seconds: np.ndarray
    clicks_per_second: float

    def percentile(self, share: float) -> float:
        """Seconds that `share` percent of the clicks take at most."""
        return float(np.percentile(self.seconds, share))


@dataclass
class _Job:
    left: float  # seconds, if it were alone
    done: simpy.Event


class _Shared:
    """Processor sharing: all that is under way goes on as if alone, or at the same part of that pace."""

    def __init__(self, world: simpy.Environment, at_once: float):
        self._world, self._at_once = world, at_once
        self._jobs: list[_Job] = []
        self._at, self._pace, self._turn = 0.0, 1.0, 0

    def work(self, seconds: float) -> simpy.Event:
        """Done when so many seconds of work are."""
        job = _Job(seconds, self._world.event())
        self._advance()
        self._jobs.append(job)
        self._plan()
        return job.done

    def _advance(self) -> None:
        for job in self._jobs:
            job.left -= self._pace * (self._world.now - self._at)
        self._at = self._world.now

    def _plan(self) -> None:
        for job in self._jobs:
            if job.left <= LEAST:
                job.done.succeed()
        self._jobs = [job for job in self._jobs if job.left > LEAST]
        self._turn += 1
        if self._jobs:
            self._pace = min(1.0, self._at_once / len(self._jobs))
            soon = self._world.timeout(min(job.left for job in self._jobs) / self._pace)
            soon.callbacks.append(partial(self._look, self._turn))  # type: ignore[union-attr]

    def _look(self, turn: int, _: simpy.Event) -> None:
        if turn == self._turn:  # nothing came since
            self._advance()
            self._plan()


class _Busy:
    """A machine at work. under_way: clicks that it has not answered."""

    def __init__(self, world: simpy.Environment, machine: Machine):
        self._processors, self._network = _Shared(world, machine.at_once), simpy.Resource(world, 1)
        self.under_way = 0

    def answer(self, click: Click) -> Generator[simpy.Event, Any, None]:
        self.under_way += 1
        with self._network.request() as mine:
            yield mine
            yield self._processors.work(click.network)
        yield self._processors.work(click.rest)
        self.under_way -= 1


def simulate(
    annotators: int,
    machines: int,
    clicks: Sequence[Click],
    think: float,
    machine: Machine,
    duration: float = 300,
) -> Waiting:
    """Annotators think exponentially, `think` seconds on average, click, and wait. A click goes to the less
    busy of two machines that chance names, as load balancers have it.

    Args:
        clicks: drawn from at random.
        duration: seconds; the first tenth, until the annotators have spread, is not counted.
    """
    world, choice = simpy.Environment(), random.Random(0)
    all_of_them = [_Busy(world, machine) for _ in range(machines)]
    waited: list[float] = []

    def annotate() -> Generator[simpy.Event, Any, None]:
        while True:
            yield world.timeout(choice.expovariate(1 / think))
            clicked = world.now
            one, other = choice.choices(all_of_them, k=2)
            less = min(one, other, key=lambda each: each.under_way)
            yield from less.answer(choice.choice(clicks))
            if world.now > duration / 10:
                waited.append(world.now - clicked)

    for _ in range(annotators):
        world.process(annotate())
    world.run(until=duration)
    return Waiting(np.array(waited), len(waited) / (0.9 * duration))


def machines_for(
    annotators: int, clicks: Sequence[Click], think: float, machine: Machine, bound: float
) -> int:
    """The fewest machines, to a twentieth, with which 95 % of the clicks take `bound` seconds at most.
    ValueError where too many take longer without any wait."""
    if np.percentile([each.network + each.rest for each in clicks], 95) > bound:
        raise ValueError(f"no number of machines answers 95 % of the clicks within {bound} s")
    fewest = max(1, int(annotators / (think + bound) / machine.clicks_per_second(clicks)))
    while simulate(annotators, fewest, clicks, think, machine, 60).percentile(95) > bound:
        fewest += max(1, fewest // 20)
    return fewest
