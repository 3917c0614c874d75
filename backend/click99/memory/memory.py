"""What the accepted masks of one label say together, and whether it helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from click99.annotations.tables import LessonRow
from click99.segmentation.discriminant import Discriminant, Moments
from click99.segmentation.prior import Prior

LEAST_JUDGED = 2  # first clicks that must have been better with memory
DOUBT = 0.1  # IoU: spread of the gains, at least, until there are enough of them to tell
SIZES = 20  # of the newest masks

Choice = Literal["none", "size", "map"]


@dataclass(frozen=True)
class Memory:
    """sizes: areas over the square of the picture's long side, the newest last. gains: by choice, the IoU of
    first clicks that it surely gains (the mean less its standard error); of those that were tried enough."""

    sizes: tuple[float, ...] = ()
    discriminant: Discriminant | None = None
    gains: tuple[tuple[Choice, float], ...] = ()

    @classmethod
    def of(cls, lessons: Sequence[LessonRow]) -> Memory:
        """lessons: of one label, one model version, the newest last."""
        sizes = tuple(lesson.size for lesson in lessons)[-SIZES:]
        tried = {"size": [(row.plain, row.with_size) for row in lessons]}
        tried["map"] = [(row.plain, row.with_map) for row in lessons]
        gains = {choice: sure_gain(pairs) for choice, pairs in tried.items()}
        return cls(sizes, _discriminant(lessons), tuple((c, g) for c, g in gains.items() if g is not None))  # pyright: ignore[reportArgumentType]

    @property
    def choice(self) -> Choice:
        """What helps most of all that surely helps."""
        choice, gain = max(self.gains, key=lambda pair: pair[1], default=("none", 0.0))
        return choice if gain > 0 else "none"

    def prior(self, shape: tuple[int, int], choice: Choice, areas: tuple[int, ...] = ()) -> Prior:
        """What a first click on an image [H, W] may use. areas: of the same label's regions in it, which tell
        more of sizes than other pictures do."""
        if choice == "map":
            return Prior(areas, self.discriminant)
        if choice == "size" and not areas:
            return Prior(tuple(max(1, round(size * max(shape) ** 2)) for size in self.sizes))
        return Prior(areas)


def sure_gain(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    """How much the second IoU is above the first, less a standard error; None: too few are known."""
    gains = [after - before for before, after in pairs if before is not None and after is not None]
    if len(gains) < LEAST_JUDGED:
        return None
    return float(np.mean(gains) - np.hypot(np.std(gains), DOUBT) / np.sqrt(len(gains)))


def _discriminant(lessons: Sequence[LessonRow]) -> Discriminant | None:
    """By the network that saw most of the masks: a fine-tuned one leaves some images to the one before it."""
    networks = Counter(lesson.network for lesson in lessons if lesson.moments)
    if not networks:
        return None
    [(network, _)] = networks.most_common(1)
    moments = []
    for lesson in lessons:
        with suppress(ValueError):  # damaged
            if lesson.moments and lesson.network == network:
                moments.append(Moments.unpack(lesson.moments))
    return Discriminant.between(moments, network) if moments else None
