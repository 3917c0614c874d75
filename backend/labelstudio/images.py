"""Pixels for a task's image address: fetched only from where it is allowed, decoded once, cached."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.labelstudio.client import Client


@dataclass(frozen=True, eq=False)
class Image:
    """key: hash of the encoded bytes. pixels: uint8 RGB [H, W, 3], read-only, EXIF orientation applied."""

    key: str
    pixels: np.ndarray


def host_allowed(url: str, allowed_hosts: Collection[str]) -> bool:
    """Whether an absolute http(s) URL is on one of the hosts: "example.com" is that very host on the scheme's
    default port, "example.com:8080" is that port only. No wildcards, no subdomains."""
    raise NotImplementedError


class ImageSource:
    """Images by the address in the task. Thread-safe; an image wanted by several threads is fetched once."""

    def __init__(
        self,
        home: Path,
        allowed_hosts: Collection[str] = (),
        label_studio: Client | None = None,
        *,
        max_bytes: int = 64 * 2**20,
        max_pixels: int = 8192 * 8192,
        memory_bytes: int = 512 * 2**20,
        disk_bytes: int = 4 * 2**30,
        timeout: float = 30.0,
    ) -> None:
        raise NotImplementedError

    def use_label_studio(self, client: Client) -> None:
        """From now on paths are fetched from this Label Studio (learnt at /setup; the caller decides on trust)."""
        raise NotImplementedError

    def get(self, url: str) -> Image:
        """Label Studio paths, http(s) URLs, data URIs -> Image. ImageError (see errors.py) or ApiError."""
        raise NotImplementedError
