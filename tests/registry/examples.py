"""Checkpoints of random weights, and jobs that train nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from click99.registry.job import Job
from click99.registry.jobs import Jobs
from click99.segmentation.checkpoint import save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from tests.waiting import until

STAND_IN = (sys.executable, str(Path(__file__).parent / "stand_in.py"))  # instead of `click99 finetune`


def ended(jobs: Jobs, number: int) -> Job:
    until(lambda: jobs.get(number).state != "running")
    return jobs.get(number)


def checkpoint(path: Path, seed: int = 0, **changes: Any) -> Path:
    """A network that looks at small pictures as they are, which is fast."""
    torch.manual_seed(seed)
    save_checkpoint(TwoStreamNetwork(replace(COMPACT, view="whole", **changes)), path, seed=seed)
    return path
