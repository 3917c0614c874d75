"""What annotators wait for at processes that answer one click at a time each, without a server (simpy)."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy


@dataclass(frozen=True)
class Waiting:
    """seconds: from each click to its mask. clicks_per_second: of all annotators together."""

    seconds: np.ndarray
    clicks_per_second: float

    def percentile(self, share: float) -> float:
        """Seconds that `share` percent of the clicks take at most."""
        return float(np.percentile(self.seconds, share))


def simulate(
    annotators: int,
    processes: int,
    service: Sequence[tuple[float, float]],
    think: float,
    duration: float = 300,
) -> Waiting:
    """Annotators think exponentially, `think` seconds on average, click, and wait.

    Args:
        service: seconds of a click in the network, of which a process has one, and beside it; drawn from at
            random.
        duration: seconds; the first tenth, until the annotators have spread, is not counted.
    """
    world, choice = simpy.Environment(), random.Random(0)
    free = simpy.Resource(world, processes)
    waited: list[float] = []

    def annotate() -> Generator[simpy.Event, Any, None]:
        while True:
            yield world.timeout(choice.expovariate(1 / think))
            clicked = world.now
            with free.request() as mine:
                yield mine
                network, rest = choice.choice(service)
                yield world.timeout(network)
            yield world.timeout(rest)
            if world.now > duration / 10:
                waited.append(world.now - clicked)

    for _ in range(annotators):
        world.process(annotate())
    world.run(until=duration)
    return Waiting(np.array(waited), len(waited) / (0.9 * duration))


def processes_for(annotators: int, service: Sequence[tuple[float, float]], think: float, bound: float) -> int:
    """The fewest processes with which 95 % of the clicks take `bound` seconds at most. ValueError where too
    many take longer without any wait."""
    if np.percentile(np.sum(service, axis=1), 95) > bound:
        raise ValueError(f"no number of processes answers 95 % of the clicks within {bound} s")
    fewest = max(1, int(annotators * float(np.mean(service, axis=0)[0]) / (think + bound)))
    while simulate(annotators, fewest, service, think, 120).percentile(95) > bound:
        fewest += max(1, fewest // 50)
    return fewest
