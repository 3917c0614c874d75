"""Masks as the record keeps them: by the hash of their content, one bit a pixel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from click99.annotations.database import insert_new
from click99.annotations.tables import MaskRow


@dataclass(frozen=True)
class Bits:
    """A mask, an eighth of its size. rows: each padded to whole bytes."""

    height: int
    width: int
    rows: bytes

    @classmethod
    def pack(cls, mask: np.ndarray) -> Bits:
        """mask: bool [H, W]."""
        height, width = mask.shape
        return cls(height, width, np.packbits(mask, axis=1).tobytes())

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.height} {self.width} ".encode() + self.rows).hexdigest()

    def png(self) -> bytes:
        file = BytesIO()
        Image.frombytes("1", (self.width, self.height), self.rows).save(file, "PNG")
        return file.getvalue()


def keep(session: Session, bits: Bits) -> str:
    """Keep a mask, once. Its key."""
    key = bits.key
    if session.get(MaskRow, key) is None:
        insert_new(
            session, MaskRow, {"key": key, "height": bits.height, "width": bits.width, "png": bits.png()}
        )
    return key


def pixels(mask: MaskRow) -> np.ndarray:
    """A kept mask: bool [H, W], whose bytes are 0 and 1 (Pillow's own would be 0 and 255)."""
    with Image.open(BytesIO(mask.png), formats=["PNG"]) as image:
        return np.asarray(image.convert("L")) > 0
