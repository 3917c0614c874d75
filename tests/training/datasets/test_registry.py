"""Every data set in the layout of its real release, tiny: what is read, what is void, what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle
from scipy.io import savemat
from scipy.sparse import csc_matrix

from click99_training.datasets.registry import DATASETS, open_dataset
from click99_training.datasets.sample import Sample
from click99_training.recipes import COMPACT

HEIGHT, WIDTH = 30, 40
FIRST, SECOND = np.s_[2:22, 3:15], np.s_[5:25, 20:36]  # two objects of more than 150 pixels
BAND = np.s_[2:22, 15:17]  # void beside the first


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def numbered() -> np.ndarray:
    """Objects 1 and 2, and the band of 255."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[FIRST], mask[SECOND], mask[BAND] = 1, 2, 255
    return mask


def grey(path: Path, band: int = 128) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[FIRST], mask[BAND] = 255, band
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def lines(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}\n" for name in names))


def grabcut(root: Path) -> None:
    picture(root / "data_GT" / "banana1.bmp")
    picture(root / "data_GT" / "flower.jpg")
    grey(root / "boundary_GT" / "banana1.bmp")
    grey(root / "boundary_GT" / "flower.bmp")
    (root / "data_GT" / "Thumbs.db").write_bytes(b"left behind by Windows")
    (root / "boundary_GT" / "._flower.bmp").write_bytes(b"left behind by macOS")


def berkeley(root: Path) -> None:
    picture(root / "images" / "239007.jpg")
    picture(root / "images" / "12003.jpg")
    for mask in ("239007a", "239007b", "12003"):
        grey(root / "masks" / f"{mask}.png")


def frames(root: Path) -> None:
    for name in ("bear_00000", "bear_00004"):
        picture(root / "img" / f"{name}.jpg")
        grey(root / "gt" / f"{name}.png", band=0)
    colours = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colours[FIRST] = 128, 0, 0  # as DAVIS paints an object
    Image.fromarray(colours).save(root / "gt" / "bear_00000.png")


def davis_2016(root: Path) -> None:
    pairs = []
    for number in ("00000", "00010"):
        image, mask = f"JPEGImages/480p/bear/{number}.jpg", f"Annotations/480p/bear/{number}.png"
        picture(root / image)
        grey(root / mask, band=0)
        pairs.append(f"/{image} /{mask}")
    lines(root / "ImageSets" / "480p" / "val.txt", *pairs)


def voc(root: Path) -> None:
    inner = root / "VOCdevkit" / "VOC2012"
    picture(inner / "JPEGImages" / "2007_000033.jpg")
    palette = Image.fromarray(numbered(), mode="P")
    palette.putpalette([value for k in range(256) for value in (k * 37 % 256, k * 91 % 256, 255 - k)])
    (inner / "SegmentationObject").mkdir()
    palette.save(inner / "SegmentationObject" / "2007_000033.png")
    lines(inner / "ImageSets" / "Segmentation" / "val.txt", "2007_000033")


def sbd(root: Path) -> None:
    inner = root / "benchmark_RELEASE" / "dataset"
    picture(inner / "img" / "2008_000002.jpg")
    (inner / "inst").mkdir()
    mask = numbered()
    mask[BAND] = 0
    boundaries = np.empty((2, 1), object)
    for k in (0, 1):
        edge = (mask == k + 1) & ~np.roll(mask == k + 1, 1, axis=1)
        boundaries[k, 0] = csc_matrix(edge)
    content = {"Segmentation": mask, "Boundaries": boundaries, "Categories": np.array([[20], [9]])}
    savemat(inner / "inst" / "2008_000002.mat", {"GTinst": content}, do_compression=True)
    lines(inner / "val.txt", "2008_000002")


