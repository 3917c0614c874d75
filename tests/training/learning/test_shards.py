"""Snapshots in shards: what is read of them, from a disk and from a real S3 server, and what goes wrong."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch._utils import ExceptionWrapper
from torch.utils.data import DataLoader
from typer.testing import CliRunner, Result
from webdataset.tariterators import group_by_keys, tar_file_expander

from click99.cli import app
from click99.segmentation.checkpoint import load_checkpoint
from click99_training.datasets import shards
from click99_training.datasets.crops import CropStream
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.sample import Sample
from click99_training.datasets.shards import ShardDataset, ShardError, open_snapshot
from click99_training.datasets.skipped_samples import refuse_mostly_bad
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.folds import folds
from click99_training.learning.shards import write_shards
from click99_training.learning.snapshots import SnapshotError, save, seal, split_of
from click99_training.recipes import FINETUNE
from tests.s3_server import S3Server
from tests.training.snapshot import ALWAYS, CLICKS, SIDE, write_snapshot

pytestmark = pytest.mark.slow("reads shards from a bucket")

IMAGES = 12


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """Twelve images, one of them with a second mask, and with one that its clicks began with."""
    folder = write_snapshot(tmp_path / "snapshot", IMAGES)
    file = folder / "clicks.jsonl"
    file.chmod(0o644)
    first, *rest = (json.loads(line) for line in file.read_text().splitlines())
    second = first | {"mask": first["mask"].replace("_0", "_1"), "project": "7", "label": "cell"}
    second["clicks"] = [CLICKS[0] | {"origin": "draft", "start": "starts/abc.png"}, *CLICKS]
    half = np.zeros((SIDE, SIDE), np.uint8)
    half[:40] = 255
    save(folder / second["mask"], half)
    save(folder / "starts" / "abc.png", half)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in (first, second, *rest)))
    (folder / "manifest.json").unlink()
    seal(folder)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def s3(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """A server with the bucket "data", which is not asked again."""
    monkeypatch.setattr(shards, "PATIENCE", shards.PATIENCE | {"retries": {"total_max_attempts": 1}})
    server.come_back(monkeypatch)
    server.bucket("data").objects.all().delete()
    return server


def alike(one: Sample, other: Sample) -> bool:
    return all(np.array_equal(mine, vars(other)[name]) for name, mine in vars(one).items())


def of_split(snapshot: Path, split: str) -> SnapshotDataset:
    data = SnapshotDataset(snapshot)
    return data.of({image for image in data.images if split_of(image) == split})


@pytest.mark.parametrize(("place", "shard_bytes"), [("folder", 1), ("folder", 2**30), ("bucket", 1)])
def test_shards_hold_what_the_snapshot_holds(
    snapshot: Path, tmp_path: Path, place: str, shard_bytes: int, request: pytest.FixtureRequest
):
    out = str(tmp_path / "shards")
    if place == "bucket":
        request.getfixturevalue("s3")
        out = "s3://data/cells"
    written = write_shards(snapshot, out, shard_bytes=shard_bytes)
    assert sum(written.values()) == IMAGES + 1
    started: list[Sample] = []
    for split, count in written.items():
        ours, theirs = ShardDataset(out, split), of_split(snapshot, split)
        assert len(ours) == len(theirs) == count
        assert all(alike(one, other) for one, other in zip(ours, theirs, strict=True))
        started += [one for one in ours if one.start is not None]
    assert len(started) == 1
    ours, theirs = (
        CropStream(data, ALWAYS, seed=3) for data in (ShardDataset(out, "train"), of_split(snapshot, "train"))
    )
    assert all(alike(ours[k, 64], theirs[k, 64]) for k in range(9))


@pytest.mark.usefixtures("s3")
def test_a_whole_snapshot_is_opened_there_as_in_its_folder(snapshot: Path):
    write_shards(snapshot, place := "s3://data/cells", shard_bytes=1)
    ours, theirs = open_snapshot(place), open_snapshot(snapshot)
    assert (ours.images, ours.projects) == (theirs.images, theirs.projects)
    assert {"7": 1}.items() <= ours.projects.items()
    for mine, other in zip(folds(ours), folds(theirs), strict=True):
        for one, another in ((mine.learnt, other.learnt), (mine.judges, other.judges)):
            assert len(one) == len(another) > 0
            assert all(alike(*each) for each in zip(one, another, strict=True))


def test_other_programs_read_them(snapshot: Path, tmp_path: Path):
    written = write_shards(snapshot, str(tmp_path / "shards"), shard_bytes=1)
    files = sorted((tmp_path / "shards").glob("train-*.tar"))
    assert len(files) == written["train"] - 1, "an image with two masks is one record"
    with ExitStack() as opened:
        streams = [{"url": str(file), "stream": opened.enter_context(file.open("rb"))} for file in files]
        records: list[Any] = [*group_by_keys(tar_file_expander(streams))]
    train = of_split(snapshot, "train")
    assert {record["__key__"] for record in records} == set(train.images)
    for record in records:
        (k, *_) = (k for k, image in enumerate(train.images) if image == record["__key__"])
        image, mask = (np.asarray(Image.open(BytesIO(record[name]))) for name in ("png", "0.mask.png"))
        assert np.array_equal(image, train[k].image)
        assert np.array_equal(mask > 200, train[k].truth)
        assert json.loads(record["json"])[0]["mask"] == f"train/masks/{record['__key__']}_0.png"


def test_the_same_snapshot_makes_the_same_bytes(snapshot: Path, tmp_path: Path):
    manifests = []
    for name in ("one", "other"):
        write_shards(snapshot, str(tmp_path / name))
        manifests.append((tmp_path / name / "manifest.json").read_bytes())
    assert manifests[0] == manifests[1]


def test_memory_does_not_grow_with_the_data(snapshot: Path, tmp_path: Path):
    """Of what is there a record is read, and of a mask 32 bytes are kept."""
    write_shards(snapshot, out := str(tmp_path / "shards"))
    index = tmp_path / "shards" / "train.npy"
    rows = np.load(index)
    np.save(index, np.tile(rows, (100_000 // len(rows) + 1, 1)))
    tracemalloc.start()
    try:
        data, rng = ShardDataset(out, "train"), np.random.default_rng(0)
        for _ in range(50):
            data.draw(rng, FINETUNE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(data) >= 100_000
    assert peak < 3 * 32 * len(data), "the index as it comes, the index, and a record"


def test_a_snapshot_is_never_written_over(snapshot: Path, tmp_path: Path):
    write_shards(snapshot, out := str(tmp_path / "shards"))
    with pytest.raises(SnapshotError, match="Choose another place"):
        write_shards(snapshot, out)


def test_what_was_interrupted_is_none_and_is_written_anew(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    out = str(tmp_path / "shards")
    with pytest.raises(KeyboardInterrupt):
        write_shards(snapshot, out, interrupted, shard_bytes=1)
    with pytest.raises(ShardError, match="gives no shards"):
        ShardDataset(out, "train")
    write_shards(snapshot, out)
    assert len(ShardDataset(out, "train"))


def test_a_damaged_record_is_skipped_and_named(snapshot: Path, tmp_path: Path):
    write_shards(snapshot, out := str(tmp_path / "shards"))
    data = ShardDataset(out, "train")
    shard = tmp_path / "shards" / "train-000000.tar"
    content = bytearray(shard.read_bytes())
    content[: data.rows[0, 2]] = bytes(int(data.rows[0, 2]))
    shard.write_bytes(content)
    with pytest.raises(SampleError, match=r"train-000000\.tar, byte 0: its record is damaged"):
        data[0]
    refuse_mostly_bad(data)
    shard.write_bytes(bytes(len(content)))
    with pytest.raises(ValueError, match="most of the data cannot be used"):
        refuse_mostly_bad(data)


@pytest.mark.parametrize("trouble", ["503", "no bucket", "no key"])
def test_a_bucket_that_does_not_answer_is_no_damaged_data(
    snapshot: Path, s3: S3Server, trouble: str, monkeypatch: pytest.MonkeyPatch
):
    write_shards(snapshot, "s3://data/cells")
    data = ShardDataset("s3://data/cells", "train")
    if trouble == "503":
        s3.trouble = "503"
    if trouble == "no bucket":
        data.place = "s3://other/cells"
    if trouble == "no key":
        s3.go_away(monkeypatch)
    with pytest.raises(ShardError, match=r"s3://\w+/cells gives no shards \(.+\)\. Check the address"):
        data[0]
    s3.come_back(monkeypatch)
    data.place = "s3://data/cells"
    assert data[0].truth.any()


def test_a_bucket_that_answers_slowly_gives_the_same(snapshot: Path, s3: S3Server):
    write_shards(snapshot, "s3://data/cells")
    at_once = ShardDataset("s3://data/cells", "train")[0]
    s3.trouble = "slow"
    try:
        assert alike(ShardDataset("s3://data/cells", "train")[0], at_once)
    finally:
        s3.trouble = ""


def test_the_processes_that_make_crops_read_it_themselves(snapshot: Path, s3: S3Server):
    """Forked from one that has read already."""
    write_shards(snapshot, "s3://data/cells")
    stream = CropStream(ShardDataset("s3://data/cells", "train"), ALWAYS, seed=3)
    keys = [(k, 64) for k in range(4)]
    alone = [stream[key] for key in keys]
    loader = DataLoader(stream, batch_sampler=[keys[:2], keys[2:]], num_workers=2, collate_fn=list)
    assert all(alike(*each) for each in zip(alone, chain(*loader), strict=True))


def test_what_fails_in_such_a_process_is_told_in_a_sentence(tmp_path: Path):
    """PyTorch raises it again with the whole trace."""
    with pytest.raises(ShardError) as caught:
        ShardDataset(str(tmp_path), "train")
    failed = (caught.type, caught.value, caught.tb)
    with pytest.raises(ShardError) as caught:
        ExceptionWrapper(failed, "in DataLoader worker process 0").reraise()
    assert "Traceback" in caught.value.args[0]
    assert str(caught.value).startswith(f"{tmp_path} gives no shards (")


def test_a_run_from_a_bucket(snapshot: Path, tmp_path: Path, s3: S3Server):
    """All of it by the commands."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words)

    (cells := tmp_path / "cells-1").symlink_to(snapshot)
    assert "13 masks" in run("shards", str(cells), "--out", "s3://data/cells").output
    asked = ["--preset", "compact", "--dataset", "shards", "--out", str(tmp_path / "run"), "--device", "cpu"]
    asked += ["--images", "2", "--crops", "64:2:1", "--threads", "1"]
    done = run("train", "--data", "s3://data/cells", *asked)
    assert done.exit_code == 0, done.output
    assert load_checkpoint(tmp_path / "run" / "compact.safetensors")
    for wrong in ("s3://data/nothing", str(tmp_path)):
        failed = run("train", "--data", wrong, *asked)
        assert failed.exit_code == 2
        assert failed.stderr.startswith(f"Error: {wrong} gives no shards (")
    assert "only --dataset shards is read" in run("train", "--data", "s3://data/cells", "--out", "x").stderr
