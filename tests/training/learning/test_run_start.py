"""How a fine-tune begins: from which version, and in which order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from click99.registry.versions import Registry
from click99_training.learning import run_start as module
from click99_training.learning.progress import Progress
from click99_training.learning.run_start import FineTune, RunStart, begin
from tests.registry.examples import checkpoint
from tests.training.snapshot import write_snapshot

pytestmark = pytest.mark.slow("begins fine-tunes")


@pytest.fixture
def asked(tmp_path: Path) -> FineTune:
    return FineTune(tmp_path / "run", tmp_path / "home", data=write_snapshot(tmp_path / "data"), device="cpu")


@pytest.fixture
def registry(asked: FineTune, tmp_path: Path) -> Registry:
    """What is served, and what challenges it."""
    registry = Registry.at(asked.home)
    for seed, name in enumerate(("served", "made")):
        registry.add(checkpoint(tmp_path / f"{name}.safetensors", seed))
    registry.promote(registry.all()[0].name, "first")
    return registry


def start(asked: FineTune, registry: Registry) -> RunStart:
    with Progress(asked.out) as progress:
        begin(asked, registry, lambda folder: pytest.fail("there is a snapshot"), progress)
    return RunStart.read(asked.out)


def test_it_begins_at_the_challenger_if_that_is_promoted_first(
    asked: FineTune, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    made = registry.all()[1].name
    monkeypatch.setattr(module, "judge_challenger", lambda *_: registry.promote(made, "better"))
    assert start(asked, registry).parent == made


def test_it_begins_at_what_the_watch_went_back_to(
    asked: FineTune, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    before, made = (version.name for version in registry.all()[:2])
    registry.promote(made, "better", by="gate")
    monkeypatch.setattr(module, "look_back", lambda *_: registry.take_back(registry.pointer(), "worse"))
    assert start(asked, registry).parent == before


def test_it_begins_at_what_is_served(asked: FineTune, registry: Registry):
    assert start(asked, registry).parent == registry.all()[0].name


def test_one_from_a_pinned_checkpoint_promotes_nothing(
    asked: FineTune, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "judge_challenger", lambda *_: pytest.fail("judged"))
    pinned = checkpoint(tmp_path / "pinned.safetensors", seed=7)
    assert start(replace(asked, pinned=pinned), registry).parent.startswith("pinned-")


def test_one_that_began_goes_on_with_what_it_began_with(asked: FineTune, registry: Registry):
    begun = start(asked, registry)
    registry.promote(registry.all()[1].name, "better")
    assert start(asked, registry) == begun
    with pytest.raises(ValueError, match="a fine-tune with other settings began there"):
        start(replace(asked, minutes=1), registry)


def test_a_second_project_begins_a_line_at_what_the_first_did_not_teach(
    asked: FineTune, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    """And is judged against what it is answered by until then."""
    base, made = registry.all()[:2]
    facts = {"projects": "3", "line": "", "gate": {"promoted": True}}
    registry.add_facts(made.name, **facts)
    registry.promote(made.name, "better", by="gate")
    lines: list[str] = []
    monkeypatch.setattr(module, "look_back", lambda line, *_: lines.append(line.line))
    begun = start(replace(asked, projects="7"), registry)
    assert (begun.parent, begun.line, begun.projects) == (base.name, "7", "7")
    assert lines == ["7"], "it looks back at its own line only"
    assert "--project 7" in replace(asked, projects="7").command()
    with pytest.raises(ValueError, match="a fine-tune with other settings began there"):
        start(replace(asked, projects="3"), registry)


def test_the_first_project_s_next_one_goes_on_in_the_common_line(asked: FineTune, registry: Registry):
    made = registry.all()[1]
    registry.add_facts(made.name, projects="3", line="", gate={"promoted": True})
    registry.promote(made.name, "better")
    begun = start(replace(asked, projects="3"), registry)
    assert (begun.parent, begun.line) == (made.name, "")


def test_the_snapshot_of_another_click99_is_refused(asked: FineTune, registry: Registry):
    start(asked, registry)
    told = json.loads((asked.out / "run.json").read_text())
    (asked.out / "run.json").write_text(json.dumps(told | {"folds": 5}))
    with pytest.raises(ValueError, match="an older click99 began that fine-tune"):
        start(asked, registry)
