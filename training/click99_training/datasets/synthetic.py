"""The synthetic set (Forte et al. 2020, section 4.2): cut-outs over random backgrounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from click99_training.datasets.composites import Foreground, composed
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import images_in, need, read_image, read_rgba
from click99_training.datasets.sample import Sample
from click99_training.recipes import FAINTEST, Mix, Recipe


class SyntheticSet(SampleDataset):
    """A folder with foregrounds/ (images with an alpha channel) and backgrounds/ (images, in subfolders too).

    `data[k]` is always the same composite of foreground k, for validation; `draw` makes a new one each time.
    """

    def __init__(self, folder: Path):
        what = "a synthetic set has foregrounds/ and backgrounds/; click99 compose makes the first"
        self.foregrounds = images_in(need(folder / "foregrounds", what))
        self.backgrounds = images_in(need(folder / "backgrounds", what), subfolders=True)
        for name, found in (("foregrounds", self.foregrounds), ("backgrounds", self.backgrounds)):
            if not found:
                raise FileNotFoundError(f"{folder / name} holds no images: {what}")

    def __len__(self) -> int:
        return len(self.foregrounds)

    def __getitem__(self, k: int) -> Sample:
        return self._composed(self.foregrounds[k], Mix(), np.random.default_rng(k))

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        return self._composed(self._any(rng), recipe.mix, rng)

    def _composed(self, foreground: Path, mix: Mix, rng: np.random.Generator) -> Sample:
        foregrounds = [_foreground(foreground)]
        if mix.second and rng.random() < mix.second:
            foregrounds.append(_foreground(self._any(rng)))
        background = read_image(self.backgrounds[rng.integers(len(self.backgrounds))])
        return composed(foregrounds, background, mix, rng)

    def _any(self, rng: np.random.Generator) -> Path:
        return self.foregrounds[rng.integers(len(self.foregrounds))]


def _foreground(path: Path) -> Foreground:
    return Foreground(path.stem, *read_rgba(path)).trimmed(FAINTEST)
