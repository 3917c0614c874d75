"""Data-parallel training with real processes under torchrun, on the CPU."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from click99.segmentation.checkpoint import load_checkpoint
from tests.training.rows import rows
from tests.waiting import until

ROOT = Path(__file__).parents[3]


FP16 = 2**-10  # of a weight, between two that a checkpoint can hold
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(data: Path, out: Path, batch: int, processes: int, images: int, save_minutes: int) -> list[str]:
    """`click99 train` in a process of its own, or in several under torchrun."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    train = [sys.executable, *(torchrun if processes > 1 else []), "-m", "click99.cli", "train"]
    train += ["--preset", "compact"]
    settings = ["--images", f"{images}", "--crops", f"64:{batch}:1", "--threads", "1"]
    settings += ["--save-minutes", f"{save_minutes}", "--device", "cpu"]  # processes cannot share one GPU
    return [*train, "--data", str(data), "--out", str(out), *settings]


def run(data: Path, out: Path, batch: int, processes: int) -> Path:
    """One batch of a few clicks."""
    asked = command(data, out, batch, processes, images=4, save_minutes=99)
    subprocess.run(asked, check=True, env=ENVIRONMENT, capture_output=True, timeout=300)
    return out


@pytest.mark.slow("trains, in several processes")
def test_two_processes_learn_what_one_does(data_folder: Path, tmp_path: Path):
    alone = run(data_folder, tmp_path / "alone", batch=2, processes=1)
    together = run(data_folder, tmp_path / "together", batch=1, processes=2)
    (ours,), (theirs,) = (rows(out / "log.csv") for out in (together, alone))
    for measured in ("loss", "iou_0", "iou_1", "iou_4"):
        assert float(ours[measured]) == pytest.approx(float(theirs[measured]), abs=2e-3), measured
    ours, theirs = (load_checkpoint(out / "compact.safetensors").state_dict() for out in (together, alone))
    for name, tensor in theirs.items():  # Adam's first step goes either way if a gradient is nearly nothing
        torch.testing.assert_close(ours[name], tensor, rtol=FP16, atol=2e-3, msg=name)


@pytest.mark.slow("trains, in four processes, twice")
@pytest.mark.timeout(600)
def test_of_four_processes_one_is_killed_and_the_run_goes_on(data_folder: Path, tmp_path: Path):
    def seen() -> int:
        return torch.load(tmp_path / "last.pt", weights_only=True)["done"] if last.exists() else 0

    last, asked = tmp_path / "last.pt", (data_folder, tmp_path, 1, 4)
    begun = subprocess.Popen(
        command(*asked, images=4000, save_minutes=0), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    until(seen, 200)
    workers = Path(f"/proc/{begun.pid}/task/{begun.pid}/children").read_text().split()
    assert len(workers) == 4
    os.kill(int(workers[2]), signal.SIGKILL)
    _, told = begun.communicate(timeout=100)
    assert begun.returncode != 0
    assert "SIGKILL" in told
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers), (
        "no process waits for the dead one"
    )
    kept = seen()
    assert 0 < kept < 4000
    subprocess.run(
        command(*asked, images=kept + 8, save_minutes=99),
        check=True,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=300,
    )
    assert seen() == kept + 8, "two batches of four on top of what was saved"
    assert load_checkpoint(tmp_path / "compact.safetensors")
