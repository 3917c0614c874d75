"""DAVIS: the 345 frames that interactive segmentation is judged on, or frames of DAVIS 2016 by a list."""

from __future__ import annotations

from pathlib import Path

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.folders import FrameFolder
from click99_training.datasets.image_files import need, read_mask, sample_of
from click99_training.datasets.sample import Sample


class DavisFrames(SampleDataset):
    """DAVIS 2016 as released, by ImageSets/480p/SPLIT.txt: image and annotation a line, from the root on."""

    def __init__(self, folder: Path, split: str):
        frames = need(folder / "ImageSets" / "480p" / f"{split}.txt", "the list of frames, or img/ and gt/")
        rows = [line.split() for line in frames.read_text().splitlines() if line.strip()]
        if not rows or any(len(row) < 2 for row in rows):
            raise ValueError(f"{frames} needs an image and an annotation on every line")
        self.pairs = [(folder / row[0].lstrip("/"), folder / row[1].lstrip("/")) for row in rows]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, k: int) -> Sample:
        image, mask = self.pairs[k]
        return sample_of(f"{mask.parent.name}_{mask.stem}", image, read_mask(mask) > 0)


def open_davis(folder: Path, split: str) -> SampleDataset:
    """The 345 frames as RITM distributes them, img/ and gt/; else DAVIS 2016's own folders by a list."""
    return FrameFolder(folder) if (folder / "img").is_dir() else DavisFrames(folder, split)
