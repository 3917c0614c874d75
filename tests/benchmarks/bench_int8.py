"""Whether the network in int8 is worth it: as fast as what, and with which masks.

    python -m pip install nncf==3.4.0
    python -m tests.benchmarks.bench_int8 --data DATA [--calibration 40] [--objects 60]

NNCF, which is none of click99's libraries (best in an environment for this alone), quantises both streams of
the shipped network after training: what they are given for clicks of a robot on training pictures tells each
tensor's range. The guided filter and the quality head, which need small differences, stay as they are.

Times: the network alone on one window, in turns. Masks: of the robot's clicks on validation pictures, once
each engine asked with PyTorch's clicks after PyTorch's mask, once each by itself.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from click99.segmentation import engine as engines
from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.engine import Engine, OpenVINO, conversions, traced
from click99.segmentation.metrics import bootstrap_interval, iou, noc
from click99.segmentation.network import ImageFeatures, NetworkOutput, TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import ROBOTS
from click99_training.datasets.dataset import SampleDataset, evenly
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.sample import Sample
from click99_training.evaluation.evaluate import annotate
from tests.benchmarks.turns import medians

WINDOW = (352, 448)  # network pixels
CLICKS = 5
CALIBRATED = 3  # clicks on each training picture
PRECISE = [".*filter.*", ".*quality.*"]  # steps that are not quantised


class Seen:
    """The network, noting what each stream is given."""

    engine = "eager"

    def __init__(self, network: TwoStreamNetwork):
        self._network = network
        self.images: list[list[np.ndarray]] = []
        self.clicks: list[list[np.ndarray]] = []

    def encode(
        self, image: Tensor, click_maps: Tensor | None = None, previous: Tensor | None = None
    ) -> ImageFeatures:
        self.images.append(_arrays(image))
        return self._network.encode(image, click_maps, previous)

    def __call__(
        self, features: ImageFeatures, click_maps: Tensor, previous: Tensor, likeness: Tensor | None = None
    ) -> NetworkOutput:
        self.clicks.append(_arrays(click_maps, previous, features.image, features.context, *features.skips))
        return self._network(features, click_maps, previous, likeness)


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [tensor.contiguous().numpy().copy() for tensor in tensors]


def quantised(network: TwoStreamNetwork, data: SampleDataset, file: Path, rest: str) -> OpenVINO:
    """The network in int8, made in `file`. rest: the engine in whose precision all else is computed."""
    import nncf  # pyright: ignore[reportMissingImports]

    seen, predictor = Seen(network), Predictor(network, "calibration")
    predictor.streams = seen
    for k in range(len(data)):
        annotate(predictor, data[k], clicks=CALIBRATED)
    made = []
    for model, inputs in zip(traced(network), (seen.images, seen.clicks), strict=True):
        examples = nncf.Dataset([dict(enumerate(each)) for each in inputs])
        made.append(
            nncf.quantize(
                model,
                examples,
                preset=nncf.QuantizationPreset.MIXED,
                subset_size=len(inputs),
                ignored_scope=nncf.IgnoredScope(patterns=PRECISE, validate=False),
            )
        )
    settings = engines._settings(rest)
    engines._keep(file, *(engines._compiled(model, settings) for model in made))
    return OpenVINO(network, file, rest)


def predictor_of(network: TwoStreamNetwork, engine: Engine) -> Predictor:
    predictor = Predictor(network, "compared")
    predictor.streams = engine
    return predictor


@torch.inference_mode()
def times(network: TwoStreamNetwork, streams: dict[str, Engine], rounds: int) -> None:
    """Print a row for each stream."""
    image, previous = torch.rand(1, 3, *WINDOW), torch.rand(1, 1, *WINDOW)
    maps = torch.rand(1, network.config.click_channels, *WINDOW)
    features = network.encode(image)
    work: dict[str, Callable[[Any], Callable[[], object]]] = {
        "image stream": lambda engine: partial(engine.encode, image),
        "click": lambda engine: partial(engine, features, maps, previous),
    }
    print(f"| ms, median of {rounds} | {' | '.join(streams)} |\n" + "|---" * (1 + len(streams)) + "|")
    for name, of in work.items():
        taken = medians({engine: of(streams[engine]) for engine in streams}, rounds)
        print(f"| {name} | {' | '.join(f'{taken[engine]:.0f}' for engine in streams)} |", flush=True)


class Followed(NamedTuple):
    """Of one object: eager's IoUs with the truth after each click [CLICKS], and with each other engine's
    masks after the same clicks, from eager's mask before."""

    ious: np.ndarray
    agreed: dict[str, list[float]]


