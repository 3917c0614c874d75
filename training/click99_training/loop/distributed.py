"""Data-parallel training under torchrun: every process takes its share of each batch, gradients are averaged.

Alone (no torchrun) all of it is the identity.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

import torch
import torch.distributed as dist
from torch import Tensor

from click99_training.recipes import Recipe


def join(device: torch.device) -> torch.device:
    """Join the processes that torchrun started, if it did; the device of this one."""
    if "WORLD_SIZE" not in os.environ:
        return device
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if device.type == "cuda" else device


def world() -> tuple[int, int]:
    """This process's rank, and how many there are."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def is_first() -> bool:
    """Whether this process is the one that tells people what all of them do; also before they joined."""
    return os.environ.get("RANK", "0") == "0"


def told_by_first(content: bytes, device: torch.device) -> bytes:
    """The first process's, in all of them; they may be on machines that share no disk."""
    if not dist.is_initialized():
        return content
    told = [content]
    dist.broadcast_object_list(told, src=0, device=device)
    return told[0]


def for_all_processes(recipe: Recipe) -> Recipe:
    """The recipe with batches as large as all processes' together."""
    _, processes = world()
    return replace(recipe, crops=tuple((side, n * processes, share) for side, n, share in recipe.crops))


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Every gradient becomes its mean over the processes, in one exchange."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def mean_over_processes(values: list[float], device: torch.device) -> list[float]:
    """What every process measured on its share of the batch, averaged."""
    if not dist.is_initialized():
        return values
    total = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return (total / dist.get_world_size()).tolist()


def wait_for_all() -> None:
    """Return when every process is here."""
    if dist.is_initialized():
        dist.barrier()
