"""How good the soft masks are: errors on true mattes, beside the same masks cut at half, and those smoothed
by a plain guided filter along the picture's edges.

    python -m tests.benchmarks.bench_mattes DATA [--every 1]

DATA/manifest.csv has rows of kind alpha. The paper's robot clicks until 95 % IoU, at most ten times; errors
are of the whole picture, after Rhemann et al. 2009: SAD (sum of differences, in thousands), MSE (in
thousandths), gradient (sum of squared differences of Gaussian derivatives, sigma 1.4, in thousands). The
shipped network has learnt from the pictures of the train split, so the val split is the fair one.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from click99 import mattes
from click99.mattes import joined
from click99.python import Model
from click99.segmentation.guided_filter import guided_filter
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import robot_click

CLICKS, ENOUGH = 10, 0.95
RADII, EPS = (4, 8), 1e-4  # of the guided filter
SIGMA = 1.4
STEEPNESSES = (2, 3, 4)


def gradient(alpha: np.ndarray) -> np.ndarray:
    """Of the smoothed alpha, its length: float [H, W]."""
    smooth = cv2.GaussianBlur(alpha, (0, 0), SIGMA)
    return np.hypot(np.gradient(smooth, axis=0), np.gradient(smooth, axis=1))


def errors(alpha: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """SAD, MSE and gradient error. float32 [H, W] in 0…1."""
    apart = np.abs(alpha - truth)
    steep = (gradient(alpha) - gradient(truth)) ** 2
    return apart.sum() / 1000, 1000 * float((apart**2).mean()), steep.sum() / 1000


def filtered(mask: np.ndarray, image: np.ndarray, radius: int) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    guide, alpha = (torch.from_numpy(each)[None, None] for each in (grey, mask.astype(np.float32)))
    return guided_filter(guide, alpha, radius, EPS)[0, 0].clamp(0, 1).numpy()


def ways(model: Model, image: np.ndarray, truth: np.ndarray) -> tuple[int, dict[str, np.ndarray]]:
    """Clicks, and way -> alpha, after them."""
    found = model.start(image)
    clicks = 0
    while clicks < CLICKS and iou(found.mask, truth > 0.5) < ENOUGH:
        click = robot_click(truth > 0.5, found.mask)
        if click is None:
            break
        found.click(click.x, click.y, click.positive)
        clicks += 1
    network = np.rint(found.alpha * 255).astype(np.uint8)
    made = {"the network's": joined(network, found.mask), "cut at half": found.mask * np.uint8(255)}
    for mattes.STEEPNESS in STEEPNESSES:
        made[f"{mattes.STEEPNESS} times as steep"] = mattes.matte(network, found.mask)
    shown = {way: alpha / np.float32(255) for way, alpha in made.items()}
    return clicks, shown | {f"guided filter, {r} px": filtered(found.mask, image, r) for r in RADII}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--every", type=int, default=1, help="picture of the train split")
    given = options.parse_args()
    model = Model(Predictor.load())
    with (given.data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "alpha"]
    trained = [row for row in rows if row["split"] == "train"][:: given.every]
    found: dict[tuple[str, str, str], list] = defaultdict(list)
    for row in [*(row for row in rows if row["split"] == "val"), *trained]:
        image = np.asarray(Image.open(given.data / row["file"]).convert("RGB"))
        truth = np.asarray(Image.open(given.data / row["mask"]).convert("L")).astype(np.float32) / 255
        if not (truth > 0.5).any():
            continue
        clicks, made = ways(model, image, truth)
        for way, alpha in made.items():
            found[row["split"], row["source"], way].append((*errors(alpha, truth), clicks))
    for (split, source, way), values in found.items():
        sad, mse, steep, clicks = np.mean(values, 0)
        told = f"{sad:.2f} | {mse:.2f} | {steep:.2f} | {clicks:.1f}"
        print(f"| {split} | {source} ({len(values)}) | {way} | {told} |", flush=True)


if __name__ == "__main__":
    main()
