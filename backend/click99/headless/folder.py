"""A folder of pictures, and the masks that boxes and points in them give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from click99.export.names import free, stem
from click99.export.pictures import LabelledMask, Picture
from click99.headless.cutout import read
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.prompts import Prompt
from click99.labelstudio.uploads import file_name
from click99.preannotate.prompts import PixelPrompt
from click99.python import Model

Tell = Callable[[str], None]


class Folder:
    """Its pictures that prompts name."""

    def __init__(self, images: Path, prompts: Mapping[str, Sequence[PixelPrompt]], model: Model):
        """prompts: by the picture's name, as `preannotate.prompts.of_file` gives them.

        Raises:
            ValueError: two pictures of one name; the message names them.
        """
        self._prompts, self._model, self._files = prompts, model, dict[str, Path]()
        for file in sorted(file for file in images.rglob("*") if file.is_file()):
            name = file_name(file.name)
            if name in prompts and self._files.setdefault(name, file) != file:
                raise ValueError(f"{images}: {self._files[name]} and {file} have one name. Rename one")

    @property
    def labels(self) -> list[str]:
        return sorted({prompt.label for prompts in self._prompts.values() for prompt in prompts})

    def pictures(self, leave_out: Tell, tick: Callable[[], None]) -> Iterator[Picture]:
        """One after the other. leave_out is told of what has no mask, and why; tick after each picture."""
        names: set[str] = set()
        for name, prompts in self._prompts.items():
            try:
                file, pixels = self._read(name)
                objects = list(self._objects(name, pixels, prompts, leave_out))
                if objects:
                    objects.sort(key=lambda each: -int(each.mask.sum()))
                    yield Picture(free(names, stem(file.name)), file.name, pixels.shape[:2], pixels, objects)
            except (LabelStudioError, FileNotFoundError) as error:
                leave_out(f"{name}: {error}")
            tick()

    def _read(self, name: str) -> tuple[Path, np.ndarray]:
        if name not in self._files:
            raise FileNotFoundError("no such picture in the folder")
        return self._files[name], read(self._files[name])

    def _objects(
        self, name: str, pixels: np.ndarray, prompts: Sequence[PixelPrompt], leave_out: Tell
    ) -> Iterator[LabelledMask]:
        for number, prompt in enumerate(prompts):
            try:
                mask = self._mask(pixels, prompt)
            except LabelStudioError as error:
                leave_out(f"{name}, {prompt.label}: {error}")
                continue
            if mask.any():
                yield LabelledMask(mask, prompt.label, f"{name} {number}")
            else:
                leave_out(f"{name}, {prompt.label} at {prompt.ends}: the mask is empty")

    def _mask(self, pixels: np.ndarray, prompt: PixelPrompt) -> np.ndarray:
        height, width = pixels.shape[:2]
        asked, found = Prompt([prompt.item(0, height, width)], [0]), self._model.start(pixels)
        if asked.is_box:
            return found.box(*asked.box(height, width).ends)
        (click,) = asked.clicks(height, width)
        return found.click(click.x, click.y)
