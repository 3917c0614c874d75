"""Which projects teach one another, which line of versions each follows, and what a new line begins at."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.registry.gate_facts import challenger
from click99.registry.lines import PROJECTS, group_of, line_of, lines_of, start_of, taught_by
from click99.registry.versions import Registry, RegistryError, Version
from click99.registry.watched import watched
from click99.segmentation.checkpoint import SHIPPED, checkpoint_version
from tests.registry.examples import checkpoint

pytestmark = pytest.mark.usefixtures("unchecked")
JUDGED = {"gate": {"promoted": True}}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def taught(registry: Registry, projects: str, seed: int) -> Version:
    """A version that a group of projects taught, promoted by the gate in its line."""
    line = line_of(registry, projects)
    file = checkpoint(registry.folder.parent / f"of{seed}.safetensors", seed)
    parent = line.add(start_of(line).path).name
    facts = {"line": line.line, PROJECTS: projects, **JUDGED}
    version = line.add(file, parent=parent, **facts)
    line.promote(version.name, "better", by="gate")
    return version


@pytest.mark.parametrize(
    ("project", "lines", "group"),
    [
        ("3.1767225600", "", "3"),
        ("3", "", "3"),
        ("3.1767225600", "all", ""),
        ("3.1767225600", "3+7,8+9", "3+7"),
        ("9", "3+7, 8+9", "8+9"),
        ("5", "3+7,8+9", "5"),
        ("3+7", "", "3+7"),
        ("7+3", "3+7", "3+7"),
        ("", "", ""),
        ("../served", "", ""),
    ],
)
def test_who_teaches_together(project: str, lines: str, group: str):
    assert group_of(project, lines) == group


def test_the_first_project_follows_the_common_line_and_the_second_one_its_own(registry: Registry):
    first = taught(registry, "3", 1)
    second = taught(registry, "7", 2)
    assert registry.chosen() == registry.get(first.name)
    assert line_of(registry, "7").chosen() == registry.get(second.name)
    assert [line.line for line in lines_of(registry)] == ["", "7"]
    assert [taught_by(line, "") for line in lines_of(registry)] == ["3", "7"]
    assert taught_by(registry, "all") == ""
    assert line_of(registry, "9").served() == registry.get(first.name), "who has no line yet is answered so"


def test_a_new_line_begins_at_what_no_project_has_taught(registry: Registry, tmp_path: Path):
    taught(registry, "3", 1)
    second = taught(registry, "7", 2)
    assert second.parent == checkpoint_version(SHIPPED), "not at what the first project taught"
    own = registry.add(checkpoint(tmp_path / "own.safetensors", 3))
    registry.promote(own.name, "a base of ours")
    assert taught(registry, "9", 4).parent == own.name
    assert start_of(line_of(registry, "7")).name == second.name, "and goes on at its own"


def test_each_line_moves_and_is_watched_by_itself(registry: Registry):
    first, second = taught(registry, "3", 1), taught(registry, "7", 2)
    own, common = line_of(registry, "7"), registry
    now, other = watched(own), watched(common)
    assert now
    assert other
    assert (now.version.name, now.before, other.version.name) == (second.name, first.name, first.name)
    own.take_back(now.seen, "worse")
    assert own.chosen().name == first.name, "what answered the project before"
    assert common.chosen().name == first.name
    common.rollback()
    assert common.chosen().name == checkpoint_version(SHIPPED)
    assert own.chosen().name == first.name, "the common line's moves are not its own"
    with pytest.raises(RegistryError, match="No version was served before"):
        own.rollback()


def test_who_challenges_in_one_line_is_judged_by_no_other_project(registry: Registry, tmp_path: Path):
    first = taught(registry, "3", 1)
    gate = {"promoted": False, "challenges": True, "against": first.name}
    made = checkpoint(tmp_path / "made.safetensors", 5)
    name = registry.add(made, line="7", projects="7", gate=gate).name
    own = challenger(registry.of_line("7"), first)
    assert (own and own.name, challenger(registry, first)) == (name, None)
    assert [line.line for line in lines_of(registry)] == ["", "7"], "though nothing was promoted there"


def test_projects_that_begin_to_teach_together_go_on_in_the_common_line(registry: Registry):
    taught(registry, "3", 1)
    assert line_of(registry, "3+7").line == ""
    assert line_of(registry, "").line == "", "all together"
    assert line_of(registry, "8+9").line == "8+9"


@pytest.mark.parametrize("name", ["served.3-12345678.json", "served-12345678.json"])
def test_a_version_s_card_is_no_pointer(registry: Registry, tmp_path: Path, name: str):
    stem = "served.3" if name.startswith("served.3") else "served"
    version = registry.add(checkpoint(tmp_path / f"{stem}.safetensors", 6))
    assert registry.lines() == []
    assert [each.name for each in registry.all()] == [version.name]


def test_nothing_is_promoted_over_what_somebody_chose_meanwhile(registry: Registry, tmp_path: Path):
    served, chosen, candidate = (
        registry.add(checkpoint(tmp_path / f"v{seed}.safetensors", seed)) for seed in range(3)
    )
    registry.promote(served.name, "first")
    registry.promote(chosen.name, "a person knows better")
    with pytest.raises(RegistryError, match=f"{chosen.name} was chosen meanwhile"):
        registry.promote(candidate.name, "better", by="gate", judged_against=served.name)
    assert registry.chosen().name == chosen.name
    registry.promote(candidate.name, "better", by="gate", judged_against=chosen.name)
    assert registry.chosen().name == candidate.name
