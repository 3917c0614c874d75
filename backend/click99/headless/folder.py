"""A folder of pictures, and the masks that boxes and points in them give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from click99.export.names import free, stem
from click99.export.pictures import LabelledMask, Picture
from click99.headless.cutout import soft
from click99.headless.kept import KeptMasks, PictureMasks
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.pictures import pictures_in
from click99.labelstudio.pixels import MAX_PIXELS, no_memory, read_pixels
from click99.labelstudio.prompts import Prompt
from click99.labelstudio.uploads import file_name
from click99.preannotate.prompts import PixelPrompt
from click99.progress import Tick
from click99.python import Model, Object

Tell = Callable[[str], None]


class Folder:
    """Its pictures that prompts name."""

    def __init__(
        self,
        images: Path,
        prompts: Mapping[str, Sequence[PixelPrompt]],
        model: Model,
        kept: KeptMasks,
        alpha: bool = False,
    ):
        """prompts: by the picture's name, as `preannotate.prompts.of_file` gives them. alpha: with soft
        masks.

        Raises:
            ValueError: no pictures in the folder, or two of one name; the message names them.
        """
        self._prompts, self._model, self._kept, self._alpha = prompts, model, kept, alpha
        self._files = dict[str, Path]()
        for file in sorted(file for file in images.rglob("*") if file.is_file()):
            name = file_name(file.name)
            if name in prompts and self._files.setdefault(name, file) != file:
                raise ValueError(f"{images}: {self._files[name]} and {file} have one name. Rename one")
        if not self._files:
            pictures_in(images, inside=True)

    @property
    def labels(self) -> list[str]:
        return sorted({prompt.label for prompts in self._prompts.values() for prompt in prompts})

    def pictures(self, leave_out: Tell, tick: Tick) -> Iterator[Picture]:
        """One after the other. leave_out is told of what has no mask, and why; tick after each picture."""
        names: set[str] = set()
        for number, (name, prompts) in enumerate(self._prompts.items(), 1):
            try:
                file, content, pixels = self._read(name)
                made = self._kept.made(content, prompts, partial(self._make, name, pixels, prompts))
                for message in made.left_out:
                    leave_out(message)
                if made.objects:
                    objects = sorted(made.objects, key=lambda each: -int(each.mask.sum()))
                    yield Picture(free(names, stem(file.name)), file.name, pixels.shape[:2], pixels, objects)
            except (LabelStudioError, FileNotFoundError) as error:
                leave_out(f"{name}: {error}")
            except MemoryError as error:
                leave_out(f"{name}: {no_memory('it', error)}")
            tick(number, len(self._prompts))

    def _read(self, name: str) -> tuple[Path, bytes, np.ndarray]:
        if name not in self._files:
            raise FileNotFoundError("no such picture in the folder")
        file = self._files[name]
        content = file.read_bytes()
        return file, content, read_pixels(content, file.name, MAX_PIXELS)

    def _make(self, name: str, pixels: np.ndarray, prompts: Sequence[PixelPrompt]) -> PictureMasks:
        made = PictureMasks()
        height, width = pixels.shape[:2]
        for number, prompt in enumerate(prompts):
            if problem := prompt.outside(height, width):
                made.left_out.append(f"{name}, {prompt.label}: {problem}")
                continue
            try:
                found = self._object(pixels, prompt)
            except LabelStudioError as error:
                made.left_out.append(f"{name}, {prompt.label}: {error}")
                continue
            if found.mask.any():
                alpha = soft(found) if self._alpha else None
                made.objects.append(LabelledMask(found.mask, prompt.label, f"{name} {number}", alpha))
            else:
                made.left_out.append(f"{name}, {prompt.label} at {prompt.ends}: the mask is empty")
        return made

    def _object(self, pixels: np.ndarray, prompt: PixelPrompt) -> Object:
        height, width = pixels.shape[:2]
        asked, found = Prompt([prompt.item(0, height, width)], [0]), self._model.start(pixels)
        if asked.is_box:
            found.box(*asked.box(height, width).ends)
        else:
            (click,) = asked.clicks(height, width)
            found.click(click.x, click.y)
        return found
