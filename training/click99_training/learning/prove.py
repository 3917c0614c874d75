"""`click99 prove-learning`: does correcting some images make the next ones cheaper? On anyone's data.

A server of its own in a fresh home; a robot annotates the first images over HTTP; `click99 finetune`; then
both networks are clicked through the images that nobody corrected, and benchmarks that must not suffer.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image
from rich.console import Console
from rich.progress import track

from click99.files import write_json
from click99.registry.versions import Registry, Version
from click99.segmentation.checkpoint import SHIPPED, load_checkpoint, save_checkpoint
from click99.segmentation.device import use_threads
from click99.segmentation.predictor import Predictor
from click99_training.datasets.dataset import InProject, SampleDataset, Subset
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.evaluation import results
from click99_training.evaluation.curves import iou_per_click
from click99_training.evaluation.evaluate import Evaluation, open_benchmark, run
from click99_training.evaluation.results import Result
from click99_training.learning.compare import Comparison, compare, table
from click99_training.learning.robot_annotator import RobotAnnotator

HOST = "127.0.0.1"
NEW = "held out"  # the images of the data that nobody corrected
ALONE, TOGETHER = "all by what was learnt", "benchmarks together"


@dataclass(frozen=True)
class Proof:
    """What `click99 prove-learning` was asked for.

    benchmarks: name → folder of images/ and masks/. held_out: judge by so many of the last images only, 0: by
    all that are not annotated. checkpoint: what the server begins with; None: the shipped one. alone: let
    what was learnt answer everything, too, which is what a wrong choice costs.
    """

    data: Path
    out: Path
    correct: int = 30
    minutes: float = 15.0
    benchmarks: dict[str, Path] = field(default_factory=dict)
    base_data: Path | None = None
    device: str = "auto"
    threads: int = 0
    held_out: int = 0
    checkpoint: Path | None = None
    alone: bool = False


def prove(asked: Proof, console: Console) -> dict[str, Comparison]:
    """Annotate, fine-tune, evaluate; what is in `out` already is not made again, so a stopped proof goes on.

    Returns:
        before and after on the held-out images, on each benchmark, and on all benchmarks together; with
        `alone` the same with what was learnt answering all of them.

    Raises:
        ValueError: the data has too few images, or fine-tuning says why it cannot; OSError: a server's words.
    """
    data = MaskFolder(asked.data)
    held_out = asked.held_out or len(data) - asked.correct
    if not 0 < held_out <= len(data) - asked.correct:
        left = f"{max(0, len(data) - asked.correct) or 'none'} is left to judge by after {asked.correct}"
        raise ValueError(f"{asked.data} has {len(data)} masks: {left}")
    use_threads(asked.threads)
    home, facts = asked.out / "home", asked.out / "annotating.json"
    if asked.checkpoint and not Registry.at(home).served():
        Registry.at(home).promote(Registry.at(home).add(asked.checkpoint).name, "the proof begins with it")
    if not facts.exists():
        write_json(facts, _annotate(asked, data, home))
    if not (asked.out / "finetune" / "done").exists():
        _finetune(asked, home)
    candidate = Registry.at(home).get(_told(asked)["candidate"])
    rest = Subset(data, list(range(len(data) - held_out, len(data))))
    sets: dict[str, SampleDataset] = {NEW: InProject(rest, RobotAnnotator("").project_key)}
    sets |= {name: open_benchmark(name, folder) for name, folder in asked.benchmarks.items()}
    reached = {name: _reached(asked, candidate, data) for name, data in sets.items()}
    compared = _compare(asked, candidate, sets, reached)
    _write(asked, candidate, json.loads(facts.read_text()), compared, reached)
    console.print(table(f"{asked.correct} corrected, {asked.minutes:g} minutes of fine-tuning", compared))
    return compared


def _annotate(asked: Proof, data: SampleDataset, home: Path) -> dict[str, Any]:
    """Have the first images annotated; clicks and IoU of each."""
    with _server(asked, home) as url:
        robot, took = RobotAnnotator(url), []
        for k in track(range(asked.correct), "annotating"):
            took.append(robot.annotate(k + 1, data[k]))
    last = [ious[-1] if ious else 1.0 for ious in took]
    return {"clicks": [len(ious) for ious in took], "ious": [round(iou, 4) for iou in last]}


@contextmanager
def _server(asked: Proof, home: Path) -> Iterator[str]:
    """`click99 serve` in its home until the end; its address."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "click99.cli", "serve", "--host", HOST, "--port", str(port)]
    with (asked.out / "server.log").open("ab") as log:
        server = subprocess.Popen(command, env=_environment(asked, home), stdout=log, stderr=log)
    try:
        _wait_for(f"http://{HOST}:{port}", server, asked.out / "server.log")
        yield f"http://{HOST}:{port}"
    finally:
        server.terminate()  # writes what waits for the record
        server.wait(60)


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + 600  # on a computer that does much else
    while server.poll() is None and time.monotonic() < until:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise OSError(f"click99 serve did not start: see {log}")


