"""One registry for several machines (each a folder of its own here), in a real S3 server's bucket."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from click99.registry import shared
from click99.registry.pruning import prune
from click99.registry.shared import StorageError
from click99.registry.versions import Registry, RegistryError
from tests.s3_server import S3Server

pytestmark = pytest.mark.slow("several machines and a bucket")

Machine = Callable[[str], Registry]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with S3Server() as server, pytest.MonkeyPatch.context() as patch:
        server.set_variables(patch)
        yield server


@pytest.fixture
def bucket(s3: S3Server) -> Iterator[Any]:
    yield s3.bucket(uuid4().hex)
    s3.trouble = ""


@pytest.fixture
def machine(tmp_path: Path, bucket: Any) -> Machine:
    return lambda name: Registry.at(tmp_path / name, f"s3://{bucket.name}/click99")


def files(registry: Registry) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in registry.folder.iterdir() if file.name[0] != "."}


def objects(bucket: Any) -> dict[str, bytes]:
    found = {each.key: each.get()["Body"].read() for each in bucket.objects.filter(Prefix="click99/")}
    return {key.removeprefix("click99/"): content for key, content in found.items()}


@pytest.mark.usefixtures("unchecked")
def test_lines_are_shared_too(machine: Machine, bucket: Any, checkpoints: list[Path]):
    one, other = machine("one"), machine("other")
    version = one.add(checkpoints[0])
    one.of_line("3+7").promote(version.name, "better")
    other.pull()
    assert other.lines() == ["3+7"]
    assert other.of_line("3+7").chosen().name == version.name
    assert other.served() is None, "the common line is where it was"
    assert files(other) == files(one) == objects(bucket)


@pytest.mark.usefixtures("unchecked")
def test_what_one_machine_does_the_other_sees(machine: Machine, bucket: Any, checkpoints: list[Path]):
    one, other = machine("one"), machine("other")
    first = one.add(checkpoints[0], images=30)
    second = one.add(checkpoints[1], parent=first.name)
    one.promote(second.name, "better")
    other.pull()
    assert files(other) == files(one) == objects(bucket)
    served = other.served()
    assert served
    assert (served.name, served.parent) == (second.name, first.name)
    assert served.path.read_bytes() == checkpoints[1].read_bytes()
    other.add_facts(first.name, gate={"promoted": True})
    other.rollback()
    one.pull()
    assert one.get(first.name).facts == {"images": 30, "gate": {"promoted": True}}
    assert one.pointer() == other.pointer()
    assert files(other) == files(one) == objects(bucket)


@pytest.mark.usefixtures("unchecked")
def test_a_look_that_finds_nothing_new_is_one_request(
    machine: Machine, s3: S3Server, checkpoints: list[Path]
):
    one = machine("one")
    one.promote(one.add(checkpoints[0]).name, "first")
    stamp, asked = one.stamp(), len(s3.asked)
    one.pull()
    assert (one.stamp(), len(s3.asked)) == (stamp, asked + 1)


@pytest.mark.usefixtures("unchecked")
def test_of_machines_that_write_at_once_none_undoes_another(machine: Machine, checkpoints: list[Path]):
    one = machine("one")
    names = [one.add(checkpoint).name for checkpoint in checkpoints]

    def work(number: int) -> None:
        registry = machine(f"machine {number}")
        registry.pull()
        for turn in range(3):
            registry.promote(names[number], f"{number} {turn}")
            registry.add_facts(names[0], **{f"fact{number}{turn}": True})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    one.pull()
    assert len(one.get(names[0]).facts) == 9
    stack, moves = one.pointer().stack, one.pointer().moves
    assert [move.version for move in moves] == list(stack[1:]), "each move was made on the one before"
    assert {move.why for move in moves} <= {f"{number} {turn}" for number in range(3) for turn in range(3)}


def test_two_buckets_are_two_registries(machine: Machine, s3: S3Server, checkpoints: list[Path]):
    registry = machine("one")
    registry.add(checkpoints[0])
    another = Registry.at(registry.folder.parent, f"s3://{s3.bucket(uuid4().hex).name}/click99")
    another.pull()
    assert another.all() == Registry.at(registry.folder.parent).all() == []


@pytest.mark.usefixtures("unchecked")
def test_a_checkpoint_that_is_missing_there_is_named_and_comes_back(
    machine: Machine, bucket: Any, checkpoints: list[Path]
):
    one, other = machine("one"), machine("other")
    name = one.add(checkpoints[0]).name
    one.promote(name, "better")
    bucket.Object(f"click99/{name}.safetensors").delete()
    other.pull()
    served = other.served()
    assert served
    assert not served.path.exists()
    one.pull()
    assert one.get(name).path.exists(), "who has it keeps it"
    one.add(one.get(name).path)
    other.pull()
    assert served.path.read_bytes() == checkpoints[0].read_bytes()


def test_what_is_cleared_away_goes_everywhere_and_can_come_back(
    machine: Machine, bucket: Any, checkpoints: list[Path], tmp_path: Path
):
    one, other = machine("one"), machine("other")
    first, *_ = [one.add(checkpoint) for checkpoint in checkpoints]
    other.pull()
    prune(tmp_path / "one", 2, registry_url=f"s3://{bucket.name}/click99")
    other.pull()
    for registry in (one, other):
        assert not registry.get(first.name).path.exists()
        assert registry.get(first.name).is_cleared_away
        assert len(registry.all()) == 3
    assert f"{first.name}.safetensors" not in objects(bucket)
    other.add(checkpoints[0])
    one.pull()
    assert one.get(first.name).path.exists()


@pytest.mark.parametrize(
    ("trouble", "reason"), [("503", "reduce your request rate"), ("silent", "timeout"), ("gone", "connect")]
)
@pytest.mark.usefixtures("unchecked")
def test_while_it_is_away_what_is_known_holds_and_nothing_changes(
    machine: Machine,
    s3: S3Server,
    bucket: Any,
    checkpoints: list[Path],
    trouble: Any,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
):
    one = machine("one")
    names = [one.add(checkpoint).name for checkpoint in checkpoints[:2]]
    one.promote(names[0], "first")
    before = files(one)
    monkeypatch.setattr(shared, "ANSWER_SECONDS", 0.5)
    if trouble == "gone":
        s3.go_away(monkeypatch)
    else:
        s3.trouble = trouble
    again = machine("one")
    served = again.served()
    assert served
    assert served.name == names[0]
    for change in (lambda: again.promote(names[1], ""), again.rollback, lambda: again.add(checkpoints[2])):
        with pytest.raises(StorageError, match=rf"(?i){bucket.name}.*{reason}.*CLICK99_REGISTRY_URL"):
            change()
    assert files(again) == before
    s3.come_back(monkeypatch)
    assert objects(bucket) == before
    machine("one").promote(names[1], "it is back")


@pytest.mark.usefixtures("unchecked")
def test_a_bucket_that_answers_slowly_costs_time_only(
    machine: Machine, s3: S3Server, bucket: Any, checkpoints: list[Path]
):
    one, other = machine("one"), machine("other")
    names = [one.add(checkpoint).name for checkpoint in checkpoints[:2]]
    s3.trouble = "slow"
    for name in names:
        one.promote(name, "slowly")
    other.pull()
    s3.trouble = ""
    served = other.served()
    assert served
    assert served.name == names[1]
    assert files(other) == files(one) == objects(bucket)


def test_a_bucket_that_there_is_not_is_named(tmp_path: Path, s3: S3Server, checkpoints: list[Path]):
    registry = Registry.at(tmp_path, "s3://nobody/click99")
    with pytest.raises(StorageError, match=r"s3://nobody/click99 .*CLICK99_REGISTRY_URL"):
        registry.add(checkpoints[0])


def test_a_pointer_that_holds_nonsense_is_named(machine: Machine, bucket: Any):
    bucket.put_object(Key="click99/served.json", Body=b"{")
    registry = machine("one")
    registry.pull()
    with pytest.raises(RegistryError, match=r"served\.json can't be read"):
        registry.pointer()


def test_without_a_bucket_nothing_of_it_is_imported(tmp_path: Path):
    import subprocess

    code = (
        "import sys; from pathlib import Path; from click99.registry.versions import Registry; "
        f"Registry.at(Path({str(tmp_path)!r})).pull(); "
        "print({'s3fs', 'fsspec', 'botocore'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"
