"""A folder of versions, its pointer, and what becomes of them when things go wrong."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from click99.registry.versions import Registry, RegistryError
from click99.segmentation.checkpoint import SHIPPED, checkpoint_version


def names(registry: Registry) -> list[str]:
    return [version.name for version in registry.all()]


def test_a_version_is_a_copy_under_its_content_s_name(registry: Registry, checkpoints: list[Path]):
    first, second = registry.all()
    assert first.name == checkpoint_version(checkpoints[0])
    assert second.path == registry.folder / f"{second.name}.safetensors"
    assert second.path.read_bytes() == checkpoints[1].read_bytes()
    assert (first.parent, second.parent) == (None, first.name)
    assert second.facts == {"images": 30}
    assert Registry(registry.folder).get(second.name) == second


def test_the_same_content_is_the_same_version(registry: Registry, checkpoints: list[Path], tmp_path: Path):
    before = registry.all()[1]
    other_name = tmp_path / "other.safetensors"
    shutil.copyfile(checkpoints[1], other_name)
    again = registry.add(other_name, seconds=9)
    assert again.name == before.name
    assert again.facts == {"images": 30, "seconds": 9}
    assert (again.parent, again.made_at) == (before.parent, before.made_at)
    assert len(registry.all()) == 2


def test_a_deleted_checkpoint_comes_back_when_it_is_added_again(registry: Registry, checkpoints: list[Path]):
    first = registry.all()[0]
    first.path.unlink()
    assert names(registry)[0] == first.name, "its card is still there"
    registry.add(checkpoints[0])
    assert first.path.read_bytes() == checkpoints[0].read_bytes()


def test_facts_are_noted_beside_others(registry: Registry):
    name = names(registry)[1]
    registry.add_facts(name, gate={"promoted": False, "reason": "not better"})
    registry.add_facts(name, gate={"promoted": True})
    assert registry.get(name).facts == {"images": 30, "gate": {"promoted": True}}


def test_an_unknown_version_is_an_error_that_names_the_known(registry: Registry):
    first, second = names(registry)
    for ask in (registry.get, registry.add_facts, lambda name: registry.promote(name, "")):
        with pytest.raises(RegistryError, match=f"^nobody is no version in .*Known: {first}, {second}$"):
            ask("nobody")
    with pytest.raises(RegistryError, match="Known: none yet"):
        Registry(registry.folder / "empty").get("nobody")


def test_a_missing_checkpoint_is_not_added(registry: Registry, tmp_path: Path):
    with pytest.raises(RegistryError, match=r"none\.safetensors does not exist"):
        registry.add(tmp_path / "none.safetensors")


def test_a_checkpoint_without_a_card_is_a_version(registry: Registry):
    """What click99 kept before it had cards, and cards that were damaged."""
    first, second = registry.all()
    (registry.folder / f"{first.name}.json").unlink()
    (registry.folder / f"{second.name}.json").write_text("{ edited by hand")
    assert registry.get(first.name).sha256 == first.sha256
    assert (registry.get(second.name).parent, registry.get(second.name).facts) == (None, {})
    assert registry.promote(second.name, "still whole").name == second.name


def test_nothing_is_served_before_the_first_promotion(registry: Registry):
    assert registry.served() is None
    with pytest.raises(RegistryError, match="No version was served before the shipped one"):
        registry.rollback()


@pytest.mark.usefixtures("unchecked")
def test_the_pointer_moves_forth_and_back_and_remembers(registry: Registry):
    first, second = names(registry)
    shipped = checkpoint_version(SHIPPED)
    for name in (first, second, second):
        assert registry.promote(name, f"because of {name}") == registry.get(name) == registry.served()
    assert registry.pointer().stack == (shipped, first, second)
    for expected in (first, shipped):
        assert registry.rollback().name == expected
        served = registry.served()
        assert served
        assert served.name == expected
    with pytest.raises(RegistryError, match=f"No version was served before {shipped}"):
        registry.rollback()
    registry.promote(second, "after all")
    assert registry.rollback().name == shipped
    moves = registry.pointer().moves
    assert [move.version for move in moves] == [first, second, first, shipped, second, shipped]
    assert [move.why for move in moves[1:3]] == [f"because of {second}", f"rolled back from {second}"]
    assert [move.at for move in moves] == sorted(move.at for move in moves)


@pytest.mark.slow("many histories")
@example(steps=["second", "first", "second", "first", "back", "back"])
@settings(max_examples=25)
@given(st.lists(st.sampled_from(["first", "second", "third", "back"]), max_size=12))
def test_a_rollback_undoes_the_last_promotion(steps: list[str]):
    """Against a stack; versions are checked elsewhere."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("click99.registry.versions.load_checked", lambda name, path, digest: None)
        patch.setattr("click99.segmentation.checkpoint.SHIPPED", Path(folder) / "shipped.safetensors")
        registry, versions = Registry(Path(folder) / "models"), dict[str, str]()
        for name in ("shipped", "first", "second", "third"):
            (Path(folder) / f"{name}.safetensors").write_text(name)
        for name in ("first", "second", "third"):
            versions[name] = registry.add(Path(folder) / f"{name}.safetensors").name
        stack = ["shipped"]
        for step in steps:
            if step != "back":
                registry.promote(versions[step], "")
                stack += [step] if stack[-1] != step else []
            elif len(stack) > 1:
                registry.rollback()
                stack.pop()
            served = registry.served()
            assert (served.name.split("-")[0] if served else "shipped") == stack[-1]


