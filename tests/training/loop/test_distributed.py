"""Data-parallel training with real processes under torchrun, on the CPU.

Machines are torchruns of their own, each with a folder of its own, that find each other by an address.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from click99.demo.programs import free_port
from click99.segmentation.checkpoint import load_checkpoint
from tests.training.rows import rows
from tests.waiting import until

ROOT = Path(__file__).parents[3]
MACHINES = 2
FP16 = 2**-10  # of a weight, between two that a checkpoint can hold
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
TRAIN = ("-m", "tests.training.loop.told_weights", "train", "--preset", "compact", "--threads", "1")
CPU = ("--device", "cpu")  # processes cannot share one GPU


def asked(data: Path, out: Path, batch: int, images: int, save_minutes: int = 99) -> list[str]:
    settings = ["--images", f"{images}", "--crops", f"64:{batch}:1", "--save-minutes", f"{save_minutes}"]
    return [*TRAIN, *CPU, "--data", str(data), "--out", str(out), *settings]


def begin(data: Path, outs: list[Path], processes: int, **run: int) -> list[subprocess.Popen[str]]:
    """The machines' torchruns, each with so many processes and one crop a batch in each."""
    torchrun = ["-m", "torch.distributed.run", f"--nnodes={MACHINES}", f"--nproc-per-node={processes}"]
    torchrun += ["--master-addr=127.0.0.1", f"--master-port={free_port(0)}"]
    return [
        subprocess.Popen(
            [sys.executable, *torchrun, f"--node-rank={rank}", *asked(data, out, 1, **run)],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, out in enumerate(outs)
    ]


def ended(machines: list[subprocess.Popen[str]]) -> tuple[list[str], list[str]]:
    """The digests of the weights that all processes end with, and what each machine complained of."""
    told = [machine.communicate(timeout=400) for machine in machines]
    said = "".join(out for out, _ in told)
    assert said.count("checkpoint: ") <= 1, "one process says what all of them did"
    return re.findall(r"weights (\w+)", said), [error for _, error in told]


@pytest.mark.slow("trains, in several processes")
@pytest.mark.timeout(600)
def test_two_machines_learn_what_one_process_does(data_folder: Path, tmp_path: Path):
    """One batch of a few clicks."""
    outs = [tmp_path / name for name in ("first", "second")]
    weights, complaints = ended(begin(data_folder, outs, processes=1, images=4))
    assert len(weights) == MACHINES, complaints
    assert len({*weights}) == 1
    alone = tmp_path / "alone"
    subprocess.run([sys.executable, *asked(data_folder, alone, MACHINES, 4)], check=True, env=ENVIRONMENT)
    (ours,), (theirs,) = (rows(out / "log.csv") for out in (outs[0], alone))
    for measured in ("loss", "iou_0", "iou_1", "iou_4"):
        assert float(ours[measured]) == pytest.approx(float(theirs[measured]), abs=2e-3), measured
    ours, theirs = (load_checkpoint(out / "compact.safetensors").state_dict() for out in (outs[0], alone))
    for name, tensor in theirs.items():  # Adam's first step goes either way if a gradient is nearly nothing
        torch.testing.assert_close(ours[name], tensor, rtol=FP16, atol=2e-3, msg=name)


@pytest.mark.slow("trains, in four processes, twice")
@pytest.mark.timeout(600)
def test_of_four_processes_on_two_machines_one_is_killed_and_the_run_goes_on(
    data_folder: Path, tmp_path: Path
):
    """With nothing in the second one's folder: what is saved comes from the first."""

    def seen() -> int:
        return torch.load(last, weights_only=True)["done"] if last.exists() else 0

    outs = [tmp_path / name for name in ("first", "second")]
    last = outs[0] / "last.pt"
    begun = begin(data_folder, outs, processes=2, images=4000, save_minutes=0)
    until(seen, 300)
    workers = [children(machine.pid) for machine in begun]
    assert [len(each) for each in workers] == [2, 2]
    os.kill(workers[1][0], signal.SIGKILL)
    _, complaints = ended(begun)
    assert all(machine.returncode for machine in begun)
    assert "SIGKILL" in complaints[1]
    assert not any(Path(f"/proc/{worker}").exists() for each in workers for worker in each), (
        "no process waits for the dead one"
    )
    kept = seen()
    assert 0 < kept < 4000
    assert not [*outs[1].glob("last.pt")]
    weights, complaints = ended(begin(data_folder, outs, processes=2, images=kept + 8))
    assert len(weights) == 4, complaints
    assert len({*weights}) == 1
    assert seen() == kept + 8, "two batches of four on top of what was saved"
    assert load_checkpoint(outs[0] / "compact.safetensors")


def children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
