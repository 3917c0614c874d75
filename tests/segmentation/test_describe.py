from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.describe import TABLES, layers, summary
from click99.segmentation.network import InteractionStream, TwoStreamNetwork
from click99.segmentation.presets import COMPACT, PAPER, PRESETS, VARIANTS, NetworkConfig, variant

pytestmark = pytest.mark.slow("computes the sums of whole networks")

CONFIGS = {f"{preset} {name}": variant(PRESETS[preset], name) for preset in PRESETS for name in VARIANTS[1:]}
CONFIGS["compact that ships"] = replace(COMPACT, quality_among_looks=True)

# layer -> channels in and out, stride of its output: dilated ResNet-50, released interaction stream, Table 5
PAPER_LAYERS = {
    "encoder.conv1": (9, 64, 2),
    "encoder.bn1": (64, 64, 2),
    "encoder.layer1": (64, 256, 4),
    "encoder.layer2": (256, 512, 8),
    "encoder.layer3": (512, 1024, 8),
    "encoder.layer4": (1024, 2048, 8),
    "interaction.convs.0": (7, 32, 1),
    "interaction.convs.1": (32, 64, 2),
    "interaction.convs.2": (64, 128, 2),
    "interaction.convs.3": (128, 256, 4),
    "interaction.convs.4": (256, 256, 8),
    "interaction.convs.5": (256, 256, 8),
    "decoder.stages.0.0": (2048 + 4 * 256 + 256, 256, 8),
    "decoder.stages.0.1": (256, 256, 8),
    "decoder.stages.1.0": (256 + 256 + 256, 256, 4),
    "decoder.stages.2.0": (256 + 64 + 64, 64, 2),
    "decoder.stages.3.0": (64 + 3 + 6, 32, 1),
    "decoder.stages.3.1": (32, 16, 1),
    "decoder.head": (16, 1, 1),
    "filter.guide.0": (5, 64, 1),
    "filter.guide.2": (64, 1, 1),
}


def test_every_layer_of_paper_has_the_shape_of_the_tables():
    described = {layer.name: layer for layer in layers(PAPER, 352, 704)}
    for name, (inputs, outputs, stride) in PAPER_LAYERS.items():
        layer = described.pop(name)
        assert (layer.inputs, layer.outputs) == (inputs, outputs), name
        assert (layer.height, layer.width) == (352 // stride, 704 // stride), name
    pooled = [(layer.name, layer.inputs, layer.outputs, layer.height) for layer in described.values()]
    assert pooled == [(f"pyramid.pooled.{k}", 2304, 256, bins) for k, bins in enumerate((1, 2, 3, 6))]


def test_decoder_channels_are_those_that_table_5_prints():
    for layer in layers(PAPER, 64, 64):
        if layer.table.startswith("Table 5"):
            assert f": {layer.inputs} → {layer.outputs}" in layer.table


def test_paper_counts_37_7_million_and_the_tables_38_3():
    assert summary(PAPER)["parameters"] == 37_735_778
    channels = [int(re.search(r": (\d+)", TABLES[f"interaction.convs.{k}"])[1]) for k in range(6)]  # type: ignore
    printed = InteractionStream(replace(PAPER, interaction=tuple((c, 1) for c in channels)))
    released = InteractionStream(PAPER)
    counted, ours = (sum(p.numel() for p in stream.parameters()) for stream in (printed, released))
    assert 37_735_778 - ours + counted == pytest.approx(38.3e6, abs=5e4)


def slow(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow("the paper's networks are large")] * name.startswith("paper")


@pytest.fixture(params=[pytest.param(config, id=name, marks=slow(name)) for name, config in CONFIGS.items()])
def config(request: pytest.FixtureRequest) -> NetworkConfig:
    return request.param


def test_the_sums_are_those_of_the_network_itself(config: NetworkConfig):
    with torch.device("meta"):
        network = TwoStreamNetwork(config)
        image, maps, previous = (torch.zeros(1, c, 64, 96) for c in (3, config.click_channels, 1))
    with FlopCounterMode(display=False) as counted:
        *_, mask = network(network.encode(image, maps, previous), maps, previous)
        if network.quality:
            network.quality.of_look(mask, mask, torch.zeros(1, 3, device="meta"))
    described = summary(config, 64, 96)
    assert described["parameters"] == sum(p.numel() for p in network.parameters())
    assert 2 * described["multiply_adds"] == counted.get_total_flops()


runner = CliRunner(env={"COLUMNS": "160", "TERMINAL_WIDTH": "160"})


def test_the_command_prints_the_layers():
    result = runner.invoke(app, ["describe", "paper"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    (line,) = (line for line in lines if "decoder.stages.0.0" in line)
    shown = "decoder.stages.0.0 3328 → 256 44 × 44 7,668,480 14,845 Table 5, conv1: 3328 → 256"
    assert " ".join(line.split()) == shown
    assert any("37,735,778" in line for line in lines)


def test_the_command_writes_json_of_a_variant():
    shown = runner.invoke(app, ["describe", "compact", "--variant", "+T", "--side", "64", "--json"])
    facts = json.loads(shown.stdout)
    assert facts == json.loads(json.dumps(summary(variant(COMPACT, "+T"), 64, 64)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["large"], "'large' is unknown, there is: paper, compact"),
        (["paper", "--variant", "+G"], "'+G' is unknown, there is: baseline"),
        (["paper", "--side", "100"], "100 is no multiple of 32"),
    ],
)
def test_what_the_command_does_not_know_is_named(arguments: list[str], message: str):
    shown = runner.invoke(app, ["describe", *arguments])
    assert shown.exit_code == 2
    assert message in " ".join(shown.output.replace("│", " ").split())