def test_a_rollback_to_a_damaged_version_is_refused(registry: Registry):
    first, second = registry.all()
    registry.promote(first.name, "")
    registry.promote(second.name, "")
    first.path.unlink()
    with pytest.raises(RegistryError, match=f"{first.name}: .* is gone"):
        registry.rollback()
    assert registry.served() == second


ODD_POINTERS = [
    *("", "[]", "7", '{"line": ["a"], "moves": [{}]}', '{"line": null, "moves": []}'),
    *('{"line": "a", "moves": []}', '{"line": [["a"]], "moves": []}', '{"line": [1], "moves": [1]}'),
]


@pytest.mark.parametrize("content", ODD_POINTERS)
def test_a_pointer_edited_by_hand_is_an_error_that_says_so(registry: Registry, content: str):
    (registry.folder / "served.json").write_text(content)
    with pytest.raises(RegistryError, match=r"served\.json can't be read .* Delete it, then promote"):
        registry.served()


def test_a_pointer_to_an_unknown_version_is_an_error(registry: Registry):
    (registry.folder / "served.json").write_text(json.dumps({"line": ["nobody"], "moves": []}))
    with pytest.raises(RegistryError, match="nobody is no version"):
        registry.served()


@pytest.mark.slow("starts a process")
def test_a_full_disk_leaves_everything_as_it_was(registry: Registry, checkpoints: list[Path]):
    """A file size limit fails the write in the middle of the checkpoint, as a full disk does."""
    before = sorted((file.name, file.read_bytes()) for file in registry.folder.iterdir())
    code = f"""
import resource, signal
from pathlib import Path
from click99.registry.versions import Registry
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
try:
    Registry(Path({str(registry.folder)!r})).add(Path({str(checkpoints[2])!r}))
except OSError as error:
    raise SystemExit(error.errno)
"""
    ended = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert ended.returncode == errno.EFBIG
    assert sorted((file.name, file.read_bytes()) for file in registry.folder.iterdir()) == before


@pytest.mark.slow("many threads")
def test_changes_at_the_same_time_are_all_kept(registry: Registry, checkpoints: list[Path]):
    name = names(registry)[0]

    def change(number: int) -> None:
        fact: dict[str, Any] = {f"fact{number}": number}
        Registry(registry.folder).add_facts(name, **fact)
        Registry(registry.folder).add(checkpoints[2], **fact)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(24)))
    for version in (registry.get(name), registry.all()[2]):
        assert {f"fact{number}" for number in range(24)} <= version.facts.keys()
    assert not list(registry.folder.glob(".*.unfinished"))


def test_importing_it_imports_nothing_heavy():
    code = "import sys, click99.registry.cli; raise SystemExit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize("card", ["[]", "7", '{"made_at": 7}', '{"sha256": []}', '{"facts": 3}', "[" * 9999])
def test_a_card_of_another_shape_is_none(registry: Registry, card: str):
    first, second = registry.all()
    first.path.with_suffix(".json").write_text(card)
    assert {version.name for version in registry.all()} == {first.name, second.name}
    assert registry.add_facts(first.name, seen=True).facts == {"seen": True}
