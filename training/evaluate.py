"""`click99 evaluate`: the paper's protocol (Forte et al. 2020, section 5).

The robot clicks the centre of the largest wrong region, always 20 times (or until nothing is wrong), and the
mask is judged after every click, void pixels aside.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from backend.segmentation.clicks import Click, click_in, largest_wrong_region
from backend.segmentation.metrics import auc, corrective_accuracy, iou, noc, share_above
from backend.segmentation.predictor import Predictor
from training.datasets.benchmarks import BenchmarkDataset
from training.datasets.sample import Sample

CLICKS = 20
NOC_THRESHOLDS = (0.80, 0.85, 0.90, 0.95, 0.99)
SHARE_THRESHOLDS = (0.90, 0.95, 0.97, 0.98, 0.99)
SHARE_CLICKS = (1, 5, 10, 20)


@dataclass(frozen=True)
class Annotation:
    """How one image went, click by click: IoU [K], corrective accuracy [K] (nan where nothing was wrong)."""

    name: str
    clicks: list[Click]
    ious: np.ndarray
    corrected: np.ndarray
    seconds: list[float]


def annotate(
    predictor: Predictor, sample: Sample, lenient: np.random.Generator | None, clicks: int = CLICKS
) -> Annotation:
    """Have the robot annotate one image; with a generator it clicks where people do, not at the centre."""
    alpha, done, seconds = None, [], []
    ious, corrected = np.full(clicks, np.nan), np.full(clicks, np.nan)
    prediction = np.zeros_like(sample.truth)
    for k in range(clicks):
        region = largest_wrong_region(sample.truth, prediction, sample.void)
        if region is None:
            ious[k:] = ious[k - 1] if k else 1.0
            break
        done.append(click_in(region, sample.truth, lenient))
        start = time.perf_counter()
        alpha = predictor.refine(sample.image, done, alpha, sample.name)
        seconds.append(time.perf_counter() - start)
        prediction = alpha > 0.5
        ious[k] = iou(prediction, sample.truth, sample.void)
        corrected[k] = corrective_accuracy(region, prediction, sample.truth)
    return Annotation(sample.name, done, ious, corrected, seconds)


def evaluate(predictor: Predictor, samples: Iterable[Sample], lenient: bool = False) -> list[Annotation]:
    """Annotate every sample; the lenient robot's draws depend on the order alone."""
    rng = np.random.default_rng(0) if lenient else None
    return [annotate(predictor, sample, rng) for sample in samples]


def summary(annotations: Sequence[Annotation]) -> dict:
    """The figures over a data set, ready for JSON."""
    ious = np.stack([annotation.ious for annotation in annotations])
    corrected = np.stack([annotation.corrected for annotation in annotations])
    seconds = [second for annotation in annotations for second in annotation.seconds]
    return {
        "masks": len(annotations),
        **{f"noc@{percent(t)}": round(float(noc(ious, t).mean()), 3) for t in NOC_THRESHOLDS},
        "auc": round(auc(ious), 4),
        "miou": [round(float(value), 4) for value in ious.mean(0)],
        "share_above": {percent(t): _shares(ious, t) for t in SHARE_THRESHOLDS},
        "corrective_accuracy": [round(float(value), 3) for value in _mean_where_clicked(corrected)],
        "ms_per_click": round(1000 * float(np.median(seconds)), 1),
    }


def percent(threshold: float) -> str:
    return str(round(100 * threshold))


def _shares(ious: np.ndarray, threshold: float) -> dict[str, float]:
    above = share_above(ious, threshold)
    return {str(k): round(float(above[k - 1]), 3) for k in SHARE_CLICKS if k <= len(above)}


def _mean_where_clicked(corrected: np.ndarray) -> np.ndarray:
    clicked = ~np.isnan(corrected)
    return np.where(clicked, corrected, 0).sum(0) / np.maximum(clicked.sum(0), 1)


@dataclass(frozen=True)
class Evaluation:
    """What `click99 evaluate` was asked for."""

    dataset: str
    data: Path
    checkpoint: Path | None
    lenient: bool = False
    device: str = "auto"
    threads: int = 2


def report(evaluation: Evaluation, path: Path | None) -> None:
    """Evaluate, print the figures, and write them to a JSON file with every image's IoU per click."""
    torch.set_num_threads(evaluation.threads)
    predictor = Predictor.load(evaluation.checkpoint, evaluation.device)
    samples = BenchmarkDataset(evaluation.data)
    watched = track(samples, evaluation.dataset, total=len(samples))
    annotations = evaluate(predictor, watched, evaluation.lenient)
    facts = {
        "dataset": evaluation.dataset,
        "checkpoint": predictor.version,
        "protocol": f"paper, {CLICKS} {'lenient' if evaluation.lenient else 'centred'} clicks",
        **summary(annotations),
    }
    Console().print(_table(facts))
    if path:
        images = {each.name: [round(float(value), 5) for value in each.ious] for each in annotations}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**facts, "images": images}, indent=1))


def _table(facts: dict) -> Table:
    table = Table(title=f"{facts['dataset']}: {facts['checkpoint']}, {facts['protocol']}", show_header=False)
    for name, value in facts.items():
        if isinstance(value, int | float):
            table.add_row(name, str(value))
    for name, shares in facts["share_above"].items():
        table.add_row(f"share above {name} %", "  ".join(f"{share} after {k}" for k, share in shares.items()))
    table.add_row("IoU per click", " ".join(f"{value:.3f}" for value in facts["miou"]))
    table.add_row("corrective accuracy", " ".join(f"{value:.2f}" for value in facts["corrective_accuracy"]))
    return table
