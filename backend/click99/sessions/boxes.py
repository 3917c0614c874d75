"""A box as the first prompt: what the network makes of it."""

from __future__ import annotations

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.views import Box as Part
from click99.sessions.refiner import Refiner

MARGIN = 0.2  # looked at around the box, of its own size
STEPS = 2


class Box(Part):
    """Drawn around an object; not empty."""

    @property
    def centre(self) -> Click:
        return Click((self.left + self.right - 1) // 2, (self.top + self.bottom - 1) // 2, True)

    def first_mask(self, predictor: Refiner, image: np.ndarray, image_key: str) -> np.ndarray:
        """The object's alpha: uint8 [H, W], 0 outside the box, read-only. image: uint8 RGB [H, W, 3].

        The network knows clicks, not boxes. So it is shown the box with a margin as if that were all of the
        image, and a click in the middle, twice, the second time with its first mask; what lies outside the
        box is dropped after each (measured against other ways in docs/experiments/boxes.md).
        """
        rows, columns = self._looked_at(image)
        part = np.ascontiguousarray(image[rows, columns])
        inside = np.zeros(part.shape[:2], np.float32)
        top, left = self.top - rows.start, self.left - columns.start
        height, width = self.shape
        inside[top : top + height, left : left + width] = 1
        click = Click(self.centre.x - columns.start, self.centre.y - rows.start, True)
        name = f"{image_key} {self}"
        alpha = predictor.refine(part, [click], None, name) * inside
        for _ in range(STEPS - 1):
            alpha = predictor.refine(part, [click], alpha, name) * inside
        mask = np.zeros(image.shape[:2], np.uint8)
        mask[rows, columns] = np.rint(alpha * 255)
        mask.flags.writeable = False
        return mask

    def _looked_at(self, image: np.ndarray) -> tuple[slice, slice]:
        """Rows and columns of the box with its margin, as far as the image goes."""
        height, width = image.shape[:2]
        down = round(MARGIN * (self.bottom - self.top)) + 1
        across = round(MARGIN * (self.right - self.left)) + 1
        rows = slice(max(0, self.top - down), min(height, self.bottom + down))
        return rows, slice(max(0, self.left - across), min(width, self.right + across))
