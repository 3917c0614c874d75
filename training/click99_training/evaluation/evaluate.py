"""`click99 evaluate`: a robot clicks, the network answers, the mask is judged after every click.

Always 20 clicks an image, or until nothing is wrong; where the robot clicks is the protocol
(`backend/click99/segmentation/robot.py`), what is measured stands in docs/reference/evaluation.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import nn

from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.metrics import boundary_iou, corrective_accuracy, harm, iou, obedience
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import ROBOTS, Robot
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.mosaics import Mosaics
from click99_training.datasets.registry import DATASETS, open_dataset
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.evaluation import results
from click99_training.evaluation.kept import KeptLines
from click99_training.evaluation.prefetch import ahead
from click99_training.evaluation.results import (
    PER_CLICK,
    Annotation,
    Result,
    by_click,
    by_extent,
    image_from_json,
    image_to_json,
    pack,
    summary,
)

CLICKS = 20
MASKS_AFTER = (1, 3, 6, 20)  # clicks after which the result keeps the mask


def judge(
    sample: Sample, clicks: Sequence[Click], region: np.ndarray, before: np.ndarray, after: np.ndarray
) -> tuple[float, ...]:
    """The figures of one answer, in the order of `PER_CLICK`; masks and region bool [H, W]."""
    return (
        iou(after, sample.truth, sample.void),
        boundary_iou(after, sample.truth, sample.void),
        corrective_accuracy(region, after, sample.truth),
        harm(before, after, sample.truth, sample.void),
        obedience(after, clicks, radius=0),
        obedience(after, clicks),
    )


def annotate(
    predictor: Predictor,
    sample: Sample,
    robot: Robot = ROBOTS["paper"],
    lenient: np.random.Generator | None = None,
    clicks: int = CLICKS,
) -> Annotation:
    """Have the robot annotate one image. Each mask is judged in a thread while the next click is answered."""
    network = predictor.for_image(sample.image, sample.name, sample.project)
    alpha, masks, verdicts, seconds = None, [np.zeros_like(sample.truth)], [], []
    done: list[Click] = []
    with ThreadPoolExecutor(1) as beside:
        while len(done) < clicks:
            correction = robot(sample.truth, masks[-1], sample.void, done, lenient)
            if correction is None:
                break
            done = [*done, correction.click]
            start = time.perf_counter()
            alpha = network.refine(sample.image, done, alpha, sample.name)
            seconds.append(time.perf_counter() - start)
            masks.append(alpha > 0.5)
            verdicts.append(beside.submit(judge, sample, done, correction.region, *masks[-2:]))
    figures = _per_click([verdict.result() for verdict in verdicts], clicks)
    kept = {k: pack(masks[min(k, len(done))]) for k in MASKS_AFTER if k <= clicks}
    return Annotation(
        sample.name, done, seconds=seconds, masks=kept, extent=object_extent(sample.truth), **figures
    )


def _per_click(verdicts: list[tuple[float, ...]], clicks: int) -> dict[str, np.ndarray]:
    """One array [clicks] per figure: IoUs go on as they ended, what judges a click is nan without one."""
    table = np.full((clicks, len(PER_CLICK)), np.nan)
    table[: len(verdicts)] = verdicts if verdicts else np.nan
    table[len(verdicts) :, :2] = table[len(verdicts) - 1, :2] if verdicts else 1.0  # the two IoUs
    return dict(zip(PER_CLICK, table.T, strict=True))


def evaluate(
    predictor: Predictor,
    samples: Iterable[Sample],
    protocol: str = "paper",
    lenient: bool = False,
    kept: KeptLines | None = None,
) -> list[Annotation]:
    """Annotate every sample that `kept` has not yet; the lenient robot's draws depend on the order alone."""
    kept, rng = kept or KeptLines(), np.random.default_rng(0)
    done = [image_from_json(image) for image, _ in kept.lines]
    if kept.lines:
        rng.bit_generator.state = kept.lines[-1][1]
    for sample in ahead(islice(samples, len(done), None)):
        done.append(annotate(predictor, sample, ROBOTS[protocol], rng if lenient else None))
        kept.add([image_to_json(done[-1]), rng.bit_generator.state])
    return done


class NetworkClock:
    """Counts the seconds that networks' forward passes take, image stream and clicks."""

    def __init__(self, *networks: nn.Module):
        self.seconds = 0.0
        for network in networks:
            for part in ("encode", "forward"):
                setattr(network, part, self._timed(getattr(network, part)))

    def _timed(self, call: Callable) -> Callable:
        def timed(*args, **kwargs):
            start = time.perf_counter()
            result = call(*args, **kwargs)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.seconds += time.perf_counter() - start
            return result

        return timed