def coco(root: Path) -> None:
    picture(root / "val2017" / "000000000139.jpg")
    second = np.asfortranarray(numbered() == 2)
    packed: Any = rle.encode(second.astype(np.uint8))
    crowd = numbered() == 255
    annotations = [
        {"id": 7, "iscrowd": 0, "area": 240, "segmentation": [[3, 2, 15, 2, 15, 22, 3, 22]]},
        {"id": 8, "iscrowd": 0, "area": 320, "segmentation": packed | {"counts": packed["counts"].decode()}},
        {"id": 9, "iscrowd": 1, "area": 40, "segmentation": {"size": [30, 40], "counts": run_lengths(crowd)}},
    ]
    image = {"id": 139, "file_name": "000000000139.jpg", "height": HEIGHT, "width": WIDTH}
    content = {"images": [image], "annotations": [each | {"image_id": 139} for each in annotations]}
    lines(root / "annotations" / "instances_val2017.json", json.dumps(content))


def run_lengths(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed code: how many 0, 1, 0, 1, … follow each other, column by column."""
    flat = mask.ravel(order="F").astype(int)
    changes = np.flatnonzero(np.diff(flat)) + 1
    return np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()


def mattes(root: Path) -> None:
    picture(root / "original" / "fur.jpg")
    grey(root / "mask" / "fur.png", band=100)


def manifest(root: Path) -> None:
    picture(root / "a.jpg")
    Image.fromarray(numbered()).save(root / "a_mask.png")
    picture(root / "b.jpg")
    grey(root / "b_mask.png")
    rows = ["a.jpg,a_mask.png,instances,val", "b.jpg,b_mask.png,binary,val", "c.jpg,,none,train"]
    lines(root / "manifest.csv", "file,mask,kind,split", *rows)


def synthetic(root: Path) -> None:
    picture(root / "backgrounds" / "streets" / "one.jpg")
    alpha = np.zeros((20, 20), np.uint8)
    alpha[4:16, 4:16], alpha[4:16, 3] = 255, 120
    pixels = np.dstack([np.full((20, 20, 3), 200, np.uint8), alpha])
    (root / "foregrounds").mkdir()
    Image.fromarray(pixels).save(root / "foregrounds" / "cup.png")


# name of the data set, its layout, the samples in it
LAYOUTS: list[tuple[str, Callable[[Path], None], list[str]]] = [
    ("grabcut", grabcut, ["banana1", "flower"]),
    ("grabcut", berkeley, ["12003", "239007a", "239007b"]),  # as shared with images/ and masks/
    ("berkeley", berkeley, ["12003", "239007a", "239007b"]),
    ("folder", berkeley, ["12003", "239007a", "239007b"]),
    ("davis", frames, ["bear_00000", "bear_00004"]),
    ("davis", davis_2016, ["bear_00000", "bear_00010"]),
    ("coco-mval", frames, ["bear_00000", "bear_00004"]),
    ("voc", voc, ["2007_000033_1", "2007_000033_2"]),
    ("sbd", sbd, ["2008_000002_1", "2008_000002_2"]),
    ("coco", coco, ["000000000139_7", "000000000139_8"]),
    ("mattes", mattes, ["fur"]),
    ("manifest", manifest, ["a.jpg", "b.jpg"]),
    ("synthetic", synthetic, ["cup"]),
]


@pytest.mark.parametrize(("name", "layout", "expected"), LAYOUTS)
def test_the_released_layout_is_read(tmp_path: Path, name: str, layout: Callable, expected: list[str]):
    layout(tmp_path)
    data = open_dataset(name, tmp_path, "val")
    assert [sample.name for sample in data] == expected
    assert len(data) == len(expected)
    for sample in data:
        assert sample.image.shape == (HEIGHT, WIDTH, 3)
        assert sample.truth.any()
        assert not (sample.truth & sample.void).any()
    assert data.draw(np.random.default_rng(0), COMPACT).name in expected


def test_every_data_set_has_its_layout_here_and_in_the_docs():
    assert {name for name, *_ in LAYOUTS} == set(DATASETS)
    page = (Path(__file__).parents[3] / "docs/how-to/data-sets.md").read_text()
    assert [name for name in DATASETS if f"| `{name}` |" not in page] == []


def test_several_masks_of_one_image_add_a_number(tmp_path: Path):
    picture(tmp_path / "images" / "dog_12.jpg")
    for name in ("dog_12", "dog_12_1", "dog_12_2"):
        grey(tmp_path / "masks" / f"{name}.png")
    data = open_dataset("folder", tmp_path, "val")
    assert [sample.name for sample in data] == ["dog_12", "dog_12_1", "dog_12_2"]


def mask_of(area: tuple[slice, slice]) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[area] = True
    return mask


@pytest.mark.parametrize(
    ("name", "layout"),
    [("grabcut", grabcut), ("berkeley", berkeley), ("voc", voc), ("coco", coco), ("mattes", mattes)],
)
def test_the_ignore_band_is_void(tmp_path: Path, name: str, layout: Callable):
    layout(tmp_path)
    sample = open_dataset(name, tmp_path, "val")[0]
    np.testing.assert_array_equal(sample.void, mask_of(BAND))
    np.testing.assert_array_equal(sample.truth, mask_of(FIRST))


@pytest.mark.parametrize("name", ["davis", "coco-mval"])
def test_whatever_is_not_black_is_the_object_of_a_frame(tmp_path: Path, name: str):
    frames(tmp_path)
    for sample in open_dataset(name, tmp_path, "val"):
        np.testing.assert_array_equal(sample.truth, mask_of(FIRST))
        assert not sample.void.any()


@pytest.mark.parametrize(("name", "layout"), [("voc", voc), ("sbd", sbd), ("coco", coco)])
def test_each_object_of_an_image_is_a_sample_of_its_own(tmp_path: Path, name: str, layout: Callable):
    layout(tmp_path)
    first, second = open_dataset(name, tmp_path, "val")
    np.testing.assert_array_equal(first.truth, mask_of(FIRST))
    np.testing.assert_array_equal(second.truth, mask_of(SECOND))
    np.testing.assert_array_equal(first.image, second.image)
    for sample, other in ((first, SECOND), (second, FIRST)):
        assert sample.others is not None
        np.testing.assert_array_equal(sample.others > 0, mask_of(other))


def test_a_manifests_binary_masks_have_void_too(tmp_path: Path):
    manifest(tmp_path)
    np.testing.assert_array_equal(open_dataset("manifest", tmp_path, "val")[1].void, mask_of(BAND))


def test_sbd_gives_the_boundary_of_each_object(tmp_path: Path):
    from click99_training.datasets.sbd import Sbd

    sbd(tmp_path)
    edge = Sbd(tmp_path, "val").boundary(1)
    np.testing.assert_array_equal(edge, mask_of(np.s_[5:25, 20:21]))


@pytest.mark.parametrize(("name", "layout"), [("mattes", mattes), ("synthetic", synthetic)])
def test_the_truth_is_alpha_above_half_and_the_alpha_is_kept(tmp_path: Path, name: str, layout: Callable):
    layout(tmp_path)
    sample: Sample = open_dataset(name, tmp_path, "val")[0]
    assert sample.alpha is not None
    assert ((sample.alpha > 0.1) & (sample.alpha < 0.5)).any()
    np.testing.assert_array_equal(sample.truth, sample.alpha > 0.5)


def test_lvis_names_images_by_their_address(tmp_path: Path):
    picture(tmp_path / "train2017" / "5.jpg")
    image = {"id": 5, "coco_url": "http://images.cocodataset.org/train2017/5.jpg", "height": 30, "width": 40}
    shape = {"id": 1, "image_id": 5, "area": 240, "segmentation": [[3, 2, 15, 2, 15, 22, 3, 22]]}
    lines(tmp_path / "lvis_v1_val.json", json.dumps({"images": [image], "annotations": [shape]}))
    (only,) = open_dataset("coco", tmp_path, "val")
    np.testing.assert_array_equal(only.truth, mask_of(FIRST))


@pytest.mark.parametrize(
    ("name", "layout", "missing", "complaint"),
    [
        ("grabcut", grabcut, "boundary_GT", "data_GT/ and boundary_GT/"),
        ("berkeley", berkeley, "masks", "images/ and masks/"),
        ("berkeley", berkeley, "images/12003.jpg", r"12003\.png"),
        ("berkeley", berkeley, "masks/12003.png", r"12003\.jpg"),
        ("davis", frames, "gt", "img/ and gt/"),
        ("davis", davis_2016, "ImageSets/480p/val.txt", r"ImageSets/480p/val\.txt"),
        ("voc", voc, "VOCdevkit/VOC2012/SegmentationObject", "SegmentationObject"),
        ("voc", voc, "VOCdevkit/VOC2012/ImageSets", r"ImageSets/Segmentation/val\.txt"),
        ("sbd", sbd, "benchmark_RELEASE/dataset/inst", "benchmark_RELEASE/dataset/inst"),
        ("sbd", sbd, "benchmark_RELEASE/dataset/val.txt", r"val\.txt"),
        ("coco", coco, "annotations", r"annotations/instances_val2017\.json"),
        ("mattes", mattes, "mask", "original/ and mask/"),
        ("manifest", manifest, "manifest.csv", r"manifest\.csv"),
        ("synthetic", synthetic, "foregrounds", "foregrounds"),
        ("synthetic", synthetic, "backgrounds/streets/one.jpg", "backgrounds holds no images"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, name: str, layout: Callable, missing: str, complaint: str):
    layout(tmp_path)
    (tmp_path / missing).rename(tmp_path.with_name(f"{tmp_path.name}_elsewhere"))
    with pytest.raises(FileNotFoundError, match=complaint):
        open_dataset(name, tmp_path, "val")


@pytest.mark.parametrize(
    ("name", "layout", "missing"),
    [
        ("voc", voc, "VOCdevkit/VOC2012/JPEGImages/2007_000033.jpg"),
        ("voc", voc, "VOCdevkit/VOC2012/SegmentationObject/2007_000033.png"),
        ("sbd", sbd, "benchmark_RELEASE/dataset/inst/2008_000002.mat"),
        ("coco", coco, "val2017/000000000139.jpg"),
        ("davis", davis_2016, "Annotations/480p/bear/00000.png"),
    ],
)
def test_a_listed_file_that_is_missing_is_a_bad_sample(tmp_path: Path, name: str, layout, missing: str):
    from click99_training.datasets.image_files import SampleError

    layout(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(SampleError, match=Path(missing).name):
        open_dataset(name, tmp_path, "val")[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", "is no JSON"), ("[]", "no images and annotations"), ('{"info": 1}', "no images and annotations")],
)
def test_annotations_that_are_not_cocos_are_refused(tmp_path: Path, text: str, complaint: str):
    lines(tmp_path / "annotations" / "instances_val.json", text)
    with pytest.raises(ValueError, match=complaint):
        open_dataset("coco", tmp_path, "val")


@pytest.mark.parametrize("shape", [None, [], [[1, 2]], {"counts": "☃", "size": [30, 40]}])
def test_an_annotation_without_outline_is_a_bad_sample(tmp_path: Path, shape: object):
    coco(tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = shape
    path.write_text(json.dumps(content))
    data = open_dataset("coco", tmp_path, "val")
    with pytest.raises(ValueError, match=r"annotation 7|000000000139_7"):
        data[0]
    assert data[1].truth.any()
    assert data[1].others is not None
    assert not data[1].others.any()


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path):
    with pytest.raises(ValueError, match=r"'imagenet' is unknown, there is: .*sbd.*coco"):
        open_dataset("imagenet", tmp_path, "val")
