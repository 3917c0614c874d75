"""One object of one picture, by clicks or a box, as a cut-out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from click99.files import replacing
from click99.mattes import cleaned, matte
from click99.python import Model, Object
from click99.segmentation.clicks import Click

CLICK = re.compile(r"(-?)(\d{1,9}),(\d{1,9})")
CORNERS = re.compile(r"(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})")

Corners = tuple[int, int, int, int]  # left, top, right, bottom in pixels, ends excluded


@dataclass(frozen=True)
class CutOut:
    """image: uint8 RGB [H, W, 3]. alpha: uint8 [H, W]. quality: the IoU that the network expects of the mask,
    None where it tells none."""

    image: np.ndarray
    alpha: np.ndarray
    quality: float | None

    @property
    def mask(self) -> np.ndarray:
        """uint8 [H, W], 0 or 255."""
        return (self.alpha > 127).view(np.uint8) * np.uint8(255)

    @property
    def rgba(self) -> np.ndarray:
        return np.dstack((self.image, self.alpha))


def parse_clicks(text: str) -> list[Click]:
    """ValueError, naming the word that is no click."""
    return [_click(word) for word in text.split()]


def _click(word: str) -> Click:
    found = CLICK.fullmatch(word)
    if not found:
        raise ValueError(
            f'--clicks: {word!r} is no click. Give pixels as "x,y", and "-x,y" for what is not of it'
        )
    return Click(int(found[2]), int(found[3]), not found[1])


def parse_box(text: str) -> Corners:
    """ValueError, naming what is no box."""
    found = CORNERS.fullmatch(text.replace(" ", ""))
    if not found:
        raise ValueError(f'--box: {text!r} is no box. Give pixels as "left,top,right,bottom"')
    left, top, right, bottom = map(int, found.groups())
    return left, top, right, bottom


def cut_out(
    model: Model, image: np.ndarray, clicks: Sequence[Click], box: Corners | None, smallest: float
) -> CutOut:
    """smallest: see `mattes.cleaned`. ValueError: a click or the box lies outside of the picture."""
    found = model.start(image)
    if box:
        found.box(*box)
    for click in clicks:
        found.click(click.x, click.y, click.positive)
    return CutOut(image, cleaned(soft(found), clicks, smallest), found.quality)


def soft(found: Object) -> np.ndarray:
    """An object's soft mask: uint8 [H, W]."""
    return matte(np.rint(found.alpha * 255).astype(np.uint8), found.mask)


def write(made: CutOut, out: Path, with_alpha: bool) -> None:
    """PNGs: the cut-out, and if asked for the mask and the soft mask beside it."""
    pictures = {out: made.rgba}
    if with_alpha:
        pictures |= {out.with_name(f"{out.stem}-mask.png"): made.mask}
        pictures |= {out.with_name(f"{out.stem}-alpha.png"): made.alpha}
    for path, pixels in pictures.items():
        with replacing(path) as file:
            Image.fromarray(pixels).save(file, "PNG")
