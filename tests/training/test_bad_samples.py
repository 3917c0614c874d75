"""Files that cannot be used are named and passed over; odd ones are read as what they show."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader
from typer.testing import CliRunner

from click99.cli import app
from click99_training.datasets.crops import CropStream
from click99_training.datasets.files import SampleError, read_image, read_mask, read_rgba
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.skipped import NAMED, Skipped, readable, refuse_mostly_bad
from click99_training.loop.train import Run, train
from click99_training.recipes import COMPACT

HEIGHT, WIDTH = 60, 80
RAMP = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
SQUARE = np.s_[20:40, 30:50]


def mask(*areas: tuple[slice, slice]) -> np.ndarray:
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for area in areas:
        values[area] = 255
    return values


def folder_of(root: Path, masks: dict[str, np.ndarray]) -> Path:
    """images/ and masks/ with one image per mask."""
    for name, values in masks.items():
        for part, pixels in (("images", np.dstack([RAMP] * 3)), ("masks", values)):
            (root / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / part / f"{name}.png")
    return root


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def narrower(path: Path) -> None:
    Image.open(path).resize((WIDTH - 1, HEIGHT)).save(path)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "image cut short": (lambda root: cut_short(root / "images/bad.png"), "no readable image"),
    "mask cut short": (lambda root: cut_short(root / "masks/bad.png"), "no readable image"),
    "text": (lambda root: (root / "images/bad.png").write_text("hello"), "no known format"),
    "nothing": (lambda root: (root / "images/bad.png").write_bytes(b""), "it is empty"),
    "gone": (lambda root: (root / "images/bad.png").unlink(), "No such file"),
    "sizes": (
        lambda root: narrower(root / "masks/bad.png"),
        "its mask is 79 × 60, the image .* 80 × 60",
    ),
    "empty mask": (lambda root: Image.fromarray(mask()).save(root / "masks/bad.png"), "the mask is empty"),
    "all void": (
        lambda root: Image.fromarray(np.full((HEIGHT, WIDTH), 128, np.uint8)).save(root / "masks/bad.png"),
        "every pixel is ignored",
    ),
}


@pytest.mark.parametrize(("spoil", "reason"), BAD.values(), ids=BAD)
def test_evaluation_passes_over_a_bad_sample_and_names_it(tmp_path: Path, spoil: Callable, reason: str):
    data = MaskFolder(folder_of(tmp_path, {"bad": mask(SQUARE), "good": mask(SQUARE)}))
    spoil(tmp_path)
    skipped = Skipped()
    assert [sample.name for sample in readable(data, skipped)] == ["good"]
    ((file, why),) = skipped.all().items()
    assert "bad" in file
    assert re.search(reason, why)


def test_a_one_pixel_object_is_evaluated_but_not_trained_on(tmp_path: Path):
    data = MaskFolder(folder_of(tmp_path, {"dot": mask(np.s_[9:10, 9:10]), "square": mask(SQUARE)}))
    assert [sample.truth.sum() for sample in readable(data, Skipped())] == [1, 400]
    stream = CropStream(data, COMPACT, seed=0)
    assert {stream[(k, 64)].name for k in range(12)} == {"square"}
    assert stream.skipped.all() == {"dot": "the object has only 1 pixels"}


def test_training_passes_over_bad_samples_with_the_same_crops_whenever_asked(tmp_path: Path):
    masks = {name: mask(SQUARE) for name in ("a", "b", "c")} | {"full": mask(np.s_[:, :])}
    data = MaskFolder(folder_of(tmp_path, masks))
    cut_short(tmp_path / "images" / "b.png")
    log = tmp_path / "run" / "skipped.csv"
    streams = [CropStream(data, COMPACT, seed=1, skipped=Skipped(log)) for _ in range(2)]
    forward = [streams[0][(k, 64)] for k in range(20)]
    backward = [streams[1][(k, 64)] for k in reversed(range(20))]
    for one, other in zip(forward, reversed(backward), strict=True):
        assert one.name in ("a", "c")
        np.testing.assert_array_equal(one.image, other.image)
    with log.open() as file:
        assert sorted(Path(row[0]).stem for row in csv.reader(file)) == ["b", "full"]


def test_what_loader_processes_skip_is_known_to_the_run(tmp_path: Path):
    data = MaskFolder(folder_of(tmp_path, {"good": mask(SQUARE), "bad": mask()}))
    stream = CropStream(data, COMPACT, seed=0, skipped=Skipped(tmp_path / "skipped.csv"))
    keys = [[(k, 64)] for k in range(8)]
    assert len(list(DataLoader(stream, batch_sampler=keys, num_workers=2, collate_fn=list))) == 8
    assert stream.skipped.all() == {"bad": "the mask is empty"}
    assert "1 skipped:\n  bad: the mask is empty" in str(stream.skipped)


def test_mostly_bad_data_is_refused_with_the_list(tmp_path: Path):
    data = MaskFolder(folder_of(tmp_path, {"a": mask(), "b": mask(), "c": mask(), "good": mask(SQUARE)}))
    with pytest.raises(ValueError, match=r"most of the data cannot be used(.|\n)*a: the mask is empty"):
        refuse_mostly_bad(data)


def test_some_bad_data_is_not_refused(tmp_path: Path):
    masks = {"a": mask(), "b": mask(SQUARE), "c": mask(SQUARE)}
    refuse_mostly_bad(MaskFolder(folder_of(tmp_path, masks)))


def test_a_stream_without_any_usable_sample_ends(tmp_path: Path):
    stream = CropStream(MaskFolder(folder_of(tmp_path, {"a": mask()})), COMPACT, seed=0)
    with pytest.raises(ValueError, match="samples in a row cannot be trained on"):
        stream[(0, 64)]


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


def test_a_long_list_is_cut_in_messages_alone():
    skipped = Skipped()
    for k in range(NAMED + 3):
        skipped.add(SampleError(f"{k}.png", "empty"))
        skipped.add(SampleError(f"{k}.png", "empty"))
    assert len(skipped.all()) == NAMED + 3
    assert str(skipped).endswith("and 3 more")


def test_instances_too_small_to_learn_from_are_named(data_folder: Path, tmp_path: Path):
    Image.fromarray(np.dstack([RAMP] * 3)).save(tmp_path / "a.png")
    Image.fromarray(mask(np.s_[3:8, 3:8]) // 255).save(tmp_path / "a_mask.png")
    (tmp_path / "manifest.csv").write_text("file,mask,kind,split\na.png,a_mask.png,instances,train\n")
    with pytest.raises(SampleError, match=r"a_mask\.png: no object in it has 150 pixels"):
        ManifestDataset(tmp_path, "train")[0]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("file,mask,split\n", "lacks the column kind"),
        ("file,mask,kind,split\na.png,a.png,binary,train\n", "no images with masks in its split 'val'"),
        ("file,mask,kind,split\na.png,a.png,blob,val\n", "unknown kind"),
    ],
)
def test_a_manifest_that_says_too_little_is_refused(tmp_path: Path, content: str, complaint: str):
    (tmp_path / "manifest.csv").write_text(content)
    with pytest.raises(ValueError, match=complaint):
        ManifestDataset(tmp_path, "val")


def rgb(mode: str) -> Image.Image:
    return Image.fromarray(np.dstack([RAMP] * 3)).convert(mode)


IMAGES: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "grey": ("png", lambda: rgb("L")),
    "palette": ("png", lambda: rgb("L").convert("P")),
    "opaque RGBA": ("png", lambda: rgb("RGBA")),
    "grey with alpha": ("png", lambda: rgb("LA")),
    "CMYK": ("tif", lambda: rgb("CMYK")),
    "CMYK as printers save it": ("jpg", lambda: rgb("CMYK")),
    "16 bits": ("png", lambda: Image.fromarray(RAMP.astype(np.uint16) * 257)),
    "WebP": ("webp", lambda: rgb("RGB")),
}


@pytest.mark.parametrize(("suffix", "make"), IMAGES.values(), ids=IMAGES)
def test_images_of_any_mode_become_rgb(tmp_path: Path, suffix: str, make: Callable[[], Image.Image]):
    path = tmp_path / f"ramp.{suffix}"
    make().save(path, lossless=True)
    pixels = read_image(path)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.astype(int), np.dstack([RAMP] * 3), atol=5 if suffix == "jpg" else 1)


def test_the_exif_orientation_is_applied_before_image_and_mask_are_compared(tmp_path: Path):
    folder_of(tmp_path, {"turned": mask(SQUARE)})
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: upright after a quarter turn to the right
    lying = np.rot90(np.dstack([RAMP] * 3))
    (tmp_path / "images" / "turned.png").unlink()
    Image.fromarray(lying).save(tmp_path / "images" / "turned.jpg", exif=exif, quality=100, subsampling=0)
    (sample,) = MaskFolder(tmp_path)
    np.testing.assert_allclose(sample.image.astype(int), np.dstack([RAMP] * 3), atol=6)


MASKS: dict[str, Callable[[], Image.Image]] = {
    "grey": lambda: Image.fromarray(mask(SQUARE)),
    "0 and 1": lambda: Image.fromarray(mask(SQUARE) // 255),
    "bits": lambda: Image.fromarray(mask(SQUARE)).convert("1"),
    "RGB": lambda: Image.fromarray(mask(SQUARE)).convert("RGB"),
    "RGBA": lambda: Image.fromarray(mask(SQUARE)).convert("RGBA"),
    "drawn in the alpha channel": lambda: Image.fromarray(
        np.dstack([np.full((HEIGHT, WIDTH, 3), 255, np.uint8), mask(SQUARE)])
    ),
    "16 bits": lambda: Image.fromarray(mask(SQUARE).astype(np.uint16) * 257),
    "palette": lambda: Image.fromarray(mask(SQUARE)).convert("RGB").quantize(2),
}


@pytest.mark.parametrize("make", MASKS.values(), ids=MASKS)
def test_masks_of_any_mode_say_the_same(tmp_path: Path, make: Callable[[], Image.Image]):
    make().save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), mask(SQUARE))


@given(
    kind=st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP", "BMP"]),
    percent=st.integers(0, 100),
    noise=st.binary(max_size=40),
    cut=st.booleans(),
)
def test_no_damage_to_a_file_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, percent: int, noise: bytes, cut: bool
):
    written = BytesIO()
    rgb("L").save(written, kind)
    data = written.getvalue()
    at = len(data) * percent // 100
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data[:at] + noise + (b"" if cut else data[at + len(noise) :]))
    for read in (read_image, read_mask, read_rgba):
        with suppress(SampleError):
            read(path)


@pytest.mark.parametrize("pixels", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint16)])
def test_instances_in_anything_but_one_byte_are_refused(tmp_path: Path, pixels: np.ndarray):
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    with pytest.raises(SampleError, match="instances need one 8-bit channel"):
        read_mask(tmp_path / "mask.png", indices=True)


def test_fractions_are_refused_rather_than_read_as_empty(tmp_path: Path):
    Image.fromarray(mask(SQUARE).astype(np.float32) / 255).save(tmp_path / "mask.tif")
    with pytest.raises(SampleError, match="save it with values 0 to 255"):
        read_mask(tmp_path / "mask.tif")


def test_a_cut_out_without_alpha_is_refused(tmp_path: Path):
    rgb("RGB").save(tmp_path / "cup.png")
    with pytest.raises(SampleError, match=r"cup\.png: it has no alpha channel"):
        read_rgba(tmp_path / "cup.png")
