"""Brush RLE: ours against label-studio-sdk's on 1080p masks, medians.

python -m tests.benchmarks.bench_brush
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np
from label_studio_sdk.converter import brush as sdk

from click99.labelstudio import brush

HEIGHT, WIDTH = 1080, 1920


def masks() -> dict[str, np.ndarray]:
    noise = np.random.default_rng(0).standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    disc = cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (WIDTH // 2, HEIGHT // 2), 400, 255, -1)
    blurred = {f"ragged, grain {sigma} px": cv2.GaussianBlur(noise, (0, 0), sigma) for sigma in (3, 2, 1)}
    ragged = {name: np.where(values > 0, 255, 0).astype(np.uint8) for name, values in blurred.items()}
    return {"smooth disc": disc, **ragged}


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def main() -> None:
    print(f"{'mask 1920×1080':<22}{'runs':>8}{'way':>8}{'ours ms':>10}{'SDK ms':>10}{'ratio':>8}")
    for name, mask in masks().items():
        rle = sdk.mask2rle(mask)
        assert brush.encode(mask) == rle
        assert (brush.decode(rle, HEIGHT, WIDTH) == mask).all()
        runs = 1 + np.count_nonzero(np.diff(mask.ravel()))
        ways = {
            "encode": (lambda m=mask: brush.encode(m), lambda m=mask: sdk.mask2rle(m)),
            "decode": (lambda r=rle: brush.decode(r, HEIGHT, WIDTH), lambda r=rle: sdk.decode_rle(r)),
        }
        for way, (ours, theirs) in ways.items():
            mine, reference = milliseconds(ours, 9), milliseconds(theirs, 3)
            print(f"{name:<22}{runs:>8}{way:>8}{mine:>10.1f}{reference:>10.1f}{reference / mine:>7.1f}×")


if __name__ == "__main__":
    main()
