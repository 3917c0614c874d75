"""How the base set was made: `python -m click99_training.base.make` in a checkout with the demo extra.

The pictures and masks of tests/pictures and scikit-image's own free pictures; for the gate also composites.
Those of photographs.csv are not made but kept (README.md).
"""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from click99.files import sha256
from click99_training.datasets.image_files import read_image, read_mask
from click99_training.datasets.manifest import ManifestDataset
from click99_training.recipes import FAINTEST, Mix

HERE = Path(__file__).parent
PICTURES = HERE.parents[2] / "tests" / "pictures"
SIDE = 512  # the longest, in pixels
COMPOSITES = 24
COINS = 6
SOURCE = "click99"  # as a recipe's mix names it: masks precise enough to cut out by
MIX = Mix(cut=1.0, cut_from=(SOURCE,), second=0.3, faintest=FAINTEST, flush=True)

OBJECTS = {  # mask of tests/pictures -> split; no picture is in both
    "coffee_1": "train",
    "coffee_2": "train",
    "chelsea": "train",
    "astronaut_1": "val",
    "astronaut_2": "val",
    "rocket": "val",
}
BACKGROUNDS = {  # picture of scikit-image's -> split
    "brick.png": "train",
    "gravel.png": "train",
    "camera.png": "train",
    "clock_motion.png": "train",
    "grass.png": "val",
    "hubble_deep_field.jpg": "val",
}

ManifestRow = tuple[str, str, str, str, str]  # file, mask, kind, split, source


def main() -> None:
    rows = [_object(name, split) for name, split in OBJECTS.items()]
    rows += [_background(name, split) for name, split in BACKGROUNDS.items()]
    rows += [_retina(), *_coins(), *_photographs()]
    _write_manifest(rows)
    _write_manifest(rows + _composites())
    listed = sorted(file for folder in ("images", "masks") for file in (HERE / folder).iterdir())
    sums = [f"{sha256(file)}  {file.relative_to(HERE)}" for file in [*listed, HERE / "manifest.csv"]]
    (HERE / "SHA256SUMS").write_text("\n".join(sums) + "\n")


def _object(name: str, split: str) -> ManifestRow:
    picture = name.split("_")[0]
    image = read_image(PICTURES / "images" / f"{picture}.jpg")
    return _save(picture, name, image, read_mask(PICTURES / "masks" / f"{name}.png") > 127, split, SOURCE)


def _background(name: str, split: str) -> ManifestRow:
    return _save(Path(name).stem, "", _skimage(name), None, split, "")


def _retina() -> ManifestRow:
    """The round field of view."""
    image = _skimage("retina.jpg")
    seen = cv2.medianBlur(image.max(2), 9) > 20
    return _save("retina", "retina", image, _largest(seen), "train", SOURCE)


def _coins() -> list[ManifestRow]:
    """The largest coins that touch no other, by what is brighter than the ground around."""
    image = _skimage("coins.png")
    grey = image[..., 0].astype(np.float32)
    ground = cv2.morphologyEx(cv2.medianBlur(image[..., 0], 5), cv2.MORPH_OPEN, np.ones((55, 55), np.uint8))
    bright = (grey - cv2.GaussianBlur(ground.astype(np.float32), (0, 0), 20)) > 45
    closed = cv2.morphologyEx(bright.astype(np.uint8), cv2.MORPH_CLOSE, cv2.getStructuringElement(2, (9, 9)))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, cv2.getStructuringElement(2, (11, 11)))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(opened)
    whole = [k for k in range(1, count) if _alone(stats[k])]
    chosen = sorted(whole, key=lambda k: -stats[k][cv2.CC_STAT_AREA])[:COINS]
    return [
        _save("coins", f"coins_{n}", image, _filled(parts == k), "val", "") for n, k in enumerate(chosen, 1)
    ]


def _photographs() -> list[ManifestRow]:
    with (HERE / "photographs.csv").open(newline="") as file:
        names = [row["picture"] for row in csv.DictReader(file)]
    return [(f"images/{name}.jpg", f"masks/{name}.png", "binary", "train", "") for name in names]


def _composites() -> list[ManifestRow]:
    data, rows = ManifestDataset(HERE, "val"), []
    for k in range(COMPOSITES):
        sample = data.composited(np.random.default_rng(k), MIX)
        while not 0.01 < sample.truth.mean() < 0.7:
            sample = data.composited(np.random.default_rng((k, int(sample.truth.sum()))), MIX)
        rows.append(_save(f"composite_{k}", f"composite_{k}", sample.image, sample.truth, "val", ""))
    return rows


def _save(
    picture: str, name: str, image: np.ndarray, mask: np.ndarray | None, split: str, source: str
) -> ManifestRow:
    """At most SIDE pixels long; the row of the manifest."""
    size = _size(image)
    file, mask_file = f"images/{picture}.jpg", f"masks/{name}.png" if name else ""
    for folder in ("images", "masks"):
        (HERE / folder).mkdir(exist_ok=True)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    Image.fromarray(small).save(HERE / file, quality=88)
    if mask is not None:
        alpha = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
        Image.fromarray(alpha).save(HERE / mask_file, optimize=True)
    return file, mask_file, "binary" if name else "none", split, source


def _size(image: np.ndarray) -> tuple[int, int]:
    factor = min(1.0, SIDE / max(image.shape[:2]))
    return round(image.shape[1] * factor), round(image.shape[0] * factor)


def _skimage(name: str) -> np.ndarray:
    with Image.open(str(files("skimage.data") / name)) as image:
        return np.asarray(image.convert("RGB"))


def _largest(mask: np.ndarray) -> np.ndarray:
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return _filled(parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))


def _filled(mask: np.ndarray) -> np.ndarray:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, cv2.FILLED) > 0


def _alone(stats: np.ndarray) -> bool:
    """Round, so that it is one coin."""
    _, _, width, height, area = stats
    return 0.65 * width * height < area < 0.85 * width * height and 0.8 < width / height < 1.25


def _write_manifest(rows: list[ManifestRow]) -> None:
    with (HERE / "manifest.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "mask", "kind", "split", "source"), *rows])


if __name__ == "__main__":
    main()
