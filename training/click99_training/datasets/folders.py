"""A folder of images and one of masks by the same names: GrabCut, Berkeley, DAVIS, COCO-MVal, mattes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import grey_truth, images_in, read_mask, sample_of
from click99_training.datasets.sample import Sample

# (images, masks), tried in this order.
GRABCUT = (("data_GT", "boundary_GT"), ("images", "masks"), ("img", "gt"))  # the first as it was released
IMAGES_MASKS = (("images", "masks"), ("img", "gt"))
FRAMES = (("img", "gt"), ("images", "masks"))  # the first as RITM distributes them
MATTES = (("images", "alpha"), ("original", "mask"), ("original_image", "mask"))  # AM-2k and AIM, P3M

HALF = 0.25  # how near to 0.5 an alpha is neither object nor background


class MaskFolder(SampleDataset):
    """One sample per mask: 0 background, 255 object, the values between 50 and 200 void.

    A mask belongs to the image of its name; one image's several masks add a letter or a number to it, as
    Berkeley's do: 239007a, or dog_1.
    """

    def __init__(self, folder: Path, layouts: tuple[tuple[str, str], ...] = IMAGES_MASKS):
        images, self.masks = _first_layout(folder, layouts)
        self.pairs = _pairs(images, self.masks)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, k: int) -> Sample:
        image, mask = self.pairs[k]
        truth, void = grey_truth(read_mask(mask))
        return sample_of(mask.stem, image, truth, void)


class FrameFolder(MaskFolder):
    """DAVIS and COCO-MVal: one sample per mask, of all that is not black; nothing is void."""

    def __init__(self, folder: Path):
        super().__init__(folder, FRAMES)

    def __getitem__(self, k: int) -> Sample:
        image, mask = self.pairs[k]
        return sample_of(mask.stem, image, read_mask(mask) > 0)


class MatteFolder(MaskFolder):
    """One sample per alpha matte, which is kept; the truth is alpha > 0.5.

    What is half object, half background (|alpha − 0.5| < 0.25) is void, as in the authors' evaluation.
    """

    def __init__(self, folder: Path):
        super().__init__(folder, MATTES)

    def __getitem__(self, k: int) -> Sample:
        image, matte = self.pairs[k]
        alpha = read_mask(matte).astype(np.float32) / 255
        return sample_of(matte.stem, image, alpha > 0.5, np.abs(alpha - 0.5) < HALF, alpha)


def _first_layout(folder: Path, layouts: tuple[tuple[str, str], ...]) -> tuple[Path, Path]:
    for images, masks in layouts:
        if (folder / images).is_dir() and (folder / masks).is_dir():
            return folder / images, folder / masks
    wanted = " or ".join(f"{images}/ and {masks}/" for images, masks in layouts)
    raise FileNotFoundError(f"{folder} does not hold the folders {wanted}")


def _pairs(images: Path, masks: Path) -> list[tuple[Path, Path]]:
    by_name = {path.stem: path for path in images_in(images)}
    found = {mask: _image_of(mask.stem, by_name) for mask in images_in(masks)}
    strangers = [mask.name for mask, name in found.items() if name not in by_name]
    unmasked = [by_name[name].name for name in by_name.keys() - found.values()]
    _refuse(strangers, masks, f"no image in {images}")
    _refuse(unmasked, images, f"no mask in {masks}")
    if not found:
        raise FileNotFoundError(f"{masks} holds no masks")
    return [(by_name[name], mask) for mask, name in found.items()]


def _refuse(names: list[str], folder: Path, lack: str) -> None:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise FileNotFoundError(f"{folder}: {', '.join(sorted(names)[:3])}{more} have {lack}")


def _image_of(mask: str, images: dict[str, Path]) -> str:
    """The name of the mask's image: its own, without its last letter, or without _1."""
    number = mask.rpartition("_")
    shorter = number[0] if number[2].isdigit() and number[0] in images else mask[:-1]
    return mask if mask in images else shorter
