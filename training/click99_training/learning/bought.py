"""What a promotion bought: the gate's evidence kept in CLICK99_HOME/bought, and the page that is made of it
and of the record (click99.dashboard.bought)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from click99.dashboard.bought import Evidence, JudgedImage, MaskPair, bought_page
from click99.dashboard.costs import Cost
from click99.drawing import draw, jpeg
from click99.files import replacing
from click99_training.datasets.sample import Sample
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.evaluation.results import Annotation, unpack
from click99_training.learning.gain import by_image
from click99_training.learning.judging import Verdicts

EACH = 5  # images that gained most, and that lost most
SHOWN = 3  # clicks after which their masks are shown
WIDE = 320  # pixels of a drawing

Costs = Callable[[], Sequence[Cost]]  # of all saved masks


def evidence(version: str, against: str, reason: str, found: Verdicts, snapshot: SnapshotDataset) -> Evidence:
    """Of the masks that the gate clicked through. snapshot: those they are in."""
    before, after = (
        by_image(np.stack([each.ious for each in side]), found.images) for side in (found.before, found.after)
    )
    names = np.unique(found.images)
    told = zip(names, before, after, strict=True)
    images = [JudgedImage(str(name), float(one), float(other)) for name, one, other in told]
    ranked = sorted(images, key=lambda image: image.gain)
    gained = [image for image in ranked[::-1][:EACH] if image.gain > 0]
    lost = [image for image in ranked[:EACH] if image.gain < 0]
    pairs = [_pair(image, found, snapshot) for image in [*gained, *lost]]
    return Evidence(version, against, reason, found.gain.sure, images, pairs)


def write_page(home: Path, kept: Evidence, costs: Costs) -> Path:
    """Keep the evidence, and make the page of it."""
    folder = home.expanduser() / "bought"
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{kept.version}.json") as file:
        file.write(kept.to_json())
    return renew_page(home, kept.version, costs)


def renew_page(home: Path, version: str, costs: Costs, since: str = "") -> Path:
    """Make the page anew from the evidence that is kept and the record as it is now.

    FileNotFoundError without evidence, ValueError when it is damaged. since: what the watch said.
    """
    page = home.expanduser() / "bought" / f"{version}.html"
    kept = Evidence.read(page.with_suffix(".json").read_bytes())
    with replacing(page) as file:
        file.write(bought_page(kept, costs(), since).encode())
    return page


def _pair(image: JudgedImage, found: Verdicts, snapshot: SnapshotDataset) -> MaskPair:
    """Of its mask that changed most."""
    of_it = [k for k, name in enumerate(found.images) if name == image.name]
    changes = [abs(float((found.after[k].ious - found.before[k].ious)[:SHOWN].sum())) for k in of_it]
    k = of_it[int(np.argmax(changes))]
    names = [saved.mask.stem for saved in snapshot.masks]
    sample = snapshot[names.index(found.before[k].name)]
    return MaskPair(image, SHOWN, _drawn(sample, found.before[k]), _drawn(sample, found.after[k]))


def _drawn(sample: Sample, made: Annotation) -> str:
    return jpeg(draw(sample.image, unpack(made.masks[SHOWN]), made.clicks[:SHOWN], WIDE))
