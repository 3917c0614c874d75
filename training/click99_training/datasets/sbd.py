"""SBD, the Semantic Boundaries Dataset: VOC's images with more instances, in MATLAB's format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import loadmat

from click99_training.datasets.image_files import SampleError
from click99_training.datasets.instance_masks import InstanceMasks, inner_folder, listed


class Sbd(InstanceMasks):
    """benchmark_RELEASE/dataset: img, inst (GTinst in .mat files), train.txt and val.txt.

    split: train or val; 8,498 and 2,857 images. SBD marks nothing as void.
    """

    def __init__(self, folder: Path, split: str):
        self.folder = inner_folder(folder, ("", "dataset", "benchmark_RELEASE/dataset"), "inst")
        super().__init__(listed(self.folder / f"{split}.txt"), "SBD")

    def numbers(self, name: str) -> np.ndarray:
        return self._ground_truth(name)["Segmentation"]

    def image(self, name: str) -> Path:
        return self.folder / "img" / f"{name}.jpg"

    def boundary(self, k: int) -> np.ndarray:
        """The boundary that SBD's annotators' polygons gave sample k, one pixel wide: bool [H, W]."""
        where = self.objects[k]
        boundaries = self._ground_truth(where.image)["Boundaries"].ravel()
        return boundaries[where.number - 1].toarray() > 0

    def _ground_truth(self, name: str) -> np.ndarray:
        """The structure GTinst: Segmentation, Boundaries (a sparse matrix per object) and Categories."""
        path = self.folder / "inst" / f"{name}.mat"
        try:
            return loadmat(path)["GTinst"][0, 0]
        except Exception as error:  # scipy raises many kinds on a damaged file
            raise SampleError(path, f"GTinst cannot be read: {error}") from None