@dataclass(frozen=True)
class Evaluation:
    """What `click99 evaluate` was asked for."""

    dataset: str
    data: Path
    checkpoint: Path | None
    protocol: str = "paper"
    lenient: bool = False
    device: str = "auto"
    threads: int = 2
    mosaic: int = 1  # photos along a side of a mosaic, in which each image is put


def report(evaluation: Evaluation, path: Path | None) -> None:
    """Evaluate, print the figures, and write them with every image's to a file (results.py). Where there is
    one, an evaluation that was stopped goes on."""
    if evaluation.protocol not in ROBOTS:
        raise ValueError(f"protocol {evaluation.protocol!r} is unknown, there is: {', '.join(ROBOTS)}")
    use_threads(evaluation.threads)
    predictor = Predictor.load(evaluation.checkpoint, evaluation.device)
    skipped = SkippedSamples()
    data = open_benchmark(evaluation.dataset, evaluation.data)
    data = Mosaics(data, evaluation.mosaic) if evaluation.mosaic > 1 else data
    asked = [predictor.version, evaluation.dataset, str(evaluation.data), evaluation.protocol]
    kept = KeptLines(path, [*asked, evaluation.lenient, evaluation.mosaic])
    result = run(predictor, data, evaluation, skipped, kept)
    Console().print(_table(result), _clicks_table(result))
    if skipped.reasons:
        Console().print(str(skipped), style="yellow")
    if path:
        results.write(result, path)
        kept.forget()


def object_extent(truth: np.ndarray) -> float:
    """Longer side of an object over that of its picture; 0 where there is none. truth: bool [H, W]."""
    ys, xs = np.nonzero(truth)
    return float(max(np.ptp(ys), np.ptp(xs)) + 1) / max(truth.shape) if len(ys) else 0.0


def open_benchmark(name: str, folder: Path) -> SampleDataset:
    """A data set by its name; under any other name, a folder of images/ and masks/."""
    return open_dataset(name if name in DATASETS else "folder", folder, "val")


def run(
    predictor: Predictor,
    data: SampleDataset,
    evaluation: Evaluation,
    skipped: SkippedSamples,
    kept: KeptLines | None = None,
) -> Result:
    """Evaluate what can be used of a data set; what cannot is noted in `skipped`, what is done in `kept`.

    Raises:
        ValueError: nothing of it can be used.
    """
    clock, start = NetworkClock(*(part.network for part in predictor.parts)), time.perf_counter()
    watched = track(readable(data, skipped), evaluation.dataset, total=len(data))
    annotations = evaluate(predictor, watched, evaluation.protocol, evaluation.lenient, kept)
    if not annotations:
        raise ValueError(f"{evaluation.data} has no sample that can be used; {skipped}")
    share = clock.seconds / (time.perf_counter() - start)
    return Result(
        evaluation.dataset, predictor.version, evaluation.protocol, evaluation.lenient, share, annotations
    )


def _table(result: Result) -> Table:
    kind = "lenient" if result.lenient else "centred"
    title = f"{result.dataset}: {result.checkpoint}, {result.protocol} protocol, {CLICKS} {kind} clicks"
    table = Table(title=title, show_header=False)
    time = [("time in the network", f"{result.network_share:.0%}")]
    for rows in (_means(summary(result.annotations)), _sizes(result), time):
        for row in rows:
            table.add_row(*row)
        table.add_section()
    return table


def _clicks_table(result: Result) -> Table:
    rows = by_click(result.annotations)
    table = Table(title="after each of so many clicks", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in rows[0]:
        table.add_column(heading, justify="right", min_width=max(map(len, heading.split())))
    for row in rows:
        table.add_row(*row.values())
    return table


def _means(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Those that are one number for the whole data set."""
    for name, value in figures.items():
        interval = figures.get(f"{name}_interval")
        told = f" (95 % interval {interval[0]} to {interval[1]})" if interval else ""
        if not isinstance(value, list | dict):
            yield name.replace("_", " ").replace("noc", "NoC").replace("auc", "AuC"), f"{value}{told}"


def _sizes(result: Result) -> Iterator[tuple[str, str]]:
    for name, group in by_extent(result.annotations).items():
        small = summary(group)
        told = f"NoC@90 {small['noc@90']}, IoU after one click {small['miou'][0]}, {len(group)} of them"
        yield f"objects {name} of the picture's side", told
