"""What to make of a box around an object: mean IoU of several ways, boxes taken from the truth.

python -m tests.benchmarks.bench_boxes DATA
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from click99.labelstudio.prompts import Box
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.sessions import boxes

EVERY = 4  # image


def around(truth: np.ndarray) -> Box:
    rows, columns = np.nonzero(truth)
    return Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def ways(predictor: Predictor, image: np.ndarray, box: Box, name: str) -> dict[str, np.ndarray]:
    """Way -> alpha, uint8 [H, W]."""
    inside = np.zeros(image.shape[:2], np.float32)
    inside[box.top : box.bottom, box.left : box.right] = 1
    click = predictor.refine(image, [box.centre], None, name)
    filled = predictor.refine(image, [box.centre], inside, name)
    made = {"a click in the middle": click, "the same, cut to the box": click * inside}
    made["the box as previous mask"] = filled * inside
    made = {way: np.rint(alpha * 255).astype(np.uint8) for way, alpha in made.items()}
    for boxes.MARGIN, boxes.STEPS in ((0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2), (0.2, 3), (0.4, 2)):
        way = f"zoomed to the box + {boxes.MARGIN:.0%}, {boxes.STEPS} steps"
        made[way] = boxes.first_mask(box, predictor, image, name)
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, help="the folder that GrabCut and Berkeley lie in")
    data = parser.parse_args().data
    predictor = Predictor.load()
    for folder in (data / "GrabCut", data / "Berkeley"):
        found: dict[str, list[float]] = defaultdict(list)
        for path in sorted((folder / "images").iterdir())[::EVERY]:
            (mask,) = (folder / "masks").glob(f"{path.stem}.*")
            truth = np.asarray(Image.open(mask).convert("L")) > 127
            image = np.asarray(Image.open(path).convert("RGB"))
            for way, alpha in ways(predictor, image, around(truth), path.stem).items():
                found[way].append(iou(alpha > 127, truth))
        for way, values in found.items():
            above = np.mean(np.array(values) > 0.9)
            print(
                f"{folder.name}, {len(values)} images | {way} | {np.mean(values):.3f} | {above:.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
