"""Snapshots: immutable data sets of what people saved, for the plain folder loader.

    OUT/train/images/NAME.png   OUT/train/masks/NAME_K.png   and val/, test/
    OUT/starts/KEY.png          masks that clicks began with
    OUT/clicks.jsonl            for each mask its label, who saved it, and the clicks that people made
    OUT/manifest.json           a checksum for every file, the query, and what was left out and why

An image is named by the hash of its pixels, which also decides its split: the same image is in the same split
in every snapshot, whatever else is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from click99.files import replacing, sha256

SPLITS = (("train", 0.8), ("val", 0.9), ("test", 1.0))  # by the hash's place between 0 and 1


class SnapshotError(ValueError):
    """A snapshot that would be empty, exists already, or was changed since it was made."""


def verify(folder: Path) -> dict[str, Any]:
    """The manifest of a snapshot that is as it was made; SnapshotError naming the first file that is not."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        files: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SnapshotError(f"{folder}: no snapshot. Make one with click99 collect --out") from None
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {
        "manifest.json"
    }
    for name in sorted(files.keys() | present):
        if name not in files:
            raise SnapshotError(f"{folder}: {name} was added by hand. Collect anew, with --out elsewhere")
        if name not in present or sha256(folder / name) != files[name]:
            raise SnapshotError(
                f"{folder}: {name} is not as it was collected. Collect anew, with --out elsewhere"
            )
    return manifest


def split_of(name: str) -> str:
    """train, val or test, by an image's hash in hexadecimal digits."""
    place = int(name[:8], 16) / 2**32
    return next(split for split, end in SPLITS if place < end)


def image_name(image: np.ndarray) -> str:
    """By the pixels, uint8 RGB [H, W, 3]."""
    return hashlib.sha256(str(image.shape).encode() + image.tobytes()).hexdigest()[:16]


def save(file: Path, pixels: np.ndarray, durable: bool = True) -> None:
    """durable: as of `replacing`; for thousands of masks it takes minutes, and `verify` finds a lost one."""
    if not file.exists():
        with replacing(file, durable=durable) as whole:
            Image.fromarray(pixels).save(whole, "PNG")


def link(file: Path, store: Path, pixels: np.ndarray) -> None:
    """As `save`, but with the pixels in `store`, once for all snapshots, and a hard link to them.

    So neither another snapshot nor the store can be deleted from under it. Where links can't be, a copy.
    """
    kept = store / file.name
    save(kept, pixels)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(kept, file)
    except FileExistsError:
        pass
    except OSError:
        save(file, pixels)


def seal(folder: Path, **facts: Any) -> None:
    """Write the manifest, with `facts`, and make all files ones that nobody changes by accident."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "made_at": datetime.now(UTC).isoformat(),
        **facts,
        "files": {str(path.relative_to(folder)): sha256(path) for path in files},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, default=str))
    for path in [*files, folder / "manifest.json"]:
        path.chmod(0o444)
