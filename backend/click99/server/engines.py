"""Which engine computes a network: as CLICK99_ENGINE says, or the fastest whose masks agree."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from filelock import FileLock
from pydantic import TypeAdapter

from click99.extras import remedy
from click99.files import write_json
from click99.segmentation.clicks import Click
from click99.server.settings import Settings

if TYPE_CHECKING:
    from click99.segmentation.engine import Engine
    from click99.segmentation.predictor import Predictor

log = logging.getLogger(__name__)

FOLDER = "engines"  # in CLICK99_HOME; may be deleted at any time
AGREEMENT = 0.998  # IoU of two engines' masks, at least
SECONDS = 3.0  # after which no further turn of the comparison begins
LEAST_TURNS = 2  # what is computed first takes longer
PICTURES = ((240, 320), (320, 256))  # their heights and widths
CLICKS = [Click(150, 130, True), Click(20, 20, False), Click(190, 150, True)]


class EngineError(ValueError):
    """An engine that was asked for can't run the network; says why, and the remedy."""


class EngineTrial(NamedTuple):
    """milliseconds: of a click. agreement: the least IoU of its masks with eager's."""

    milliseconds: float
    agreement: float


@dataclass(frozen=True)
class EngineComparison:
    """The trial of each engine, eager's among them."""

    trials: dict[str, EngineTrial]

    def __post_init__(self):
        if "eager" not in self.trials:
            raise ValueError(f"eager is compared with none: {self.trials}")

    @property
    def chosen(self) -> str:
        agreeing = [name for name, trial in self.trials.items() if trial.agreement >= AGREEMENT]
        return min(agreeing, key=self.trials.__getitem__)

    def __str__(self) -> str:
        each = [
            f"{trial.milliseconds:.0f} ms with {name}"
            + (f" (its masks agree to IoU {trial.agreement:.4f})" if name != "eager" else "")
            for name, trial in self.trials.items()
        ]
        return f"a click takes {', '.join(each)}"


TRIALS = TypeAdapter(dict[str, EngineTrial])


def use_engine(predictor: Predictor, settings: Settings) -> Predictor:
    """The predictor, computed by the engine that the settings ask for; a GPU computes for itself.

    Conversion and comparison take seconds: done once a network and machine, they are kept in CLICK99_HOME.

    Raises:
        ModuleNotFoundError: OpenVINO is asked for and not installed. EngineError: it can't run the network.
    """
    if settings.engine == "eager" or predictor.device.type != "cpu":
        return predictor
    if settings.engine != "auto":
        _use(predictor, _converted(predictor, settings.engine, settings.home))
        return predictor
    try:
        _use_fastest(predictor, settings.home)
    except ModuleNotFoundError as missing:
        log.info("%s is computed by eager: %s", predictor.version, remedy(missing))
    except (OSError, EngineError) as error:
        log.warning("%s is computed by eager: %s", predictor.version, error)
    return predictor


def _use_fastest(predictor: Predictor, home: Path) -> None:
    """By the comparison that is kept, or by one that is made now and kept: so all workers choose the same."""
    from click99.segmentation.engine import conversion_key, conversions

    name = hashlib.sha256("".join(conversion_key(part.network) for part in predictor.parts).encode())
    file = home / FOLDER / f"{name.hexdigest()[:32]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(".comparing")):
        comparison = _kept(file)
        if comparison is None:
            comparison = compare(
                predictor, {each: _converted(predictor, each, home) for each in conversions()}
            )
            write_json(file, comparison.trials)
    if comparison.chosen != "eager":
        _use(predictor, _converted(predictor, comparison.chosen, home))
    log.info("%s is computed by %s: %s", predictor.version, comparison.chosen, comparison)


def _kept(file: Path) -> EngineComparison | None:
    try:
        return EngineComparison(TRIALS.validate_json(file.read_bytes()))
    except (OSError, ValueError):
        return None


def _converted(predictor: Predictor, engine: str, home: Path) -> list[Engine]:
    """Each part's network."""
    from click99.segmentation.engine import OpenVINO, conversion_key

    networks = [part.network for part in predictor.parts]
    try:
        files = [home / FOLDER / f"{conversion_key(each)}.{engine}" for each in networks]
        return [OpenVINO(each, file, engine) for each, file in zip(networks, files, strict=True)]
    except RuntimeError as error:
        remedy = "Set CLICK99_ENGINE=eager"
        why = str(error).splitlines()[0]
        raise EngineError(f"{engine} can't run {predictor.version} ({why}). {remedy}") from error


def _use(predictor: Predictor, engines: list[Engine]) -> None:
    for part, engine in zip(predictor.parts, engines, strict=True):
        part.streams = engine


def compare(predictor: Predictor, converted: dict[str, list[Engine]]) -> EngineComparison:
    """Of clicks on two pictures. The engines take turns until the time is up; each one's best turn counts.

    converted: by the engine's name, what computes each part of the predictor.
    """
    from click99.segmentation.metrics import iou

    engines = {"eager": [part.network for part in predictor.parts], **converted}
    parts = {name: _trial(predictor, each) for name, each in engines.items()}
    agreement = dict.fromkeys(parts, 1.0)
    seconds = dict.fromkeys(parts, float("inf"))
    end, turn = time.perf_counter() + SECONDS, 0
    while turn < LEAST_TURNS or time.perf_counter() < end:
        masks: dict[str, list[np.ndarray]] = {}
        for name in parts:
            start = time.perf_counter()
            masks[name] = [mask for part in parts[name] for mask in _masks(part, turn)]
            seconds[name] = min(seconds[name], time.perf_counter() - start)
            agreement[name] = min(agreement[name], *map(iou, masks["eager"], masks[name]))
        turn += 1
    clicks = len(predictor.parts) * len(PICTURES) * len(CLICKS)
    trials = {name: EngineTrial(1000 * seconds[name] / clicks, agreement[name]) for name in parts}
    return EngineComparison(trials)


def _trial(predictor: Predictor, engines: Sequence[Engine]) -> list[Predictor]:
    """Predictors of their own, so that nothing of a trial is kept."""
    from click99.segmentation.predictor import Predictor

    parts = [Predictor(part.network, part.version, view=part.view) for part in predictor.parts]
    for part, engine in zip(parts, engines, strict=True):
        part.streams = engine
    return parts


def _masks(part: Predictor, turn: int) -> Iterator[np.ndarray]:
    """After each click on each picture, as if the picture had never been seen."""
    for number, shape in enumerate(PICTURES):
        alpha, picture = None, ellipse(*shape)
        for k in range(len(CLICKS)):
            alpha = part.refine(picture, CLICKS[: k + 1], alpha, f"{turn} {number}")
            yield alpha > 0.5


def ellipse(height: int, width: int) -> np.ndarray:
    """A noisy picture of one: uint8 RGB [height, width, 3]."""
    clean = np.full((height, width, 3), 70, np.uint8)
    cv2.ellipse(clean, (160, 140), (90, 55), 20, 0, 360, (190, 150, 90), -1)
    return np.clip(clean + np.random.default_rng(0).normal(0, 12, clean.shape), 0, 255).astype(np.uint8)
