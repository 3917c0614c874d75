"""An export: all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from click99.annotations.database import Database
from click99.annotations.saved_masks import MaskFilter, is_project
from click99.annotations.tables import RegionRow
from click99.export import coco, forms
from click99.export.files import save
from click99.export.pictures import Picture, Pixels, pictures
from click99.files import whole_folder
from click99.progress import QUIET, Tick

Write = Callable[[Path, Iterator[Picture], Sequence[str]], None]
Found = Callable[[Callable[[str], None]], Iterator[Picture]]  # given what to tell of those left out

FORMS: Mapping[str, Write] = {
    "coco": coco.write_run_lengths,
    "coco-polygons": coco.write_polygons,
    "yolo": forms.write_yolo,
    "masks": forms.write_masks,
    "voc": forms.write_voc,
    "cutouts": forms.write_cut_outs,
    "huggingface": forms.write_image_folder,
}
WITH_PIXELS = ("cutouts", "huggingface")  # make no sense without


@dataclass
class Export:
    """What came of it. masks: how many of each label. left_out: messages."""

    pictures: int = 0
    masks: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)

    def told(self, out: Path) -> str:
        masks = ", ".join(f"{count} {name or 'without a label'}" for name, count in self.masks.most_common())
        return f"{self.pictures} pictures in {out}: {masks}."


def export(
    database: Database,
    out: Path,
    form: str,
    which: MaskFilter,
    pixels: Pixels | None,
    tick: Tick = QUIET,
) -> Export:
    """Write saved masks into a new folder.

    Args:
        pixels: gives a mask's picture; None: pictures are named, not written. tick: told after each.
        Others: see `write`.

    Raises:
        ValueError: as `write`, a form that needs pictures, or a label that no mask has.
    """
    if pixels is None and form in WITH_PIXELS:
        raise ValueError(f"--format {form} is made of the pictures: leave --no-images out")
    with database.reading() as session:
        labels = _labels(session, which)
        if which.label and which.label not in labels:
            known = ", ".join(map(repr, labels)) or "none yet"
            raise ValueError(f"--label {which.label}: no saved mask has it. Labels there are: {known}")
        return write(out, form, labels, lambda leave_out: pictures(session, which, pixels, leave_out, tick))


def write(out: Path, form: str, labels: Sequence[str], found: Found) -> Export:
    """Write pictures with masks into a new folder.

    Args:
        form: one of FORMS. labels: all that may come, which are numbered in this order.

    Raises:
        ValueError: an unknown form, a folder that holds something, or no mask.
    """
    checked(out, form)
    done = Export()
    with whole_folder(out) as unfinished:
        FORMS[form](unfinished, _counted(_with_alphas(unfinished, found(done.left_out.append)), done), labels)
        if not done.pictures:
            remedy = "; ".join(done.left_out[:3]) or "Annotate, run click99 sync, or filter less"
            raise ValueError(f"{out}: no mask to export. {remedy}")
    return done


def checked(out: Path, form: str) -> None:
    """ValueError: an unknown form, or a folder that holds something."""
    if form not in FORMS:
        raise ValueError(f"--format {form}: not one of {', '.join(FORMS)}")
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out}: not empty. Choose another folder")


def _with_alphas(out: Path, found: Iterator[Picture]) -> Iterator[Picture]:
    """Soft masks are written beside every form: none of them holds one."""
    for picture in found:
        for k, each in enumerate(picture.objects):
            if each.alpha is not None:
                save(out / "alphas" / f"{picture.name}_{k}.png", each.alpha)
        yield picture


def _counted(found: Iterator[Picture], done: Export) -> Iterator[Picture]:
    for picture in found:
        done.pictures += 1
        done.masks.update(each.label for each in picture.objects)
        yield picture


def _labels(session: Session, which: MaskFilter) -> list[str]:
    """All of the record's, or of a project's, by name: two exports of one project number them alike."""
    query = select(RegionRow.label).where(RegionRow.mask.is_not(None)).distinct()
    if which.project:
        query = query.where(is_project(RegionRow.project, which.project))
    return sorted({label or "" for label in session.scalars(query)})
