"""Masks of a folder's pictures, kept as they are made: a run that was stopped goes on from them."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from click99.export.pictures import LabelledMask
from click99.files import replacing
from click99.preannotate.prompts import PixelPrompt


@dataclass
class PictureMasks:
    """left_out: messages about what has no mask."""

    objects: list[LabelledMask] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


class KeptMasks:
    """A file for each picture, in a hidden folder beside the one that a run writes.

    A file is called after all that its masks depend on, so that another picture, prompt or network never
    finds it, and begins with its content's hash: what a crash or a full disk left of one does not count.
    """

    def __init__(self, out: Path, version: str, alpha: bool = False):
        """version: of the network. alpha: soft masks are kept, too."""
        out = out.resolve()
        self.folder = out.with_name(f".{out.name}.masks")
        self._version, self._alpha = version, alpha

    def __len__(self) -> int:
        """How many pictures' masks there are."""
        return sum(1 for _ in self.folder.glob("*.json"))

    def made(
        self, picture: bytes, prompts: Sequence[PixelPrompt], make: Callable[[], PictureMasks]
    ) -> PictureMasks:
        """What was kept of a picture's file, or else is made now."""
        told = [(prompt.label, *prompt.ends) for prompt in prompts]
        asked = json.dumps([self._alpha, told])
        depends = f"{self._version}\n{asked}\n".encode() + hashlib.sha256(picture).digest()
        file = self.folder / f"{hashlib.sha256(depends).hexdigest()}.json"
        if (made := _read(file)) is None:
            made = make()
            with replacing(file) as kept:
                kept.write(_packed(made))
        return made

    def forget(self) -> None:
        """When all is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _packed(made: PictureMasks) -> bytes:
    objects = [[each.label, each.name, _run_lengths(each.mask), _png(each.alpha)] for each in made.objects]
    content = json.dumps([objects, made.left_out]).encode()
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _read(file: Path) -> PictureMasks | None:
    """None: there is no such file, or not all of it."""
    if not file.exists():
        return None
    told, _, content = file.read_bytes().partition(b"\n")
    if told != hashlib.sha256(content).hexdigest().encode():
        return None
    objects, left_out = json.loads(content)
    masks = [
        LabelledMask(coco.decode(mask).view(bool), label, name, _pixels(alpha))
        for label, name, mask, alpha in objects
    ]
    return PictureMasks(masks, left_out)


def _png(alpha: np.ndarray | None) -> str:
    """ "": none."""
    return "" if alpha is None else base64.b64encode(cv2.imencode(".png", alpha)[1].tobytes()).decode()


def _pixels(png: str) -> np.ndarray | None:
    return cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_UNCHANGED) if png else None


def _run_lengths(mask: np.ndarray) -> dict[str, Any]:
    told: Any = coco.encode(np.asfortranarray(mask.view(np.uint8)))
    return {"size": list(told["size"]), "counts": told["counts"].decode()}
