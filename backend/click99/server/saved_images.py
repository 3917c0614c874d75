"""The images of saved objects, fetched as for a click."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from click99.annotations.saved_masks import SavedMask
from click99.labelstudio.errors import ImageUnavailableError
from click99.labelstudio.images import Image
from click99.server.connection import Connection
from click99.server.image_source import image_source
from click99.server.settings import Settings


def saved_images(settings: Settings) -> Callable[[SavedMask], np.ndarray]:
    """Gives a saved object's image, uint8 RGB [H, W, 3]; LabelStudioError when it is gone."""
    return pictures(image_source(settings, Connection(settings).client).get)


def pictures(get: Callable[[str, str], Image]) -> Callable[[SavedMask], np.ndarray]:
    """The same from images by their address in a task."""
    return lambda found: get(address(found), str(found.annotation.task)).pixels


def image_store(settings: Settings) -> Path:
    """Where snapshots keep the images that they share."""
    return settings.home / "snapshot-images"


def address(found: SavedMask) -> str:
    """Where the image is; ImageUnavailableError when nobody clicked on it and the task has not just one."""
    if len(found.images) != 1:
        problem = f"it has {len(found.images)} images, and no click tells which of them is meant"
        raise ImageUnavailableError(f"task {found.annotation.task}", problem, "Refine the mask by a click")
    return found.images[0]
