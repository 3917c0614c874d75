"""The evaluation sets' layout: images/ and masks/ with 0 = background, 255 = object, between = void."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from training.datasets.sample import Sample

VOID = (50, 200)  # mask values between them are neither object nor background


class BenchmarkDataset:
    """Every mask of a folder with its image, whose name may be one letter shorter (239007a.png)."""

    def __init__(self, folder: Path):
        self.pairs = list(_pairs(folder))
        if not self.pairs:
            raise FileNotFoundError(
                f"{folder}/masks holds no masks: --data takes a folder with images/ and masks/"
            )

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Sample]:
        for image, mask in self.pairs:
            pixels, values = (
                cv2.imread(str(image), cv2.IMREAD_COLOR),
                cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE),
            )
            if pixels is None or values is None:
                raise ValueError(f"{image if pixels is None else mask} is not an image: repair it")
            if pixels.shape[:2] != values.shape:
                raise ValueError(f"{mask} is {values.shape}, its image {pixels.shape[:2]} (rows, columns)")
            void = (values > VOID[0]) & (values <= VOID[1])
            yield Sample(mask.stem, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), values > VOID[1], void)


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    for part in ("images", "masks"):
        if not (folder / part).is_dir():
            raise FileNotFoundError(
                f"{folder / part} does not exist: --data takes a folder with images/ and masks/"
            )
    images = {path.stem: path for path in (folder / "images").iterdir()}
    for mask in sorted((folder / "masks").iterdir()):
        image = images.get(mask.stem) or images.get(mask.stem[:-1])
        if image is None:
            raise FileNotFoundError(f"{mask} has no image of its name in {folder / 'images'}")
        yield image, mask
