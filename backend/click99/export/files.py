"""The parts of an export that several forms have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from click99.export.pictures import LabelledMask, Picture


def save_picture(folder: Path, picture: Picture) -> str:
    """As PNG, which loses nothing, under its name; without pixels nothing. The file's name, or where the
    picture was."""
    if picture.pixels is None:
        return picture.address
    save(folder / f"{picture.name}.png", picture.pixels)
    return f"{picture.name}.png"


def save(file: Path, pixels: np.ndarray) -> None:
    """uint8 [H, W], [H, W, 3] or [H, W, 4], or uint16 [H, W], as PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def classes(picture: Picture, labels: list[str]) -> np.ndarray:
    """Each pixel's label, counted from 1, 0: none: [H, W]. Where masks overlap the smaller one lies above."""
    return _painted(picture, [labels.index(found.label) + 1 for found in picture.objects])


def instances(picture: Picture) -> np.ndarray:
    """Each pixel's object, counted from 1 in the picture's order, 0: none: [H, W]."""
    return _painted(picture, list(range(1, len(picture.objects) + 1)))


def _painted(picture: Picture, numbers: list[int]) -> np.ndarray:
    canvas = np.zeros(picture.size, np.uint16 if max(numbers) > 255 else np.uint8)
    for found, number in zip(picture.objects, numbers, strict=True):
        canvas[found.mask] = number
    return canvas


def cut_out(picture: Picture, found: LabelledMask) -> np.ndarray:
    """RGBA [h, w, 4] of the object's box, transparent outside of its mask."""
    assert picture.pixels is not None
    left, top, right, bottom = found.box
    alpha = found.mask[top:bottom, left:right].view(np.uint8) * np.uint8(255)
    return np.dstack((picture.pixels[top:bottom, left:right], alpha))
