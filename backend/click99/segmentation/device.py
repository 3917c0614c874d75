"""What a network computes on: a device, and the processor's threads."""

from __future__ import annotations

import os

import torch


def chosen_device(name: str) -> str:
    """A device's name; "auto": a GPU where there is one."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def use_threads(count: int) -> None:
    """Compute with so many threads of the processor; 0: as many as there are cores."""
    torch.set_num_threads(count or os.cpu_count() or 1)
