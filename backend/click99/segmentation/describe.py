"""What a configuration builds: each layer's shape, parameters, multiply-adds, beside the paper's tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from click99.segmentation.network import ConvBlock, MaskSummary, TwoStreamNetwork
from click99.segmentation.presets import NetworkConfig

PARTS = {
    "encoder": "image stream",
    "interaction": "interaction stream",
    "pyramid": "pyramid pooling",
    "decoder": "decoder",
    "filter": "guided filter",
    "quality": "quality head",
}

# Layers of `paper` -> what Forte et al. 2020 print in Tables 4 and 5: channels and strides.
TABLES = {
    "interaction.convs.0": "Table 4, conv1: 64",
    "interaction.convs.1": "Table 4, conv2: 128, stride 2",
    "interaction.convs.2": "Table 4, conv3: 256",
    "interaction.convs.3": "Table 4, conv4: 256, stride 2",
    "interaction.convs.4": "Table 4, conv5: 256, stride 2",
    "interaction.convs.5": "Table 4, conv6: 256",
    "decoder.stages.0.0": "Table 5, conv1: 3328 → 256",
    "decoder.stages.0.1": "Table 5, conv2: 256 → 256, ↑2",
    "decoder.stages.1.0": "Table 5, conv3: 768 → 256, ↑2",
    "decoder.stages.2.0": "Table 5, conv4: 384 → 64, ↑2",
    "decoder.stages.3.0": "Table 5, conv5: 73 → 32",
    "decoder.stages.3.1": "Table 5, conv6: 32 → 16",
    "decoder.head": "Table 5, conv7: 16 → 1, clip(0, 1)",
}


@dataclass(frozen=True)
class Layer:
    """A convolution with its normalisation, a stage of the image stream, or a layer of the quality head."""

    part: str
    name: str  # the module's, as in checkpoints
    inputs: int  # channels
    outputs: int  # channels
    height: int  # of the output
    width: int
    parameters: int
    multiply_adds: int  # for one image
    table: str  # what the paper's tables say of it, where they do


def layers(config: NetworkConfig, height: int = 352, width: int = 352) -> list[Layer]:
    """Every layer in order at an input of this size (multiples of 32), without computing anything."""
    with torch.device("meta"):
        network = TwoStreamNetwork(config).eval()
        image, previous = torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width)
        maps = torch.zeros(1, config.click_channels, height, width)
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    inputs: dict[nn.Module, tuple[int, ...]] = {}

    def measure(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        inputs[module], shapes[module] = given[0].shape[1:], (*output.shape[1:], 1, 1, 1)[:3]

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.GroupNorm | nn.Sequential | MaskSummary):
            module.register_forward_hook(measure)
    with torch.no_grad():
        _, _, summary = network(network.encode(image, maps, previous), maps, previous, previous)
        if network.quality and summary is not None:
            network.quality.of_look(summary, summary, summary.new_zeros(1, network.quality.PLACE))
    return [
        Layer(
            PARTS[name.split(".")[0]],
            name,
            inputs[module][0],
            *shapes[module],
            parameters=sum(p.numel() for p in module.parameters()),
            multiply_adds=sum(
                _multiply_adds(inner, inputs[inner], shapes[inner]) for inner in _multiplying(module)
            ),
            table=TABLES.get(name, "") if config.name == "paper" else "",
        )
        for name, module in _rows(network)
    ]


def summary(config: NetworkConfig, height: int = 352, width: int = 352) -> dict[str, Any]:
    """The layers and their sums, ready for JSON."""
    described = layers(config, height, width)
    return {
        "preset": config.name,
        "height": height,
        "width": width,
        "parameters": sum(layer.parameters for layer in described),
        "multiply_adds": sum(layer.multiply_adds for layer in described),
        "layers": [asdict(layer) for layer in described],
        "config": asdict(config),
    }


def _rows(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The modules that are a layer each: stages of the image stream, else convolutions with their norm."""
    stage = name.startswith("encoder.") and isinstance(module, nn.Sequential)
    if stage or isinstance(module, ConvBlock | nn.Conv2d | nn.Linear | nn.GroupNorm | MaskSummary):
        yield name, module
        return
    for child, inner in module.named_children():
        yield from _rows(inner, f"{name}.{child}" if name else child)


def _multiplying(module: nn.Module) -> Iterator[nn.Conv2d | nn.Linear | MaskSummary]:
    return (inner for inner in module.modules() if isinstance(inner, nn.Conv2d | nn.Linear | MaskSummary))


def _multiply_adds(
    layer: nn.Conv2d | nn.Linear | MaskSummary, given: tuple[int, ...], output: tuple[int, ...]
) -> int:
    if isinstance(layer, MaskSummary):
        return layer.MEANS * prod(given)  # the decoder's features are averaged so often, with other weights
    return layer.weight[0].numel() * prod(output)
