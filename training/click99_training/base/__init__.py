"""The base set: photos that a fine-tune also trains on, so that it does not forget, and others that the gate
judges it by. What ships with click99 may be passed on (README.md here); a folder of yours replaces both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from click99.files import sha256
from click99_training.datasets.dataset import SampleDataset, Subset, evenly
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.manifest import ManifestDataset

SHIPPED = Path(__file__).parent
FOR_THE_GATE = 5  # in a folder of images/ and masks/, every fifth mask is for the gate
MOST_MASKS = 60  # masks that the gate judges by, evenly over all


@dataclass(frozen=True)
class Base:
    train: SampleDataset
    gate: SampleDataset


def open_base(folder: Path | None) -> Base:
    """The shipped base set, or the one in `folder`: a manifest.csv with splits train and val, or images/ and
    masks/.

    Raises:
        FileNotFoundError, ValueError: the folder is neither, or the shipped set is not as it was shipped.
    """
    if folder is None:
        _verify()
        folder = SHIPPED
    if (folder / "manifest.csv").is_file():
        return Base(ManifestDataset(folder, "train"), evenly(ManifestDataset(folder, "val"), MOST_MASKS))
    masks = MaskFolder(folder)
    if len(masks) < FOR_THE_GATE:
        raise ValueError(f"{folder} has {len(masks)} masks: base data needs at least {FOR_THE_GATE}")
    for_the_gate = [k for k in range(len(masks)) if k % FOR_THE_GATE == 0]
    others = [k for k in range(len(masks)) if k % FOR_THE_GATE]
    return Base(Subset(masks, others), evenly(Subset(masks, for_the_gate), MOST_MASKS))


def _verify() -> None:
    for line in (SHIPPED / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split("  ")
        file = SHIPPED / name
        if not file.is_file() or sha256(file) != expected:
            remedy = "Install click99 again, or set CLICK99_BASE_DATA to a folder of yours"
            raise ValueError(f"the base set's {file} is not as it was shipped. {remedy}")
