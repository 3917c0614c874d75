"""What the page asks, and how it is answered: the mask after a list of clicks, boxes and lassos."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Annotated

import cv2
import numpy as np
import PIL.Image
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from click99.labelstudio.errors import PayloadError
from click99.labelstudio.image_cache import Image
from click99.labelstudio.prompts import Box
from click99.mattes import matte
from click99.segmentation.clicks import Click
from click99.sessions.boxes import Lasso
from click99.sessions.sessions import Sessions, VersionedMask

MOST = 200  # prompts on one object
CORNERS = 2000  # of a lasso
FASTEST = 1  # of zlib's levels
LONGEST = 8192  # pixels of a shown part's side
JPEG_QUALITY = 90

Id = Annotated[str, StringConstraints(min_length=8, max_length=64)]
Key = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class Message(BaseModel):
    """As JSON, with no other fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AskedClick(Message):
    """Pixels, origin top left. id: never used for another click."""

    id: Id
    x: int
    y: int
    positive: bool = True

    @property
    def ends(self) -> tuple[int, int, int, int]:
        return self.x, self.y, self.x + 1, self.y + 1


class AskedBox(Message):
    """Around the object; pixels, ends excluded. What was clicked before it does not count any more."""

    id: Id
    left: int
    top: int
    right: int
    bottom: int

    @property
    def ends(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom

    @property
    def around(self) -> Box:
        return Box(*self.ends, self.id)


class AskedLasso(Message):
    """The line around the object: pixels [x, y], the last joined to the first. What was clicked before it
    does not count any more."""

    id: Id
    lasso: Annotated[list[tuple[int, int]], Field(min_length=3, max_length=CORNERS)]

    @property
    def ends(self) -> tuple[int, int, int, int]:
        return self.around.box.ends

    @property
    def around(self) -> Lasso:
        return Lasso(tuple(self.lasso), self.id)


class MaskQuestion(Message):
    """picture: the key that /try/pictures gave. prompts: all on one object, in order."""

    picture: Key
    prompts: Annotated[list[AskedClick | AskedBox | AskedLasso], Field(min_length=1, max_length=MOST)]


class Part(Message):
    """Of a picture: pixels, ends excluded, and how many the longer side has as it is shown, at most."""

    left: int
    top: int
    right: int
    bottom: int
    side: Annotated[int, Field(ge=1, le=LONGEST)]

    @property
    def ends(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom


class MaskAnswer(Message):
    """A mask's own part of the picture; outside of it there is nothing of the object.

    png: a PNG in base64, white, as opaque as each pixel belongs to the object; its corner lies at left, top.
    "" for an empty mask. quality: the IoU that the network expects of the mask, 0…1. version: the model's.
    """

    left: int
    top: int
    png: str
    quality: float
    version: str


def mask_after(sessions: Sessions, image: Image, question: MaskQuestion) -> VersionedMask:
    """The mask after all prompts; clicks after a box or lasso correct its mask. PayloadError: one lies
    outside."""
    start = None
    clicks: list[Click] = []
    for place, prompt in enumerate(question.prompts):
        _check_inside(prompt, f"prompts[{place}]", image)
        if isinstance(prompt, AskedClick):
            clicks.append(Click(prompt.x, prompt.y, prompt.positive, prompt.id))
        else:
            start, clicks = prompt.around, []
    return sessions.mask(image.key, image.pixels, clicks, start)


def part_of(image: Image, part: Part) -> bytes:
    """A part of the picture as a screen shows it, as JPEG. PayloadError: it lies outside."""
    _check_inside(part, "part", image)
    pixels = image.pixels[part.top : part.bottom, part.left : part.right]
    factor = min(1.0, part.side / max(pixels.shape))
    if factor < 1:
        height, width = (max(1, round(factor * side)) for side in pixels.shape[:2])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    file = BytesIO()
    PIL.Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _check_inside(asked: AskedClick | AskedBox | AskedLasso | Part, field: str, image: Image) -> None:
    height, width = image.pixels.shape[:2]
    left, top, right, bottom = asked.ends
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        problem = f"{asked!r:.300} is empty or not inside the picture, which is {width} × {height} pixels"
        raise PayloadError(field, problem, "Send pixels of the picture")


def packed(mask: VersionedMask) -> MaskAnswer:
    """For the wire."""
    whole = matte(mask.alpha, mask.foreground)
    rows, columns = (np.flatnonzero(whole.any(axis)) for axis in (1, 0))
    if not len(rows):
        return MaskAnswer(left=0, top=0, png="", quality=0, version=mask.version)
    top, left = int(rows[0]), int(columns[0])
    alpha = whole[top : rows[-1] + 1, left : columns[-1] + 1]
    png = base64.b64encode(as_png(np.dstack((np.full_like(alpha, 255), alpha)))).decode()
    return MaskAnswer(left=left, top=top, png=png, quality=mask.score, version=mask.version)


def as_png(pixels: np.ndarray) -> bytes:
    """uint8: grey with alpha [H, W, 2], or RGB [H, W, 3]."""
    file = BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG", compress_level=FASTEST)
    return file.getvalue()
