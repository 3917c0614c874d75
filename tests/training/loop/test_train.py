"""`click99 train`: what a run starts from, leaves behind, goes on from, and refuses."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint, shipped
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT, PAPER, variant
from click99_training.loop.run import Run, RunConfig
from click99_training.loop.stop_request import RunInterrupt
from click99_training.loop.train import initial_network, train
from tests.training.loop.small_runs import same, seen, small_run, stopped_at_its_first_save
from tests.training.rows import rows
from tests.training.samples import SQUARE, cut_short, folder_of, mask


@pytest.mark.slow("trains")
def test_a_run_lasts_through_bad_files_and_names_them_at_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    masks = {"short": mask(SQUARE), "empty": mask()} | {name: mask(SQUARE) for name in "abc"}
    data = folder_of(tmp_path / "data", masks)
    cut_short(data / "images" / "short.png")
    out = tmp_path / "run"
    train(Run("compact", data, out, images=12, threads=1, crops="64:4:1", dataset="folder"))
    with (out / "skipped.csv").open() as file:
        assert sorted(Path(row[0]).stem for row in csv.reader(file)) == ["empty", "short"]
    assert "2 skipped:" in capsys.readouterr().out


def test_a_folder_of_bad_files_is_refused_before_training(tmp_path: Path):
    data = folder_of(tmp_path / "data", {"good": mask(SQUARE), "a": mask(), "b": mask()})
    options = ["--data", str(data), "--dataset", "folder", "--out", str(tmp_path / "run"), "--images", "4"]
    result = CliRunner().invoke(app, ["train", *options])
    assert result.exit_code == 2
    assert "most of the data cannot be used" in result.output
    assert "a: the mask is empty" in result.output
    assert not (tmp_path / "run" / "compact.safetensors").exists()


@pytest.mark.slow("trains")
def test_a_run_leaves_checkpoint_log_curves_and_settings(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("click99_training.loop.train.LOG_EVERY", 2)
    checkpoint = train(small_run(data_folder, tmp_path / "run", 4))
    assert load_checkpoint(checkpoint).config == COMPACT
    logged = rows(tmp_path / "run" / "log.csv")
    assert [row["images"] for row in logged] == ["2", "4"]
    assert {"loss", "iou_0", "iou_4"} <= logged[0].keys()
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    assert json.loads((tmp_path / "run" / "run.json").read_text())["run"]["images"] == 4


@pytest.mark.slow("trains")
def test_a_run_that_fails_ends(data_folder: Path, tmp_path: Path):
    """Though its traceback is still held, its workers do not keep the process alive."""
    settings = f"Path({str(data_folder)!r}), Path({str(tmp_path)!r}), 40, crops='64:2:1', save_minutes=0"
    code = f"""
import sys
from pathlib import Path
from click99_training.loop import train, training_loop
from click99_training.loop.run import Run
def fail(*_):
    raise RuntimeError("no room")
training_loop.save = fail
try:
    train.train(Run("compact", {settings}))
except RuntimeError as error:
    sys.held = error
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.stdout.endswith("no room\n"), ended.stderr


@pytest.mark.slow("trains twice")
@pytest.mark.parametrize(
    "asked",
    [
        {"recipe": "compact"},
        {"recipe": "compact-endless"},
        {"recipe": "compact-endless", "variant": "likeness"},
    ],
    ids=["compact", "endless", "likeness"],
)
def test_a_resumed_run_ends_bit_for_bit_like_an_unbroken_one(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
):
    whole = train(small_run(data_folder, tmp_path / "whole", 8, **asked))
    with stopped_at_its_first_save(monkeypatch):
        train(small_run(data_folder, tmp_path / "parts", 8, **asked))
    assert seen(tmp_path / "parts") == 4
    assert same(train(small_run(data_folder, tmp_path / "parts", 8, **asked)), whole)


