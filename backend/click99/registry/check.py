"""Whether a version can be served: its bytes, its shapes, its numbers, and two clicks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click99.files import sha256

if TYPE_CHECKING:
    from click99.segmentation.predictor import Predictor

SIDE = 64  # pixels of the picture that the trial click falls on


class RegistryError(ValueError):
    """A version that is unknown, damaged or can't be served; names it, what is wrong, and the remedy."""


def load_checked(name: str, path: Path, expected_sha256: str, device: str = "cpu") -> Predictor:
    """The version's network, once it has answered two clicks.

    Raises:
        RegistryError: the file is gone or not the one that was added, its tensors do not fit or hold values
            that are no numbers, or the network fails at a click.
    """
    from click99.segmentation.checkpoint import CheckpointError
    from click99.segmentation.predictor import Predictor

    if not path.is_file():
        raise RegistryError(f"{name}: {path} is gone. Copy it back, or choose another version")
    if sha256(path) != expected_sha256:
        remedy = "Copy it again, or choose another version"
        raise RegistryError(f"{name}: {path} is not the file that was added (its checksum differs). {remedy}")
    try:
        predictor = Predictor.load(path, device)
        predictor.version = name
        for part in predictor.parts:
            try_clicks(part)
    except (CheckpointError, RuntimeError) as error:
        raise RegistryError(f"{name} can't be served: {error}") from error
    return predictor


def try_clicks(predictor: Predictor) -> None:
    """Click a disc, then beside it. RuntimeError when the network can't make masks."""
    import numpy as np

    from click99.segmentation.clicks import Click

    for name, weights in predictor.network.state_dict().items():
        if not weights.isfinite().all():
            raise RuntimeError(f"{name} holds values that are no finite numbers")
    rows, columns = np.ogrid[:SIDE, :SIDE]
    disc = (rows - SIDE // 2) ** 2 + (columns - SIDE // 2) ** 2 < (SIDE // 4) ** 2
    image = np.where(disc[..., None], np.uint8(220), np.uint8(40)) * np.ones(3, np.uint8)
    clicks, alpha = [Click(SIDE // 2, SIDE // 2, True), Click(4, 4, False)], None
    for count in (1, 2):
        alpha = predictor.refine(image, clicks[:count], alpha, "trial click")
        if not (alpha.shape == disc.shape and alpha.min() >= 0 and alpha.max() <= 1):
            raise RuntimeError(f"click {count} of the trial gives no mask within 0 and 1")
