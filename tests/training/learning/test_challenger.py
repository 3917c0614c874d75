"""A challenger is judged by later images only: promoted, kept waiting, or given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from click99.registry.gate_facts import TRIALS, challenger
from click99.registry.versions import Registry, Version
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning import challenger as module
from click99_training.learning.challenger import judge_challenger, learnt_images
from click99_training.learning.judging import Verdicts
from tests.registry.examples import checkpoint
from tests.training.learning.comparisons import verdicts
from tests.training.snapshot import write_snapshot

pytestmark = pytest.mark.slow("judges networks")

BETTER, SAME, WORSE, UNSURE = (
    verdicts(*pair)
    for pair in (
        ([5, 4, 5, 4, 5, 4], [1, 1, 1, 2, 1, 1]),
        ([3] * 6, [3] * 6),
        ([1, 1, 1, 2, 1, 1], [5, 4, 5, 4, 5, 4]),
        ([5, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]),
    )
)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A served version, and one that challenges it after six images."""
    registry = Registry.at(tmp_path)
    served = registry.add(checkpoint(tmp_path / "served.safetensors"))
    registry.promote(served.name, "first")
    known = write_snapshot(tmp_path / "known")
    gate = {"promoted": False, "challenges": True, "against": served.name}
    made = checkpoint(tmp_path / "made.safetensors", seed=1)
    registry.add(made, parent=served.name, snapshot=str(known), gate=gate)
    return registry


@pytest.fixture
def now(tmp_path: Path) -> SnapshotDataset:
    """Of twelve images: the challenger's six, and six later ones."""
    return SnapshotDataset(write_snapshot(tmp_path / "now", images=12))


def served(registry: Registry) -> Version:
    return registry.chosen()


def made(registry: Registry) -> Version:
    return next(version for version in registry.all() if version.name.startswith("made"))


def judge(registry: Registry, now: SnapshotDataset, found: Verdicts, monkeypatch: Any) -> Any:
    monkeypatch.setattr(module, "verdicts", lambda *_: found)
    return judge_challenger(registry, served(registry), now, "cpu", 1.0, lambda *_: None)


def test_one_that_is_better_on_later_images_is_promoted(
    registry: Registry, now: SnapshotDataset, monkeypatch: pytest.MonkeyPatch
):
    assert judge(registry, now, BETTER, monkeypatch).convinces
    assert served(registry) == made(registry)
    assert "as a challenger" in registry.pointer().moves[-1].why
    assert (made(registry).facts["gate"]["promoted"], challenger(registry, served(registry))) == (True, None)


def test_what_a_person_chose_while_it_was_judged_stays(
    registry: Registry, now: SnapshotDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = served(registry)
    other = registry.add(checkpoint(tmp_path / "other.safetensors", seed=2))

    def judged(*_: Any) -> Verdicts:
        registry.promote(other.name, "a person knows better")
        return BETTER

    monkeypatch.setattr(module, "verdicts", judged)
    assert judge_challenger(registry, before, now, "cpu", 1.0, lambda *_: None)
    assert served(registry).name == other.name
    gate = made(registry).facts["gate"]
    assert (gate["promoted"], gate["challenges"]) == (False, False)
    assert "was chosen meanwhile" in gate["given_up"]


def test_one_that_is_not_sure_yet_waits_but_not_for_ever(
    registry: Registry, now: SnapshotDataset, monkeypatch: pytest.MonkeyPatch
):
    before = served(registry)
    for look in range(1, TRIALS + 1):
        assert challenger(registry, before) == made(registry)
        judge(registry, now, UNSURE, monkeypatch)
        assert made(registry).facts["gate"]["looks"] == look
    assert challenger(registry, before) is None
    assert served(registry) == before


@pytest.mark.parametrize("found", [SAME, WORSE], ids=["as good", "worse"])
def test_one_that_gains_nothing_on_later_images_is_given_up(
    found: Verdicts, registry: Registry, now: SnapshotDataset, monkeypatch: pytest.MonkeyPatch
):
    before = served(registry)
    judge(registry, now, found, monkeypatch)
    assert challenger(registry, before) is None
    assert served(registry) == before


def test_the_images_that_it_knows_do_not_judge_it(registry: Registry, now: SnapshotDataset):
    """Really clicked through: six of the twelve, and neither network is the other."""
    heard: list[str] = []
    found = judge_challenger(registry, served(registry), now, "cpu", 0.1, lambda line, _: heard.append(line))
    assert found
    assert found.images == 6
    assert "made-" in heard[0]


def test_the_card_tells_what_taught_a_version_of_another_machine(registry: Registry):
    """Whose snapshot is there, or gone."""
    version = made(registry)
    of_snapshot = learnt_images(version)
    assert len(of_snapshot) == 6
    card = registry.add_facts(version.name, snapshot="/gone", learnt_images=sorted(of_snapshot)[:5])
    assert learnt_images(card) == {*sorted(of_snapshot)[:5]}


def test_too_few_later_images_are_no_trial(registry: Registry, tmp_path: Path):
    few = SnapshotDataset(write_snapshot(tmp_path / "few", images=11))
    assert judge_challenger(registry, served(registry), few, "cpu", 1.0, lambda *_: None) is None
    assert "looks" not in made(registry).facts["gate"]


def test_who_challenges_another_version_or_lost_its_file_is_none(registry: Registry, tmp_path: Path):
    other = registry.add(checkpoint(tmp_path / "other.safetensors", seed=2))
    assert challenger(registry, other) is None
    made(registry).path.unlink()
    assert challenger(registry, served(registry)) is None


def test_one_whose_snapshot_is_gone_is_not_judged(registry: Registry, now: SnapshotDataset):
    registry.add_facts(made(registry).name, snapshot="/gone")
    assert judge_challenger(registry, served(registry), now, "cpu", 1.0, lambda *_: None) is None


def test_one_whose_file_is_damaged_is_given_up(registry: Registry, now: SnapshotDataset):
    """It must not end the fine-tune that would judge it."""
    made(registry).path.write_bytes(b"half")
    assert judge_challenger(registry, served(registry), now, "cpu", 1.0, lambda *_: None) is None
    assert "is not the file that was added" in made(registry).facts["gate"]["given_up"]
    assert challenger(registry, served(registry)) is None