def followed(eager: Predictor, others: dict[str, Predictor], sample: Sample) -> Followed:
    alpha, clicks, ious = None, list[Click](), list[float]()
    agreed: dict[str, list[float]] = {name: [] for name in others}
    while len(clicks) < CLICKS:
        before = np.zeros_like(sample.truth) if alpha is None else alpha > 0.5
        correction = ROBOTS["paper"](sample.truth, before, sample.void, clicks)
        if correction is None:
            break
        clicks.append(correction.click)
        asked = sample.image, clicks, alpha, sample.name
        alpha = eager.refine(*asked)
        ious.append(iou(alpha > 0.5, sample.truth, sample.void))
        for name, other in others.items():
            agreed[name].append(iou(alpha > 0.5, other.refine(*asked) > 0.5))
    ended = ious[-1] if ious else 1.0
    return Followed(np.array(ious + [ended] * (CLICKS - len(ious))), agreed)


def masks(predictors: dict[str, Predictor], data: SampleDataset) -> None:
    """Print how each engine's masks compare with those of the first, eager's, and with the truth."""
    eager, *names = predictors
    others = {name: predictors[name] for name in names}
    ious: dict[str, list[np.ndarray]] = {name: [] for name in predictors}
    agreed: dict[str, list[list[float]]] = {name: [] for name in others}
    for k in range(len(data)):
        sample = data[k]
        own, same = followed(predictors[eager], others, sample)
        ious[eager].append(own)
        for name, other in others.items():
            ious[name].append(annotate(other, sample, clicks=CLICKS).ious)
            agreed[name].append(same[name])
    print(
        "\n| | IoU with eager's: first click, mean / 5 % / least | later ones | IoU 1 | IoU 3 | IoU 5 |",
        end="",
    )
    print(" NoC@85 | NoC@90 | mean IoU, less eager's (95 %) | NoC@90, likewise |\n" + "|---" * 10 + "|")
    for name, table in ious.items():
        print(_row(name, np.stack(table), np.stack(ious[eager]), agreed.get(name)))


def _row(name: str, table: np.ndarray, eager: np.ndarray, agreed: list[list[float]] | None) -> str:
    cells = ["", ""]
    if agreed is not None:
        parts = [each[0] for each in agreed if each], [one for each in agreed for one in each[1:]]
        cells = [f"{np.mean(p):.4f} / {np.percentile(p, 5):.4f} / {min(p):.3f}" for p in parts]
    cells += [f"{table[:, k].mean():.4f}" for k in (0, 2, 4)]
    cells += [f"{noc(table, share).mean():.2f}" for share in (0.85, 0.9)]
    for less in (table.mean(1) - eager.mean(1), noc(table, 0.9) - noc(eager, 0.9)):
        low, high = bootstrap_interval(less)
        cells.append(f"{less.mean():+.4f} ({low:+.4f} to {high:+.4f})")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="pictures with a manifest")
    parser.add_argument("--calibration", type=int, default=40)
    parser.add_argument("--objects", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    use_threads(asked.threads)
    network = Predictor.load(None, "cpu").network
    made = conversions()
    streams: dict[str, Engine] = {"eager": network, **{name: OpenVINO(network, None, name) for name in made}}
    with tempfile.TemporaryDirectory() as folder:
        calibration = evenly(ManifestDataset(asked.data, "train"), asked.calibration)
        streams["int8"] = quantised(network, calibration, Path(folder, "int8"), made[-1])
        times(network, streams, asked.rounds)
        objects = evenly(ManifestDataset(asked.data, "val"), asked.objects)
        compared = "eager", made[-1], "int8"
        masks({name: predictor_of(network, streams[name]) for name in compared}, objects)


if __name__ == "__main__":
    main()
