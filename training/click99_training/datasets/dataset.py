"""What every data set is to training and evaluation: numbered samples, one object each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from click99_training.datasets.sample import Sample
from click99_training.recipes import Recipe

SMALLEST_OBJECT = 150  # pixels; below it a mask says little to training


class SampleDataset(ABC):
    """Samples by number, in a fixed order. A missing folder or list is refused when the data set is made.

    `data[k]` raises SampleError, which names the file, for a sample that cannot be used.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, k: int) -> Sample: ...

    def __iter__(self) -> Iterator[Sample]:
        return (self[k] for k in range(len(self)))

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        """A random sample to train on; SampleError as above."""
        return self[int(rng.integers(len(self)))]


class Subset(SampleDataset):
    """Some samples of another data set, by their numbers there."""

    def __init__(self, data: SampleDataset, numbers: list[int]):
        self.data, self.numbers = data, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, k: int) -> Sample:
        return self.data[self.numbers[k]]


class InProject(SampleDataset):
    """Another data set's samples, asked for by a project."""

    def __init__(self, data: SampleDataset, project: str):
        self.data, self.project = data, project

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, k: int) -> Sample:
        return replace(self.data[k], project=self.project)


def evenly(data: SampleDataset, most: int) -> SampleDataset:
    """At most so many of its samples, evenly over all."""
    if len(data) <= most:
        return data
    return Subset(data, [int(k) for k in np.linspace(0, len(data) - 1, most).round()])


@dataclass(frozen=True)
class Instance:
    """Where an object is: its image's name, its number there, and its area in pixels."""

    image: str
    number: int
    area: float


class InstanceDataset(SampleDataset):
    """One sample per object of images that hold several; the others of an image are background to it."""

    def __init__(self, objects: list[Instance]):
        self.objects = objects
        self.learnable = [k for k, each in enumerate(objects) if each.area >= SMALLEST_OBJECT]

    def __len__(self) -> int:
        return len(self.objects)

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        """A random sample to train on, of the objects that are large enough to learn from."""
        if not self.learnable:
            raise ValueError(f"none of its {len(self)} objects has {SMALLEST_OBJECT} pixels to learn from")
        return self[self.learnable[int(rng.integers(len(self.learnable)))]]
