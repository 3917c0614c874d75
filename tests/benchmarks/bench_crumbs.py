"""What dropping small islands and filling small holes does to masks, click by click.

    python -m tests.benchmarks.bench_crumbs [--manifest MORE] [--folders DATA...] [--every 8] [--most 3]

FOLDERS: of images and masks, as GrabCut's, every so many of them; MORE: held-out pictures of each of its
sources, at most so many. The paper's robot clicks up to 12 times. *Shown*: the network goes on from its own
mask, and only the mask that is judged is cleaned, at every size. *Kept*: the cleaned mask is what the next
click starts from and what the robot sees.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.crumbs import without_crumbs
from click99.segmentation.device import use_threads
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import paper_robot
from click99_training.datasets.dataset import Sample
from click99_training.datasets.folders import MaskFolder
from tests.benchmarks.bench_memory import sources

CLICKS = 12
SHOWN = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # shares of the mask's area
KEPT = (0.002, 0.01)
Figures = dict[str, list[float]]  # IoU after each click, by what was done


def cleaned(alpha: np.ndarray, clicks: list[Click], smallest: float) -> np.ndarray:
    return without_crumbs(np.rint(alpha * 255).astype(np.uint8), clicks, smallest) / np.float32(255)


def annotated(predictor: Predictor, sample: Sample, kept: float) -> Figures:
    """With masks cleaned on the way; of those that are not, what is shown too."""
    found: Figures = defaultdict(list)
    alpha, clicks = None, list[Click]()
    mask = np.zeros(sample.truth.shape, bool)
    for _ in range(CLICKS):
        correction = paper_robot(sample.truth, mask, sample.void)
        if correction is not None:
            clicks.append(correction.click)
            alpha = predictor.refine(sample.image, clicks, alpha, sample.name)
            alpha = cleaned(alpha, clicks, kept) if kept else alpha
            mask = alpha > 0.5
        assert alpha is not None
        found[f"kept {kept:.2%}"].append(iou(mask, sample.truth, sample.void))
        for smallest in () if kept else SHOWN:
            shown = cleaned(alpha, clicks, smallest) > 0.5
            found[f"shown {smallest:.2%}"].append(iou(shown, sample.truth, sample.void))
    return found


def figures(ious: list[list[float]]) -> str:
    table = np.array(ious)
    after = [f"{table[:, k - 1].mean():.4f}" for k in (1, 3, 5, CLICKS)]
    noc = []
    for least in (0.85, 0.9, 0.95):
        reached = np.c_[table >= least, np.ones(len(table), bool)]
        noc.append(f"{(reached.argmax(1).clip(max=CLICKS - 1) + 1).mean():.3f}")
    return " | ".join(after + noc)


def samples(options: argparse.Namespace) -> Iterator[tuple[str, Sample]]:
    for folder in options.folders:
        data = MaskFolder(folder)
        yield from ((folder.name, data[k]) for k in range(0, len(data), options.every))
    if options.manifest:
        for name, found in sources("manifest", options.manifest, "val").items():
            yield from ((name, sample) for sample in islice(found, options.most))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folders", type=Path, nargs="*", default=[])
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--most", type=int, default=3)
    options = parser.parse_args()
    use_threads(1)
    predictor = Predictor.load()
    found: dict[str, list[list[float]]] = defaultdict(list)
    last: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for source, sample in samples(options):
        for kept in (0.0, *KEPT):
            for name, ious in annotated(predictor, sample, kept).items():
                found[name].append(ious)
                last[source][name].append(float(np.mean(ious)))
        print(source, len(found["kept 0.00%"]), flush=True)
    print("| | IoU after 1 | 3 | 5 | 12 | clicks to 85 % | 90 % | 95 % |\n|---|---|---|---|---|---|---|---|")
    for name, ious in found.items():
        print(f"| {name} | {figures(ious)} |")
    print("mean IoU of all clicks, against that of masks as they are")
    for source, each in last.items():
        base = float(np.mean(each["kept 0.00%"]))
        told = ", ".join(f"{name} {np.mean(ious) - base:+.4f}" for name, ious in each.items())
        print(f"{source} {base:.4f}: {told}")


if __name__ == "__main__":
    main()
