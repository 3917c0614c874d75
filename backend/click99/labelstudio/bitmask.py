"""BitmaskLabels: a mask as a PNG in a data URL, black on transparent, of the image's own size."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from click99.labelstudio.errors import BitmaskError

PREFIX = "data:image/png;base64,"


def encode(mask: np.ndarray) -> str:
    """bool [H, W] -> value.imageDataURL: one bit a pixel, which a browser shows as any PNG."""
    image = Image.fromarray(mask.view(np.uint8), "P")
    image.putpalette([0, 0, 0] * 2)
    file = BytesIO()
    image.save(file, "PNG", bits=1, transparency=0)
    return PREFIX + base64.b64encode(file.getvalue()).decode()


def as_bytes(url: Any) -> bytes:
    """value.imageDataURL, whatever is in it; BitmaskError when it is no text."""
    if not isinstance(url, str):
        raise _bad(f"{type(url).__name__} instead of a data URL")
    return url.encode()


def decode(url: str, height: int, width: int) -> np.ndarray:
    """value.imageDataURL -> opacity, uint8 [height, width]; BitmaskError for anything else."""
    if url[: len(PREFIX)].lower() != PREFIX:
        raise _bad(f"it begins with {url[:30]!r}, not {PREFIX!r}")
    try:
        png = base64.b64decode(url[len(PREFIX) :], validate=True)
        with Image.open(BytesIO(png), formats=["PNG"]) as image:
            if image.size != (width, height):
                raise _bad(f"{image.width} × {image.height}, but the image is {width} × {height}")
            return np.asarray(image.convert("RGBA").getchannel("A"))
    except BitmaskError:
        raise
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        raise _bad(f"no readable PNG ({error})") from None


def _bad(problem: str) -> BitmaskError:
    return BitmaskError("value.imageDataURL", problem, "Send it as Label Studio saved it")
