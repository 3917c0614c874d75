"""Networks compared, made up."""

from __future__ import annotations

import numpy as np

from click99_training.evaluation.results import Annotation
from click99_training.learning.compare import compare
from click99_training.learning.judging import Verdicts


def reaching(clicks: list[int]) -> np.ndarray:
    """IoUs [N, 20] that are above 90 % from that click on."""
    return np.where(np.arange(1, 21) >= np.array(clicks)[:, None], 0.95, 0.5)


def verdicts(before: list[int], after: list[int]) -> Verdicts:
    """Of an image each, that reaches 90 % at those clicks."""
    one, other = ([annotation(ious) for ious in reaching(clicks)] for clicks in (before, after))
    return Verdicts([str(k) for k in range(len(before))], one, other, [True] * len(before))


def annotation(ious: np.ndarray) -> Annotation:
    return Annotation("made up", [], ious, ious, ious, ious, ious, ious, [])


BETTER = compare(reaching([9, 8, 10, 7, 9, 8]), reaching([4, 4, 5, 3, 4, 5]))
SAME = compare(reaching([3, 4, 5, 3, 4, 5]), reaching([3, 4, 5, 3, 4, 5]))
