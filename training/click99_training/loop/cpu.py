"""What makes training steps fast on CPUs."""

from __future__ import annotations

import ctypes

import torch

from click99.segmentation.device import use_threads


def prepare_for_training(threads: int) -> None:
    """Threads as in `use_threads`, and what makes steps fast."""
    use_threads(threads)
    keep_freed_memory()
    torch.set_flush_denormal(True)  # vanishing gradients made steps three times slower


def keep_freed_memory() -> None:
    """Have glibc keep what large tensors free instead of handing it back: a quarter of a CPU step's time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return  # not glibc
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD, M_MMAP_MAX of malloc.h
    libc.mallopt(trim_threshold, 2**31 - 1)
    libc.mallopt(mmap_max, 0)
