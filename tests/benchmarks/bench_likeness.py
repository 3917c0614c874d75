"""What a map of accepted masks is worth, click by click: as the first previous mask, or an input of its own.

    python -m tests.benchmarks.bench_likeness --data ../shared/data/more [--checkpoint FILE] [--most 8]

In process, each picture of a source by the discriminant of all the others' masks; the paper's robot clicks.
Mean IoU after 1, 2, 3 and 5 clicks without a map, with it, as the memory would decide by the others' first
clicks, and with a wrong map, of the source in the row above.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from click99.memory.memory import sure_gain
from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.discriminant import Discriminant, Moments
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.segmentation.prior import UNKNOWN, Prior
from click99.segmentation.robot import robot_click
from click99_training.datasets.sample import Sample
from tests.benchmarks.bench_memory import sources

CLICKS = (1, 2, 3, 5)


def moments_of(predictor: Predictor, samples: Sequence[Sample]) -> list[Moments | None]:
    """What each picture teaches."""
    taught: list[Moments | None] = []
    for sample in samples:
        features = predictor.evidence(sample.image, sample.name)
        taught.append(None if features is None else Moments.of(features, sample.truth))
    return taught


def map_of(predictor: Predictor, taught: Sequence[Moments | None]) -> Prior:
    known = [moments for moments in taught if moments]
    return Prior((), Discriminant.between(known, predictor.version)) if known else UNKNOWN


def maps(predictor: Predictor, taught: Sequence[Moments | None]) -> Iterator[Prior]:
    """What each picture's others say of it."""
    for k in range(len(taught)):
        yield map_of(predictor, [*taught[:k], *taught[k + 1 :]])


def annotate(predictor: Predictor, sample: Sample, prior: Prior) -> list[float]:
    """IoU after each click."""
    clicks: list[Click] = []
    ious, alpha = [], None
    for _ in range(max(CLICKS)):
        mask = np.zeros_like(sample.truth) if alpha is None else alpha > 0.5
        if click := robot_click(sample.truth, mask, sample.void):
            clicks.append(click)
            alpha = predictor.refine(sample.image, clicks, alpha, sample.name, prior)
        ious.append(0.0 if alpha is None else iou(alpha > 0.5, sample.truth, sample.void))
    return ious


def judged(plain: np.ndarray, mapped: np.ndarray) -> np.ndarray:
    """Whichever of the two the others' first clicks decide for: [pictures, clicks] each."""
    chosen = []
    for k in range(len(plain)):
        pairs = [(a, b) for a, b in np.delete(np.stack((plain[:, 0], mapped[:, 0]), 1), k, 0).tolist()]
        chosen.append(mapped[k] if (sure_gain(pairs) or 0) > 0 else plain[k])
    return np.stack(chosen)


def row(name: str, *each: np.ndarray) -> str:
    cells = [" / ".join(f"{ious[:, k - 1].mean():.3f}" for k in CLICKS) for ious in each]
    return f"| {name} | {len(each[0])} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with manifest.csv")
    parser.add_argument("--checkpoint", type=Path, help="the shipped one if not given")
    parser.add_argument("--most", type=int, default=8, help="pictures of each source")
    parser.add_argument("--sources", default="", help="only these, with commas between")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    use_threads(asked.threads)
    predictor, only = Predictor.load(asked.checkpoint), set(filter(None, asked.sources.split(",")))
    print("| source | pictures | without a map | with it | as the memory decides | a wrong map |")
    print("|---|---|---|---|---|---|")
    wrong = UNKNOWN
    for name, pictures in sources("manifest", asked.data, "val").items():
        if only and name not in only:
            continue
        samples = list(islice(pictures, asked.most))
        taught = moments_of(predictor, samples)
        pairs = zip(samples, maps(predictor, taught), strict=True)
        plain = np.array([annotate(predictor, each, UNKNOWN) for each in samples])
        mapped = np.array([annotate(predictor, *each) for each in pairs])
        misled = np.array([annotate(predictor, each, wrong) for each in samples])
        wrong = map_of(predictor, taught)
        predictor.features.clear()
        print(row(name, plain, mapped, judged(plain, mapped), misled), flush=True)


if __name__ == "__main__":
    main()
