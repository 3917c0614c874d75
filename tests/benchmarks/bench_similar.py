"""Does the shipped network find the others of a kind, after a few were accepted? Precision and recall.

    python -m tests.benchmarks.bench_similar MORE [--sources a,b] [--most 2] [--accepted 3] [--side 2]

MORE: a folder with manifest.csv; its held-out pictures with at least eight objects. Some objects' true masks
are accepted. A grid of first clicks, half an object apart, is made on the third of the picture that looks
most like them (the linear discriminant of their pixels on the image stream's features); each is answered
from one square window, `--side` times as large as their longer side. Proposals are ranked by the IoU that
the network expects, less what their size is away from the accepted ones', and dropped where a better one or
an accepted mask covers them. What lies mostly on ignored pixels counts neither way.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.discriminant import Discriminant, Moments
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.segmentation.prior import Prior
from click99.segmentation.views import Look, _around, keep_asked, network_size
from click99_training.datasets.image_files import read_image, read_mask

FEWEST = 8
IGNORE = 255
WORTH = (-1.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
MOST_ALIKE = 0.35


class Proposal(NamedTuple):
    """worth: expected IoU less the surprise. like: mean of the discriminant's map inside."""

    mask: np.ndarray
    worth: float
    like: float


def pictures(folder: Path, sources: list[str], most: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    taken = dict.fromkeys(sources, 0)
    with (folder / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            name = row["source"]
            fits = row["kind"] == "instances" and row["split"] == "val" and int(row["objects"]) >= FEWEST
            if fits and taken.get(name, most) < most:
                taken[name] += 1
                numbers = read_mask(folder / row["mask"], indices=True)
                yield name, read_image(folder / row["file"]), numbers


def propose(
    predictor: Predictor, image: np.ndarray, accepted: list[np.ndarray], key: str, side_factor: float
) -> tuple[list[Proposal], int]:
    """All proposals and how many clicks they took."""
    areas = [int(mask.sum()) for mask in accepted]
    prior = Prior(tuple(areas))
    longer = np.median([max(cv2.boundingRect(mask.view(np.uint8))[2:]) for mask in accepted])
    features = predictor.evidence(image, key)
    assert features is not None
    moments = [each for mask in accepted if (each := Moments.of(features, mask))]
    like = np.ones(image.shape[:2], np.float32)
    if moments:
        found = Discriminant.between(moments, predictor.version).map(features)
        like = cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    side = max(48, round(side_factor * longer))
    step = max(4, round(0.5 * float(np.median(areas)) ** 0.5))
    covered = np.any(accepted, axis=0)
    places = [
        (like[y, x], x, y)
        for y in range(step // 2, image.shape[0], step)
        for x in range(step // 2, image.shape[1], step)
        if not covered[y, x]
    ]
    places = sorted(places, reverse=True)[: round(MOST_ALIKE * len(places))]
    made: list[Proposal] = []
    sure = covered.copy()
    clicks = 0
    for _, x, y in places:
        if sure[y, x]:
            continue
        clicks += 1
        middle = Click(x // 8 * 8, y // 8 * 8, True)  # windows are shared: their features are computed once
        section = _around([middle], side, image.shape[:2])
        look = Look(section, network_size(*section.shape, 192), anew=True)
        click = Click(x, y, True)
        seen = predictor._run(image, key, [click], np.zeros(image.shape[:2], np.float32), None, look)
        answer = predictor._with_quality(seen, 0, seen)  # the click's only look
        alpha = predictor.on_image(answer, [click])
        mask = keep_asked(alpha, [click]) > 0.5
        worth = answer.quality - prior.surprise(float(mask.sum()))
        if mask.any() and (mask & covered).sum() < 0.3 * mask.sum():
            made.append(Proposal(mask, worth, float(like[mask].mean())))
            if worth > 0.8:
                sure |= mask
    return made, clicks


def kept(made: list[Proposal]) -> list[Proposal]:
    """The best of those that cover each other."""
    chosen: list[Proposal] = []
    for each in sorted(made, key=lambda one: -one.worth):
        area = each.mask.sum()
        if all((each.mask & one.mask).sum() < 0.4 * min(area, one.mask.sum()) for one in chosen):
            chosen.append(each)
    return chosen


def judged(
    chosen: list[Proposal], numbers: np.ndarray, targets: list[int]
) -> list[tuple[float, float, bool]]:
    """worth, likeness, and whether it is one of the targets that no better proposal was."""
    left, results = set(targets), []
    for each in chosen:
        under = numbers[each.mask]
        if (under == IGNORE).mean() > 0.5:
            continue
        values, counts = np.unique(under[(under > 0) & (under != IGNORE)], return_counts=True)
        best = int(values[counts.argmax()]) if len(values) else 0
        right = best in left and iou(each.mask, numbers == best) >= 0.5
        left -= {best} if right else set()
        results.append((each.worth, each.like, right))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--sources", default="nuclei_dsb,leaves_cvppp,carparts")
    parser.add_argument("--most", type=int, default=2)
    parser.add_argument("--accepted", type=int, default=3)
    parser.add_argument("--side", type=float, default=2.0)
    options = parser.parse_args()
    use_threads(1)
    predictor = Predictor.load()
    found: dict[str, list[tuple[float, float, bool]]] = {}
    counts: dict[str, int] = {}
    rng = np.random.default_rng(0)
    for k, (name, image, numbers) in enumerate(
        pictures(options.data, options.sources.split(","), options.most)
    ):
        objects = [int(n) for n in np.unique(numbers) if n not in (0, IGNORE)]
        chosen = [int(n) for n in rng.permutation(objects)[: options.accepted]]
        targets = [n for n in objects if n not in chosen]
        began = time.process_time()
        made, clicks = propose(predictor, image, [numbers == n for n in chosen], f"{k}", options.side)
        results = judged(kept(made), numbers, targets)
        seconds = time.process_time() - began
        found.setdefault(name, []).extend(results)
        counts[name] = counts.get(name, 0) + len(targets)
        print(f"{name}: {len(targets)} others, {clicks} clicks, {seconds:.0f} s", flush=True)
        all_found = found[name]
        for worth in WORTH:
            right = [each[2] for each in all_found if each[0] >= worth]
            told = f"{np.mean(right) if right else 1:.2f} at recall {sum(right) / counts[name]:.2f}"
            print(f"  worth {worth}: precision {told} of {counts[name]}", flush=True)


if __name__ == "__main__":
    main()