def _environment(asked: Proof, home: Path) -> dict[str, str]:
    """Nobody's settings but these, so that the proof says the same anywhere."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLICK99_", "LABEL_STUDIO_"))
    }
    given = {
        "HOME": home,
        "DEVICE": asked.device,
        "THREADS": asked.threads,
        "BASE_DATA": asked.base_data or "",
    }
    return clean | {f"CLICK99_{name}": str(value) for name, value in given.items()}


def _finetune(asked: Proof, home: Path) -> None:
    out = asked.out / "finetune"
    command = [
        sys.executable,
        "-m",
        "click99.cli",
        "finetune",
        "--out",
        str(out),
        "--minutes",
        str(asked.minutes),
    ]
    if subprocess.run(command, env=_environment(asked, home)).returncode:
        raise ValueError("click99 finetune came to no decision; what it said stands above")
    (out / "done").touch()


def _told(asked: Proof) -> dict[str, Any]:
    return json.loads((asked.out / "finetune" / "progress.json").read_text())


def _compare(
    asked: Proof, candidate: Version, sets: dict[str, SampleDataset], reached: dict[str, float]
) -> dict[str, Comparison]:
    """Evaluate both networks on every set. Where what was learnt answers nothing, it is the network before
    that answers, so its figures are both's."""
    networks = {"before": asked.checkpoint or SHIPPED, "after": candidate.path}
    if asked.alone:
        networks["alone"] = _alone(asked, candidate)
    found: dict[str, list[np.ndarray]] = {}
    for name, data in sets.items():
        before = _evaluate(asked, "before", networks["before"], name, data)
        after = _evaluation_file(asked, name, "after")
        if not reached[name] and not after.exists():
            results.write(before, after)
        found[name] = [_evaluate(asked, side, path, name, data).ious for side, path in networks.items()]
    if len(asked.benchmarks) > 1:
        found[TOGETHER] = [
            np.concatenate(ious) for ious in zip(*(found[name] for name in asked.benchmarks), strict=True)
        ]
    told = ("", f", {ALONE}")
    return {
        name + how: compare(before, after)
        for name, (before, *afters) in found.items()
        for how, after in zip(told, afters, strict=False)
    }


def _alone(asked: Proof, candidate: Version) -> Path:
    """The candidate without the network before."""
    file = asked.out / "alone.safetensors"
    save_checkpoint(load_checkpoint(candidate.path), file)
    return file


def _reached(asked: Proof, candidate: Version, data: SampleDataset) -> float:
    """The share of a set's masks that what was learnt answers."""
    predictor = Predictor.load(candidate.path, asked.device)
    answers = [
        predictor.for_image(each.image, each.name, each.project) is predictor
        for each in readable(data, SkippedSamples())
    ]
    return round(float(np.mean(answers)), 4)


def _evaluate(asked: Proof, side: str, checkpoint: Path, name: str, data: SampleDataset) -> Result:
    file = _evaluation_file(asked, name, side)
    if not file.exists():
        predictor = Predictor.load(checkpoint, asked.device)
        evaluation = Evaluation(name, asked.benchmarks.get(name, asked.data), checkpoint)
        results.write(run(predictor, data, evaluation, SkippedSamples()), file)
    return results.read(file)


def _evaluation_file(asked: Proof, name: str, side: str) -> Path:
    return asked.out / "evaluations" / f"{name.replace(' ', '-')}.{side}.json"


def _write(
    asked: Proof,
    candidate: Version,
    annotating: dict[str, Any],
    compared: dict[str, Comparison],
    reached: dict[str, float],
) -> None:
    """OUT/proof.json with all figures, and OUT/proof.webp."""
    facts = {
        "correct": asked.correct,
        "minutes": asked.minutes,
        "candidate": candidate.name,
        "gate": candidate.facts.get("gate"),
        "annotating": annotating,
        "reached": reached,
        "compared": {name: each.to_json() for name, each in compared.items()},
    }
    write_json(asked.out / "proof.json", facts)
    shown = {
        f"{name}, {side}": results.read(_evaluation_file(asked, name, side))
        for name in (NEW, *asked.benchmarks)
        for side in ("before", "after")
    }
    picture = asked.out / "proof.png"
    iou_per_click(shown).figure.savefig(picture, dpi=110, facecolor="white")
    with Image.open(picture) as image:
        image.save(asked.out / "proof.webp", quality=85)
    picture.unlink()
