"""What older fine-tunes leave on the disk, cleared away. What was decided stays: cards, logs, figures."""

from __future__ import annotations

import shutil
from itertools import chain
from pathlib import Path
from typing import get_args

from click99.registry.job import JobKind
from click99.registry.jobs import Jobs
from click99.registry.versions import Pointer, Registry

TOLD = ("job.json", "progress.json", "run.json", "log.txt", "alive", "cancelled", "curves.html")


def prune(home: Path, keep: int, pinned: Path | None = None, registry_url: str = "") -> None:
    """Clear away what is older than the newest `keep` fine-tunes of a CLICK99_HOME, watches over them, and
    versions of its registry.

    Never what is served or pinned, the version before it, or the shipped one; nor a folder that
    `click99 finetune --out` named.

    Raises:
        OSError: the disk does not let it. RegistryError: the registry's storage does not.
    """
    _prune_jobs(Jobs.at(home), keep)
    registry = Registry.at(home, registry_url)
    _prune_versions(registry, keep, pinned)
    _prune_pages(home.expanduser() / "bought", registry)
    _prune_images(home.expanduser() / "snapshot-images")


def _prune_jobs(jobs: Jobs, keep: int) -> None:
    every = jobs.all()
    older = [[job for job in every if job.kind == kind][:-keep] for kind in get_args(JobKind)]
    for job in chain(*older):
        if job.state == "running" or job.folder.is_symlink():
            continue
        for entry in job.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in TOLD:
                entry.unlink()


def _prune_versions(registry: Registry, keep: int, pinned: Path | None) -> None:
    wanted = {name for line in ("", *registry.lines()) for name in _wanted(registry.of_line(line).pointer())}
    for version in registry.all()[:-keep]:
        is_pinned = pinned and pinned.expanduser().resolve() == version.path.resolve()
        is_wanted = is_pinned or version.name in wanted
        if version.path.is_file() and not is_wanted:
            registry.clear_away(version.name)


def _wanted(pointer: Pointer) -> tuple[str, ...]:
    """What a line began with, what is served, and the one before it."""
    return (*pointer.stack[:1], *pointer.stack[-2:])


def _prune_pages(folder: Path, registry: Registry) -> None:
    """Those of versions that were cleared away."""
    for version in registry.all():
        if version.is_cleared_away:
            for kept in (".html", ".json"):
                (folder / f"{version.name}{kept}").unlink(missing_ok=True)


def _prune_images(store: Path) -> None:
    """Those that no snapshot links to any more."""
    for image in store.glob("*.png"):
        if image.stat().st_nlink == 1:
            image.unlink()
