"""What a network computes on: a device, and the processor's threads."""

from __future__ import annotations

import os

import torch


def chosen_device(name: str) -> str:
    """A device's name; "auto": a GPU where there is one. ValueError: there is no such device here."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # PyTorch built without it
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r}: {reason}. Take auto, cpu, or cuda where there is a GPU") from None
    return name


def use_threads(count: int) -> None:
    """Compute with so many threads of the processor; 0: as many as there are cores."""
    torch.set_num_threads(count or os.cpu_count() or 1)