def test_a_stopped_command_says_how_it_goes_on(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(*_) -> None:
        raise RunInterrupt

    monkeypatch.setattr("click99_training.loop.train.train", stop)
    result = CliRunner().invoke(app, ["train", "--data", str(data_folder), "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "the same command goes on" in result.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--preset", "huge"], "preset 'huge' is unknown, there is: paper, compact"),
        (["--crops", "big"], "crops 'big' are not side:batch:share"),
        (["--crops", "100:2:1"], "sides must be multiples of 32"),
        (["--crops", "64:2:0.5"], "shares must sum to 1"),
        (["--start-from", "nowhere.safetensors"], "checkpoint nowhere.safetensors does not exist"),
    ],
)
def test_what_the_caller_can_mend_is_told_in_one_line(
    data_folder: Path, tmp_path: Path, options: list[str], complaint: str
):
    command = ["train", "--data", str(data_folder), "--out", str(tmp_path / "run"), *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_folder_without_manifest_is_told_in_one_line(tmp_path: Path):
    result = CliRunner().invoke(app, ["train", "--data", str(tmp_path), "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert "manifest.csv does not exist" in result.stderr


def run(folder: Path, preset: str, start_from: Path | None = None) -> Run:
    return Run(preset, folder, folder / "out", start_from=start_from)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint of `paper` as `click99 import-weights` leaves it."""
    path = tmp_path_factory.mktemp("start") / "imagenet.safetensors"
    save_checkpoint(TwoStreamNetwork(PAPER), path, dtype=torch.float32)
    yield path
    path.unlink()  # 150 MB


@pytest.mark.slow("the paper's network is large")
def test_paper_starts_from_the_whole_checkpoint(tmp_path: Path, imported: Path):
    network = initial_network(run(tmp_path, "paper", imported), PAPER)
    again = initial_network(run(tmp_path, "paper", imported), PAPER)
    assert all(map(torch.equal, network.state_dict().values(), again.state_dict().values()))


@pytest.mark.slow("the paper's network is large")
def test_a_variant_of_paper_starts_from_its_image_stream(tmp_path: Path, imported: Path):
    whole = initial_network(run(tmp_path, "paper", imported), PAPER)
    network = initial_network(run(tmp_path, "paper", imported), variant(PAPER, "+T"))
    assert network.config == variant(PAPER, "+T")
    assert network.encoder.layer4[2].conv3.weight.equal(whole.encoder.layer4[2].conv3.weight)


def test_paper_without_weights_says_how_to_get_them(tmp_path: Path):
    with pytest.raises(ValueError, match="click99 import-weights FILE OUT, then --start-from OUT"):
        initial_network(run(tmp_path, "paper"), PAPER)


def test_another_preset_is_refused(tmp_path: Path):
    save_checkpoint(TwoStreamNetwork(COMPACT), tmp_path / "compact.safetensors")
    with pytest.raises(ValueError, match="holds another network than paper"):
        initial_network(run(tmp_path, "paper", tmp_path / "compact.safetensors"), PAPER)


def test_a_checkpoint_without_a_quality_head_gives_all_the_rest(tmp_path: Path):
    before = TwoStreamNetwork(replace(COMPACT, quality=False, view="zoomed"))
    save_checkpoint(before, tmp_path / "old.safetensors", dtype=torch.float32)
    network = initial_network(
        Run("compact", tmp_path, tmp_path, start_from=tmp_path / "old.safetensors"), COMPACT
    )
    assert network.config == COMPACT
    assert network.quality is not None
    assert all(torch.equal(network.state_dict()[name], kept) for name, kept in before.state_dict().items())


def test_the_shipped_network_gets_an_input_that_changes_no_bit(tmp_path: Path):
    asked = Run("compact", tmp_path, tmp_path, variant="likeness", start_from=shipped())
    before, network = load_checkpoint(shipped()), initial_network(asked, RunConfig.of(asked).network)
    assert network.config == replace(before.config, likeness=True)
    image, maps, previous, likeness = (torch.rand(1, channels, 96, 64) for channels in (3, 6, 1, 1))
    with torch.no_grad():
        expected = before(before.encode(image), maps, previous)
        answer = network.eval()(network.encode(image), maps, previous, likeness)
    assert all(map(torch.equal, answer, expected))


def test_a_network_that_sees_a_likeness_does_not_lose_it_unasked(tmp_path: Path):
    path = tmp_path / "seeing.safetensors"
    save_checkpoint(TwoStreamNetwork(replace(COMPACT, likeness=True)), path)
    with pytest.raises(ValueError, match="holds another network than compact"):
        initial_network(run(tmp_path, "compact", path), COMPACT)
