"""The demo's pictures: free ones that lie inside the scikit-image wheel, so nothing is downloaded."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

# Licences as stated in scikit-image's own documentation of each picture.
PICTURES = {
    "coffee.png": "CC0, Rachel Michetti",
    "chelsea.png": "CC0, Stefan van der Walt",
    "astronaut.png": "public domain, NASA",
    "rocket.jpg": "public domain, SpaceX",
    "camera.png": "CC0, Lav Varshney",
    "retina.jpg": "CC0, Mikael Häggström",
}


def pictures() -> list[Traversable]:
    """The files of `PICTURES`, in that order; ModuleNotFoundError when scikit-image is not installed."""
    return [files("skimage.data") / name for name in PICTURES]
