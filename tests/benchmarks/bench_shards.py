"""What a hundred thousand labelled objects in a bucket take of the memory of who trains on them.

    python -m tests.benchmarks.bench_shards [--masks 100000] [--draws 2000]

A snapshot of tiny pictures becomes shards on a real S3 server of another process, and is drawn from, each in
a process of its own. Shown are its megabytes and processor seconds: before and after it writes the shards;
before it opens them, after, and after all draws.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from click99_training.datasets.shards import ShardDataset
from click99_training.learning.shards import write_shards
from click99_training.learning.snapshots import image_name, seal
from click99_training.recipes import FINETUNE
from tests.s3_server import S3Server

SIDE = 16
SHARD_BYTES = 8 * 2**20  # moto reads a whole object to answer a range of it: of 128 MB, a tenth of a second
CLICK = {"x": 4, "y": 4, "positive": True, "origin": "nothing", "start": None}


def write_tiny_snapshot(folder: Path, masks: int) -> None:
    """All of it in the split train: of noise, each with a square."""
    for kind in ("images", "masks"):
        (folder / "train" / kind).mkdir(parents=True)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[2:10, 2:10] = 255
    rng, lines = np.random.default_rng(0), []
    for _ in range(masks):
        image = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        file = f"train/masks/{image_name(image)}_0.png"
        Image.fromarray(image).save(folder / "train" / "images" / f"{image_name(image)}.png")
        Image.fromarray(mask).save(folder / file)
        lines.append(json.dumps({"mask": file, "clicks": [CLICK]}))
    (folder / "clicks.jsonl").write_text("\n".join(lines) + "\n")
    seal(folder)


def serve(told: Connection) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with S3Server() as server:
        server.bucket("data")
        told.send(server.variables)
        told.recv()


def megabytes(peak: bool = False) -> float:
    """Of this process, as Linux tells: getrusage's peak would be that of who started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:" if peak else "VmRSS:")[1].split()[0]) / 1024


def write(snapshot: str) -> None:
    before, start = megabytes(), time.process_time()
    write_shards(Path(snapshot), "s3://data/tiny", shard_bytes=SHARD_BYTES)
    print(f"writing: before {before:.0f} MB, after {megabytes():.0f}", end="")
    print(
        f" (peak {megabytes(peak=True):.0f}); {time.process_time() - start:.0f} s of a processor", flush=True
    )


def draw(count: int) -> None:
    before = megabytes()
    data, rng = ShardDataset("s3://data/tiny", "train"), np.random.default_rng(0)
    print(f"{len(data)} masks, index {data.rows.nbytes / 2**20:.1f} MB")
    opened, start = megabytes(), time.process_time()
    for _ in range(count):
        data.draw(rng, FINETUNE)
    print(f"drawing: before {before:.0f} MB, opened {opened:.0f},", end="")
    print(f" after {count} draws {megabytes():.0f} (peak {megabytes(peak=True):.0f});", end="")
    print(f" {(time.process_time() - start) / count * 1000:.1f} ms of a processor a draw", flush=True)


def alone(work: Callable[[Any], None], about: Any) -> None:
    """In a process that has done nothing else."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=(about,))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--masks", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=2000)
    asked = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(theirs,))
    server.start()
    os.environ |= ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        write_tiny_snapshot(Path(folder), asked.masks)
        alone(write, folder)
    alone(draw, asked.draws)
    ours.send(None)
    server.join()


if __name__ == "__main__":
    main()
