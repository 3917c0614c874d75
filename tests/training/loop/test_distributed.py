"""Data-parallel training with real processes under torchrun, on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from click99.segmentation.checkpoint import load_checkpoint
from tests.training.rows import rows

ROOT = Path(__file__).parents[3]


def run(data: Path, out: Path, batch: int, processes: int) -> Path:
    """`click99 train` in a process of its own, or in several under torchrun; one batch of a few clicks."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(torchrun if processes > 1 else []), "-m", "click99.cli", "train"]
    settings = ["--images", "4", "--crops", f"64:{batch}:1", "--threads", "1", "--save-minutes", "99"]
    settings += ["--device", "cpu"]  # two processes cannot share one GPU
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "--data", str(data), "--out", str(out), *settings],
        check=True,
        env=environment,
        capture_output=True,
        timeout=300,
    )
    return out


@pytest.mark.slow("trains, in several processes")
def test_two_processes_learn_what_one_does(data_folder: Path, tmp_path: Path):
    alone = run(data_folder, tmp_path / "alone", batch=2, processes=1)
    together = run(data_folder, tmp_path / "together", batch=1, processes=2)
    (ours,), (theirs,) = (rows(out / "log.csv") for out in (together, alone))
    for measured in ("loss", "iou_0", "iou_1", "iou_4"):
        assert float(ours[measured]) == pytest.approx(float(theirs[measured]), abs=2e-3), measured
    ours, theirs = (load_checkpoint(out / "compact.safetensors").state_dict() for out in (together, alone))
    for name, tensor in theirs.items():
        assert (ours[name] - tensor).abs().max() < 2e-3, name
