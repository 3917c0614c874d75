"""Cut-outs without a trace of their background, composites by configuration, and the command around them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from typer.testing import CliRunner

from click99.cli import app
from click99_training.datasets.composites import Layer, Sides, composed, composite, cut_sides
from click99_training.datasets.crops import CropStream
from click99_training.datasets.cutouts import cut_out, soft_edge
from click99_training.datasets.files import read_rgba
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.registry import open_dataset
from click99_training.datasets.sample import Sample
from click99_training.recipes import COMPACT, Mix

RED, BLUE, GREEN = np.array([200, 40, 30]), np.array([20, 40, 210]), np.array([40, 160, 60])


def blended(alpha: np.ndarray, binary: bool = False) -> Sample:
    """A red object of this alpha over blue: what a camera would have taken."""
    image = RED * alpha[..., None] + BLUE * (1 - alpha[..., None])
    truth = alpha > 0.5
    kept = None if binary else alpha.astype(np.float32)
    return Sample("red", np.round(image).astype(np.uint8), truth, np.zeros_like(truth), kept)


def soft_disc(softness: float) -> np.ndarray:
    """Alpha that falls from 1 to 0 within `softness` pixels at a radius of 30."""
    y, x = np.ogrid[:100, :120]
    return np.clip((30 - np.hypot(y - 50, x - 60)) / softness + 0.5, 0, 1)


@pytest.mark.parametrize("softness", [2.0, 8.0, 25.0])
def test_a_matte_gives_back_the_objects_own_colours(softness: float):
    sample = blended(soft_disc(softness))
    cutout = cut_out(sample)
    old = Layer("", sample.image, np.round(255 * soft_disc(softness)).astype(np.uint8)).trimmed(8)

    def error(colours: np.ndarray) -> float:
        """Mean over what shows of the soft edge."""
        edge = (cutout.alpha > 12) & (cutout.alpha < 243)
        return float((np.abs(colours.astype(int) - RED).mean(2) * cutout.alpha / 255)[edge].mean())

    assert error(cutout.colours) < 0.45 * error(old.colours)
    assert np.abs(cutout.colours[cutout.alpha > 250] - RED).max() < 12


@pytest.mark.parametrize("softness", [1.0, 2.0])
def test_a_binary_masks_cut_out_shows_no_halo_over_a_new_background(softness: float):
    cutout = cut_out(blended(soft_disc(softness), binary=True))
    a = cutout.alpha[..., None] / 255
    over = cutout.colours * a + GREEN * (1 - a)
    assert (over[..., 2] < 60 + 10).all()  # no more blue than the new background has


def test_the_colours_go_on_beyond_the_edge():
    cutout = cut_out(blended(soft_disc(1.0)))
    assert np.abs(cutout.colours[0, 0] - RED).max() < 25
    assert cutout.alpha[0, 0] == 0


def test_a_cut_out_is_cropped_to_the_object():
    assert cut_out(blended(soft_disc(1.0))).alpha.shape == pytest.approx((60, 60), abs=2)


@given(
    alpha=arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 255)),
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    second=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_composite_is_the_background_wherever_alpha_is_nothing(
    alpha: np.ndarray, size: tuple[int, int], second: bool, seed: int
):
    rng = np.random.default_rng(seed)
    background = rng.integers(0, 256, (*size, 3), np.uint8)
    colours = rng.integers(0, 256, (*alpha.shape, 3), np.uint8)
    layers = [Layer("a", colours, alpha)] * (1 + second)
    sample = composed(layers, background, Mix(second=1, together=1), rng)
    assert sample.image.shape == background.shape
    assert sample.alpha is not None
    assert 0 <= sample.alpha.min() <= sample.alpha.max() <= 1
    np.testing.assert_array_equal(sample.truth, sample.alpha > 0.5)
    nothing = sample.alpha == 0
    np.testing.assert_array_equal(sample.image[nothing], background[nothing])


@given(arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_a_softened_edge_stays_near_the_mask(mask: np.ndarray):
    alpha = soft_edge(mask)
    assert alpha.shape == mask.shape
    assert 0 <= alpha.min() <= alpha.max() <= 1 + 1e-6
    assert (alpha[~cv2.dilate(mask.astype(np.uint8), np.ones((7, 7))).astype(bool)] == 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_what_a_photos_side_cut_off_stays_at_that_side(seed: int):
    alpha = np.zeros((30, 20), np.uint8)
    alpha[:20, 8:12], alpha[20:, 2:18] = 255, 255  # a bust
    rng, background = np.random.default_rng(seed), np.zeros((90, 120, 3), np.uint8)
    _, where = composite(np.full((30, 20, 3), 200, np.uint8), alpha, background, rng, flush=True)
    assert (where[-1] > 0.5).any()
    assert not (where[0] > 0.5).any()


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (np.s_[:, 3:9], Sides(top=True, bottom=True)),
        (np.s_[3:9, :6], Sides(left=True)),
        (np.s_[4:6, 11:12], Sides()),
    ],
)
def test_straight_sides_are_seen(area: tuple[slice, slice], expected: Sides):
    alpha = np.zeros((12, 12), np.uint8)
    alpha[area] = 255
    alpha[6, 11] = 255
    assert cut_sides(alpha) == expected


def layer(name: str, colour: np.ndarray) -> Layer:
    return Layer(name, np.full((40, 40, 3), colour, np.uint8), np.full((40, 40), 255, np.uint8))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("together", [0.0, 1.0])
def test_a_second_foreground_is_part_of_the_object_or_in_its_way(
    monkeypatch: pytest.MonkeyPatch, seed: int, together: float
):
    monkeypatch.setattr("click99_training.datasets.composites.recolour", lambda image, rng: image)
    background = np.zeros((100, 140, 3), np.uint8)
    mix = Mix(second=1, together=together)
    sample = composed([layer("a", RED), layer("b", BLUE)], background, mix, np.random.default_rng(seed))
    red, blue = ((sample.image == colour).all(2) for colour in (RED, BLUE))
    assert blue.any()
    np.testing.assert_array_equal(sample.truth, (red | blue) if together else red)


def test_the_mix_takes_objects_of_trusted_sources_only(data_folder: Path, tmp_path: Path):
    rows = [("a", "binary", "precise"), ("b", "instances", "precise"), ("c", "alpha", "vague")]
    lines = [f"photo/{name}.png,photo/{name}_mask.png,{kind},train,{source}" for name, kind, source in rows]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,mask,kind,split,source", *lines]))
    (tmp_path / "photo").symlink_to(data_folder / "photo")
    data = ManifestDataset(tmp_path, "train")
    recipe = replace(COMPACT, composite=1.0, mix=Mix(cut=1.0, cut_from=("precise", "not here")))
    assert {data.draw(np.random.default_rng(k), recipe).name for k in range(12)} == {"photo/a.png"}
    photos = replace(recipe, mix=Mix(cut_from=("not here",)))
    assert len({data.draw(np.random.default_rng(k), photos).name for k in range(30)}) == 3


def test_a_stream_of_any_mix_is_reproducible(data_folder: Path):
    recipe = replace(COMPACT, composite=0.8, mix=Mix(cut=0.5, cut_from=("",), second=0.5, faintest=8))
    one, other = (CropStream(ManifestDataset(data_folder, "train"), recipe, seed=4) for _ in range(2))
    for k in (5, 3, 9):
        np.testing.assert_array_equal(one[(k, 64)].image, other[(k, 64)].image)
        np.testing.assert_array_equal(one[(k, 64)].truth, other[(k, 64)].truth)


def compose(*options: object) -> str:
    result = CliRunner().invoke(app, ["compose", *map(str, options)])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_cuts_out_for_the_synthetic_set(benchmark_folder: Path, tmp_path: Path):
    out, sheet = tmp_path / "synth", tmp_path / "cutouts.png"
    said = compose("--data", benchmark_folder, "--dataset", "folder", "--out", out, "--preview", sheet)
    assert "3 cut-outs" in said
    colours, alpha = read_rgba(out / "foregrounds" / "one.png")
    assert colours.shape[:2] == alpha.shape
    assert {0, 255} <= set(alpha.ravel())
    assert Image.open(sheet).width > 3 * 200
    (out / "backgrounds").symlink_to(benchmark_folder / "images")
    data = open_dataset("synthetic", out, "train")
    assert len(data) == 3
    assert data.draw(np.random.default_rng(0), COMPACT).truth.any()
    compose("--data", out, "--dataset", "synthetic", "--preview", tmp_path / "sheets" / "composites.png")
    shown = np.asarray(Image.open(tmp_path / "sheets" / "composites.png"))
    assert shown.shape[1] > 6 * 200
    assert len(np.unique(shown)) > 100


def test_the_command_names_what_it_skipped(benchmark_folder: Path, tmp_path: Path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        for path in (benchmark_folder / part).iterdir():
            (tmp_path / part / path.name).write_bytes(path.read_bytes())
    Image.fromarray(np.zeros((60, 80), np.uint8)).save(tmp_path / "masks" / "twoa.png")
    said = compose("--data", tmp_path, "--dataset", "folder", "--out", tmp_path / "out")
    assert "2 cut-outs" in said
    assert "1 skipped:\n  twoa: the mask is empty" in said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "--out FOLDER"),
        (["--preview", "a.png", "--dataset", "nothing"], "dataset 'nothing' is unknown"),
        (["--preview", "a.png", "--recipe", "nothing"], "recipe 'nothing' is unknown"),
    ],
)
def test_what_the_command_lacks_is_said_in_one_line(data_folder: Path, options: list[str], complaint: str):
    result = CliRunner().invoke(app, ["compose", "--data", str(data_folder), *options])
    assert result.exit_code == 2
    assert complaint in result.output
