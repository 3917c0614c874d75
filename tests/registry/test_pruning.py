"""What older fine-tunes leave is cleared away, and nothing that anybody may still want."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from click99.registry.jobs import Jobs
from click99.registry.pruning import prune
from click99.registry.versions import Registry, RegistryError
from tests.registry.examples import STAND_IN, checkpoint, ended


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Five versions, the oldest first."""
    registry = Registry.at(tmp_path)
    for seed in range(5):
        registry.add(checkpoint(tmp_path / f"v{seed}.safetensors", seed))
    return registry


def there(registry: Registry) -> list[str]:
    return [version.name[:2] for version in registry.all() if version.path.is_file()]


def named(registry: Registry, start: str) -> str:
    return next(version.name for version in registry.all() if version.name.startswith(start))


def test_the_newest_versions_stay_and_all_their_cards(registry: Registry, tmp_path: Path):
    prune(tmp_path, 2)
    assert there(registry) == ["v3", "v4"]
    assert len(registry.all()) == 5


def test_the_page_of_what_a_version_bought_goes_with_it(registry: Registry, tmp_path: Path):
    (tmp_path / "bought").mkdir()
    for version in registry.all():
        for kept in ("html", "json"):
            (tmp_path / "bought" / f"{version.name}.{kept}").touch()
    prune(tmp_path, 2)
    left = {file.stem for file in (tmp_path / "bought").iterdir()}
    assert left == {version.name for version in registry.all() if version.path.is_file()}
    assert len(left) < len(registry.all())


@pytest.mark.slow("many versions")
def test_what_is_served_the_one_before_it_and_the_shipped_one_stay(registry: Registry, tmp_path: Path):
    for start in ("v0", "v1", "v2"):
        registry.promote(named(registry, start), "better")
    prune(tmp_path, 2)
    assert there(registry) == ["v1", "v2", "v4", "co"], "the shipped one was added when one was promoted"
    assert registry.rollback().name.startswith("v1")
    assert registry.rollback().name.startswith("compact"), "v0 is passed over"
    with pytest.raises(RegistryError, match="No version was served before compact"):
        registry.rollback()


@pytest.mark.usefixtures("unchecked")
def test_what_a_line_serves_and_the_one_before_it_stay(registry: Registry, tmp_path: Path):
    for start in ("v0", "v1", "v2"):
        registry.of_line("7").promote(named(registry, start), "better")
    prune(tmp_path, 2)
    assert there(registry) == ["v1", "v2", "v4", "co"]
    assert registry.of_line("7").rollback().name.startswith("v1")


def test_a_checkpoint_that_servers_are_pinned_to_stays(registry: Registry, tmp_path: Path):
    prune(tmp_path, 2, pinned=registry.get(named(registry, "v0")).path)
    assert there(registry) == ["v0", "v3", "v4"]


def test_of_older_jobs_stays_what_they_said(tmp_path: Path):
    jobs = Jobs(tmp_path / "jobs", (*STAND_IN, "--end", "refuse"))
    for number in (1, 2, 3):
        jobs.start("the button")
        ended(jobs, number)
        (jobs.folder / str(number) / "snapshot").mkdir()
        (jobs.folder / str(number) / "candidate.safetensors").touch()
    before = jobs.all()
    prune(tmp_path, 2)
    assert jobs.all() == before
    kept = [sorted(file.name for file in job.folder.iterdir()) for job in before]
    assert "snapshot" not in kept[0]
    assert "candidate.safetensors" not in kept[0]
    assert {"snapshot", "candidate.safetensors"} <= set(kept[1]) & set(kept[2])


def test_looks_do_not_crowd_out_what_fine_tunes_learnt_from(tmp_path: Path):
    """By their snapshots the looks tell which images are new."""
    tunes = Jobs(tmp_path / "jobs", (*STAND_IN, "--end", "yes"))
    looks = Jobs(tmp_path / "jobs", (*STAND_IN, "--end", "keep"), "watch")
    for number, jobs in enumerate((tunes, looks, looks, looks), 1):
        jobs.start("")
        ended(jobs, number)
        (jobs.folder / str(number) / "snapshot").mkdir()
    prune(tmp_path, 2)
    assert [(job.folder / "snapshot").is_dir() for job in tunes.all()] == [True, False, True, True]


def test_a_folder_that_somebody_named_is_theirs(tmp_path: Path):
    jobs, mine = Jobs(tmp_path / "jobs"), [tmp_path / name for name in ("a", "b", "c")]
    for folder in mine:
        with jobs.running_here(folder):
            (folder / "snapshot").mkdir()
    prune(tmp_path, 2)
    assert all((folder / "snapshot").exists() for folder in mine)


def test_images_go_with_the_last_snapshot_that_refers_to_them(tmp_path: Path):
    store = tmp_path / "snapshot-images"
    store.mkdir()
    for name in ("used", "left"):
        (store / f"{name}.png").write_bytes(b"")
    os.link(store / "used.png", tmp_path / "used.png")
    prune(tmp_path, 2)
    assert [file.name for file in store.iterdir()] == ["used.png"]
