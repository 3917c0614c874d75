"""What an evaluation leaves: every image's clicks, figures and masks, and the figures over the data set.

One JSON file holds one evaluation: the figures first, then a line per image. `click99 report` reads these
files, so nothing has to be run again for another table or figure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from click99.files import replacing
from click99.segmentation.clicks import Click
from click99.segmentation.metrics import auc, bootstrap_interval, noc, share_above

NOC_THRESHOLDS = (0.80, 0.85, 0.90, 0.95, 0.99)
SHARE_THRESHOLDS = tuple(round(0.90 + 0.01 * k, 2) for k in range(10))
SHARE_CLICKS = (1, 5, 10, 20)
TOLD_CLICKS = (1, 2, 3, 5, 10, 20)  # of a table for people
TOLD_THRESHOLDS = (0.90, 0.95, 0.99)
EXTENTS = (0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.01)  # of an object's longer side over its picture's
PER_CLICK = ("ious", "boundary_ious", "corrected", "harmed", "obeyed_pixels", "obeyed_discs")


@dataclass(frozen=True)
class Annotation:
    """How one image went, click by click; figures are [K], nan where no click was needed unless said."""

    name: str
    clicks: list[Click]
    ious: np.ndarray  # after the last click as after it
    boundary_ious: np.ndarray  # the same
    corrected: np.ndarray  # corrective accuracy
    harmed: np.ndarray  # share of right pixels turned wrong
    obeyed_pixels: np.ndarray  # share of the clicked pixels that have their sign
    obeyed_discs: np.ndarray  # share of the pixels within 3 px of a click
    seconds: list[float]
    masks: dict[int, bytes] = field(default_factory=dict)  # after some of the clicks; see `pack`
    extent: float = float("nan")  # the object's longer side over the picture's; nan in older files


@dataclass(frozen=True)
class Result:
    """One evaluation: a checkpoint on a data set by a protocol."""

    dataset: str
    checkpoint: str
    protocol: str
    lenient: bool
    network_share: float  # of the time that the evaluation took
    annotations: list[Annotation]

    @property
    def ious(self) -> np.ndarray:
        """[N, K]"""
        return np.stack([each.ious for each in self.annotations])

    @property
    def corrected(self) -> np.ndarray:
        """[N, K], nan where no click was needed"""
        return np.stack([each.corrected for each in self.annotations])


def summary(annotations: Sequence[Annotation]) -> dict:
    """The figures over a data set, ready for JSON; formulas and sources in docs/reference/evaluation.md."""
    table = {name: np.stack([getattr(each, name) for each in annotations]) for name in PER_CLICK}
    ious, seconds = table["ious"], [second for each in annotations for second in each.seconds]
    return {
        "masks": len(annotations),
        **{f"noc@{percent(t)}": round(float(noc(ious, t).mean()), 3) for t in NOC_THRESHOLDS},
        "noc@90_interval": _interval(noc(ious, 0.9), 3),
        "auc": round(float(auc(ious).mean()), 4),
        "auc_interval": _interval(auc(ious), 4),
        "share_above": {percent(t): _shares(ious, t) for t in SHARE_THRESHOLDS},
        "miou": _rounded(ious.mean(0), 4),
        "boundary_iou": _rounded(table["boundary_ious"].mean(0), 4),
        "corrective_accuracy": _rounded(mean_where_clicked(table["corrected"]), 3),
        "harmed": _rounded(mean_where_clicked(table["harmed"]), 5),
        "obeyed_pixels": _obeyed(table["obeyed_pixels"]),
        "obeyed_discs": _obeyed(table["obeyed_discs"]),
        "seconds_per_click": round(float(np.median(seconds)), 4) if seconds else None,
    }


def by_click(annotations: Sequence[Annotation]) -> list[dict[str, str]]:
    """The figures after some of the clicks, a row each, by their headings."""
    table = {name: np.stack([getattr(each, name) for each in annotations]) for name in PER_CLICK}
    ious = table["ious"]
    figures = {
        "mean IoU": _told(ious.mean(0), ".3f"),
        "boundary IoU": _told(table["boundary_ious"].mean(0), ".3f"),
        "corrective accuracy": _told(mean_where_clicked(table["corrected"]), ".1%"),
        "harmed": _told(mean_where_clicked(table["harmed"]), ".2%"),
        **{f"images above {percent(t)} %": _told(share_above(ious, t), ".0%") for t in TOLD_THRESHOLDS},
    }
    clicks = [k for k in TOLD_CLICKS if k <= ious.shape[1]]
    return [{"clicks": str(k)} | {name: told[k - 1] for name, told in figures.items()} for k in clicks]


def _told(values: np.ndarray, form: str) -> list[str]:
    return ["–" if np.isnan(value) else f"{value:{form}}".replace("%", " %") for value in values]


def by_extent(annotations: Sequence[Annotation]) -> dict[str, list[Annotation]]:
    """The annotations by the size of their objects, small ones first; without those of unknown size."""
    groups = {
        f"{_share(low)} to {_share(high)}": [each for each in annotations if low <= each.extent < high]
        for low, high in pairwise(EXTENTS)
    }
    return {name: group for name, group in groups.items() if group}


def _share(value: float) -> str:
    return "0" if value == 0 else "1" if value >= 1 else f"1/{round(1 / value)}"


def percent(threshold: float) -> str:
    return str(round(100 * threshold))


def mean_where_clicked(figures: np.ndarray) -> np.ndarray:
    """Mean over the images that still needed a click: [N, K] with nan → [K], nan where none did."""
    clicked = ~np.isnan(figures)
    count = clicked.sum(0)
    return np.where(count > 0, np.where(clicked, figures, 0).sum(0) / np.maximum(count, 1), np.nan)


def _obeyed(shares: np.ndarray) -> float | None:
    """Share of the answers that obeyed wholly: [N, K] with nan → 0…1."""
    answers = shares[~np.isnan(shares)]
    return round(float((answers == 1).mean()), 5) if len(answers) else None


def _interval(values: np.ndarray, digits: int) -> list[float]:
    return [round(bound, digits) for bound in bootstrap_interval(values)]


def _shares(ious: np.ndarray, threshold: float) -> dict[str, float]:
    above = share_above(ious, threshold)
    return {str(k): round(float(above[k - 1]), 3) for k in SHARE_CLICKS if k <= len(above)}


def _rounded(values: np.ndarray | Sequence[float], digits: int) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), digits) for value in values]


def write(result: Result, path: Path) -> None:
    facts = {
        "dataset": result.dataset,
        "checkpoint": result.checkpoint,
        "protocol": result.protocol,
        "lenient": result.lenient,
        "network_share": round(result.network_share, 3),
        **summary(result.annotations),
    }
    head = json.dumps(facts, indent=1).removesuffix("\n}")
    images = ",\n".join(json.dumps(image_to_json(each)) for each in result.annotations)
    with replacing(path) as file:
        file.write(f'{head},\n "images": [\n{images}\n ]\n}}\n'.encode())


def read(path: Path) -> Result:
    """
    Raises:
        ValueError: the file is no evaluation, naming what it lacks.
    """
    try:
        facts = json.loads(path.read_text())
        annotations = [image_from_json(image) for image in facts["images"]]
        about = {
            name: facts[name] for name in ("dataset", "checkpoint", "protocol", "lenient", "network_share")
        }
        return Result(**about, annotations=annotations)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error}): make it with click99 evaluate --json") from None
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no evaluation ({error!r}): make it with click99 evaluate --json"
        ) from None


def image_to_json(annotation: Annotation) -> dict:
    return {
        "name": annotation.name,
        "clicks": [[click.x, click.y, int(click.positive)] for click in annotation.clicks],
        **{name: _rounded(getattr(annotation, name), 5) for name in PER_CLICK},
        "seconds": _rounded(annotation.seconds, 4),
        "extent": _rounded([annotation.extent], 4)[0],
        "masks": {str(k): base64.b64encode(png).decode() for k, png in annotation.masks.items()},
    }


def image_from_json(image: dict) -> Annotation:
    figures = {name: np.array(image[name], float) for name in PER_CLICK}
    return Annotation(
        name=image["name"],
        clicks=[Click(x, y, bool(positive)) for x, y, positive in image["clicks"]],
        seconds=image["seconds"],
        masks={int(k): base64.b64decode(png) for k, png in image["masks"].items()},
        extent=float("nan") if image.get("extent") is None else image["extent"],
        **figures,
    )


def pack(mask: np.ndarray) -> bytes:
    """A mask, bool [H, W], as PNG with one bit a pixel: a kilobyte or two, so thousands fit in memory."""
    _, png = cv2.imencode(".png", mask.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
    return png.tobytes()


def unpack(png: bytes) -> np.ndarray:
    """What `pack` packed."""
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)) > 0
