"""Images as the settings allow them."""

from __future__ import annotations

from click99.labelstudio.client import Client
from click99.labelstudio.images import ImageSource
from click99.server.caches import PICTURES
from click99.server.settings import Settings


def image_source(settings: Settings, label_studio: Client | None) -> ImageSource:
    """For a server, and for commands that read what it reads."""
    max_bytes, max_pixels = image_limits(settings)
    return ImageSource(
        settings.home,
        settings.hosts,
        label_studio,
        max_bytes=max_bytes,
        max_pixels=max_pixels,
        memory_bytes=PICTURES.of(settings),
    )


def image_limits(settings: Settings) -> tuple[int, int]:
    """The most bytes and pixels of one image."""
    return settings.image_mb * 2**20, round(settings.image_megapixels * 1e6)
