"""The images of saved objects, fetched as for a click."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from backend.annotations.objects import SavedObject
from backend.labelstudio.errors import ImageUnavailableError
from backend.labelstudio.images import ImageSource
from backend.server.connection import Connection
from backend.server.settings import Settings


def saved_images(settings: Settings) -> Callable[[SavedObject], np.ndarray]:
    """Gives a saved object's image, uint8 RGB [H, W, 3]; LabelStudioError when it is gone."""
    source = ImageSource(settings.home, settings.hosts, Connection(settings).client)
    return lambda found: source.get(address(found)).pixels


def address(found: SavedObject) -> str:
    """Where the image is: as its clicks say, or the task's only field that is a text."""
    if found.clicks:
        return found.clicks[0].image
    texts = [value for value in json.loads(found.data or "{}").values() if isinstance(value, str)]
    if len(texts) != 1:
        problem = f"{len(texts)} of its fields may be the image's address, and nobody clicked on it"
        raise ImageUnavailableError(f"task {found.annotation.task}", problem, "Keep one text field per task")
    return texts[0]
