"""Weights that others released, in their own layouts, brought into the `paper` network.

imagenet: ResNet-50 with GroupNorm and Weight Standardisation (Qiao et al. 2019): a start for training.
paper: the network of Forte et al. 2020 as its authors released it: ready to click with.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from zipfile import is_zipfile

import torch
from torch import Tensor, nn

from click99.segmentation.checkpoint import CheckpointError, check_fit, save_checkpoint
from click99.segmentation.encoders import ResNet50
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import PAPER, NetworkConfig

CLASSIFIER = ("fc.weight", "fc.bias")
BEFORE_ZIP = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # how torch.save's files began until PyTorch 1.6

# The beginnings of the authors' names -> ours; what follows them (weight, bias) is the same.
PAPER_NAMES = {
    "encoder.": "encoder.",
    **{f"decoder.usr_encoder.conv{k + 1}.": f"interaction.convs.{k}.0." for k in range(6)},
    **{f"decoder.ppm.{k}.1.": f"pyramid.pooled.{k}.0." for k in range(4)},
    **{f"decoder.ppm.{k}.2.": f"pyramid.pooled.{k}.1." for k in range(4)},
    "decoder.conv_up1.0.": "decoder.stages.0.0.0.",
    "decoder.conv_up1.1.": "decoder.stages.0.0.1.",
    "decoder.conv_up1.3.": "decoder.stages.0.1.0.",
    "decoder.conv_up1.4.": "decoder.stages.0.1.1.",
    "decoder.conv_up2.0.": "decoder.stages.1.0.0.",
    "decoder.conv_up2.1.": "decoder.stages.1.0.1.",
    "decoder.conv_up3.0.": "decoder.stages.2.0.0.",
    "decoder.conv_up3.1.": "decoder.stages.2.0.1.",
    "decoder.conv_up4.0.": "decoder.stages.3.0.0.",
    "decoder.conv_up4.2.": "decoder.stages.3.1.0.",
    "decoder.conv_up4.4.": "decoder.head.",
    "decoder.guided_map_conv1.": "filter.guide.0.",
    "decoder.guided_map_conv2.": "filter.guide.2.",
}


def import_weights(file: Path, out: Path) -> str:
    """Write a checkpoint in float32 from a released file; which layout it has shows in its names.

    Returns:
        the layout: "imagenet" or "paper".

    Raises:
        CheckpointError: no such file, no tensors or not those of the layout in it, or no .safetensors name.
    """
    if out.suffix != ".safetensors":
        raise CheckpointError(f"{out} is no name for a checkpoint: let it end in .safetensors")
    tensors = read_tensors(file)
    layout = "paper" if any(name.startswith("decoder.") for name in tensors) else "imagenet"
    network = from_paper(tensors, file) if layout == "paper" else from_imagenet(tensors, file)
    save_checkpoint(network, out, dtype=torch.float32, imported=file.name, layout=layout)
    return layout


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a file that torch.save wrote, by name, without the prefix of DataParallel.

    Raises:
        CheckpointError: no such file, or no tensors in it.
    """
    if not file.is_file():
        raise CheckpointError(f"{file} does not exist: give the path of a released .pth file")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{file} {_unreadable(file, error)}") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(f"{file} holds no state dict: names with their tensors. Save that, and give it")
    return {name.removeprefix("module."): tensor.float() for name, tensor in content.items()}


def _unreadable(file: Path, error: Exception) -> str:
    """What a file is that torch.load refused, and what to do."""
    with file.open("rb") as start:
        begun = start.read(16)
    if isinstance(error, pickle.UnpicklingError) and (is_zipfile(file) or begun.startswith(BEFORE_ZIP)):
        why = "holds more than tensors, which is not read: it may run a program"
        return f"{why}. Save its state_dict alone, and give that"
    remedy = "Give the .pth file as it was released; if it is, download it again"
    size = f"{file.stat().st_size:,} bytes that begin with {begun!r}"
    return f"is no file of weights that torch.save wrote: {size}. {remedy}"


def from_paper(tensors: dict[str, Tensor], file: Path) -> TwoStreamNetwork:
    """The authors' released network, whole."""
    network = TwoStreamNetwork(PAPER)
    ours = {theirs_of(name): name for name in network.state_dict()}
    wanted = {theirs: network.state_dict()[name] for theirs, name in ours.items()}
    check_fit(wanted, tensors, f"{file} is not the released network of Forte et al. 2020")
    network.load_state_dict({ours[theirs]: tensor for theirs, tensor in tensors.items()})
    return network


def theirs_of(name: str) -> str:
    """The authors' name of one of our tensors."""
    for theirs, ours in PAPER_NAMES.items():
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    raise KeyError(name)


def from_imagenet(tensors: dict[str, Tensor], file: Path) -> TwoStreamNetwork:
    """A network to train, whose image stream is the released one."""
    given = {name: tensor for name, tensor in tensors.items() if name not in CLASSIFIER}
    wanted = ResNet50(inputs=3).state_dict()
    check_fit(wanted, given, f"{file} is not a ResNet-50 with GroupNorm and Weight Standardisation")
    return with_image_stream(given, PAPER)


def with_image_stream(given: dict[str, Tensor], config: NetworkConfig, seed: int = 0) -> TwoStreamNetwork:
    """A network to train: a ResNet-50's tensors, zero for inputs beside the image, all else drawn anew.

    Convolutions outside the image stream are drawn as the authors' code does (He et al. 2015, for ReLU).

    Args:
        given: the image stream of any variant, or of the ImageNet release.
    """
    torch.manual_seed(seed)
    network = TwoStreamNetwork(config)
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and not name.startswith("encoder."):
            nn.init.kaiming_normal_(module.weight)
    stem = torch.zeros_like(network.encoder.state_dict()["conv1.weight"])
    stem[:, :3] = given["conv1.weight"][:, :3]
    network.encoder.load_state_dict({**given, "conv1.weight": stem})
    return network
