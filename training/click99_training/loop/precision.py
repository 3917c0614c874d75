"""What a training step computes in: bf16 where the hardware does, fp32 otherwise."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def computes_in_bf16(device: torch.device) -> bool:
    """Whether bf16 is the device's own: emulated, it is slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def mixed_precision(device: torch.device) -> torch.autocast:
    """bf16 where the device computes in it; as the network is, otherwise."""
    return torch.autocast(device.type, torch.bfloat16, enabled=computes_in_bf16(device))


def keep_in_fp32(network: nn.Module, device: torch.device) -> None:
    """Leave out of autocast, on a CPU, what bf16 makes slower there: the gradients of depthwise convolutions
    (three times as slow as in fp32) and of normalisations (twice).

    Copy a network before, not after: the copy would compute with this one's weights.
    """
    if device.type != "cpu" or not computes_in_bf16(device):
        return
    for module in network.modules():
        if isinstance(module, nn.GroupNorm) or (isinstance(module, nn.Conv2d) and module.groups > 1):
            module.forward = _without_autocast(module)  # pyright: ignore[reportAttributeAccessIssue]


def _without_autocast(module: nn.Module) -> Callable[[Tensor], Tensor]:
    forward = module.forward

    def in_fp32(x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return forward(x.float())

    return in_fp32
