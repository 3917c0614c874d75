"""ImageNet weights arrive unchanged."""

from __future__ import annotations

import torch

from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from click99_training.loop.pretrained import fold_batch_norm


def test_batch_normalisation_folds_exactly():
    torch.manual_seed(1)
    encoder = TwoStreamNetwork(COMPACT).encoder
    released, expected = {}, []
    for k, conv in enumerate(m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)):
        norm = torch.nn.BatchNorm2d(conv.out_channels, eps=1e-3).eval()
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            torch.nn.init.normal_(tensor)  # type: ignore[arg-type]
        norm.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
        kernel = torch.randn_like(conv.weight)
        released |= {
            f"{k}.kernel": kernel,
            **{f"n{k}.{name}": value for name, value in norm.state_dict().items()},
        }
        x = torch.randn(1, conv.in_channels, 8, 8)
        expected.append((x, norm(torch.nn.functional.conv2d(x, kernel, None, 1, 0, 1, conv.groups))))
    fold_batch_norm(encoder, released)
    convs = [m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    for conv, (x, wanted) in zip(convs, expected, strict=True):
        got = torch.nn.functional.conv2d(x, conv.weight, conv.bias, 1, 0, 1, conv.groups)
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
