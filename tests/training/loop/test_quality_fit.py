"""`click99 fit-quality`: a head of its own for a network that stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.checkpoint import SHIPPED, load_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import COMPACT
from click99.segmentation.views import Look, Section
from click99_training.loop.quality_fit import PictureLooks, fit, head_of, judge, with_head

LOOKS = [Look(Section(0, 0, 64 >> k, 64 >> k), (64, 64), anew=k > 0, hurdle=0.03 * k) for k in range(3)]


def pictures(count: int, channels: int) -> list[PictureLooks]:
    """Three looks each, whose IoU one of the channels tells."""
    drawn = torch.Generator().manual_seed(0)
    seen = [7 + 3 * torch.randn(3, channels, generator=drawn) for _ in range(count)]
    return [PictureLooks(LOOKS, each, ((each[:, 5] - 7) / 2).sigmoid()) for each in seen]


@pytest.mark.slow("trains")
def test_the_head_learns_which_look_is_best():
    torch.manual_seed(0)
    network = with_head(TwoStreamNetwork(COMPACT))
    channels = next(head_of(network).layers.parameters()).shape[1]
    learnt, others = pictures(300, channels), pictures(360, channels)[300:]
    fit(head_of(network), learnt)
    first, chosen, best = judge(Predictor(network, "v"), others)
    assert best - first > 0.1
    assert best - chosen < 0.2 * (best - first)


@pytest.mark.slow("trains")
def test_what_the_first_look_saw_tells_which_is_best():
    torch.manual_seed(0)
    network = with_head(TwoStreamNetwork(COMPACT))
    channels = next(head_of(network).layers.parameters()).shape[1]

    def alike(picture: PictureLooks) -> PictureLooks:
        summaries = picture.summaries[:1] + torch.tensor([[0.0], [1e-3], [2e-3]])
        right = (summaries[0, 5] > 7).int() + 1  # the second or the third
        return PictureLooks(LOOKS, summaries, 0.2 + 0.7 * (torch.arange(3) == right).float())

    shown = [alike(picture) for picture in pictures(360, channels)]
    fit(head_of(network), shown[:300])
    _, chosen, best = judge(Predictor(network, "v"), shown[300:])
    assert best - chosen < 0.2


def test_masks_stay_as_they_are():
    network = load_checkpoint(SHIPPED)
    fitted = with_head(network)
    assert fitted.config.view == "windows"
    before = network.state_dict()
    stays = {name: part for name, part in fitted.state_dict().items() if not name.startswith("quality.")}
    assert stays.keys() == {name for name in before if not name.startswith("quality.")}
    assert all(torch.equal(part, before[name]) for name, part in stays.items())


@pytest.mark.slow("looks at pictures")
def test_the_command_says_what_the_choice_is_worth(data_folder: Path, tmp_path: Path):
    out = tmp_path / "fitted.safetensors"
    asked = ["--data", data_folder, "--start-from", SHIPPED, "--out", out, "--pictures", 20, "--threads", 1]
    result = CliRunner().invoke(app, ["fit-quality", *map(str, asked)])
    assert result.exit_code == 0, result.output
    assert "IoU after one click, of the whole picture " in result.output
    assert load_checkpoint(out).config.quality_among_looks
