"""The project itself: found or created, its pictures, its label config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from click99.connect.step import Step, change
from click99.labelstudio.client import Client
from click99.labelstudio.completed_config import completed
from click99.labelstudio.uploads import file_name, names_at

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")
AT_ONCE = 20  # files a request: Label Studio takes a hundred, a proxy before it not every size


def titled(client: Client, title: str) -> dict[str, Any] | None:
    """The project of that title, the oldest of several. ApiError: see `Client.call`."""
    found = [project for project in client.projects() if project["title"] == title]
    return min(found, key=lambda project: project["id"], default=None)


def pictures_in(folder: Path) -> list[Path]:
    """Its pictures, by their names, not those of folders in it. ValueError when there are none."""
    found = sorted(file for file in folder.glob("*") if file.suffix.lower() in PICTURES and file.is_file())
    if not found:
        raise ValueError(f"{folder}: no pictures there. Name a folder with {', '.join(PICTURES)}")
    return found


def add_pictures(client: Client, project: int, files: Sequence[Path], apply: bool) -> Iterator[Step]:
    """Those whose names none of its tasks has yet."""
    values = [str(value) for task in client.tasks(project, 100) for value in task["data"].values()]
    known = {name for value in values for name in names_at(value)}
    new = [file for file in files if file_name(file.name) not in known]
    if not new:
        yield Step("pictures", "kept", f"all {len(files)} are there")
        return
    for start in range(0, len(new) if apply else 0, AT_ONCE):
        part = new[start : start + AT_ONCE]
        uploads = {str(k): (file.name, file.read_bytes()) for k, file in enumerate(part)}
        client.call("POST", f"/api/projects/{project}/import", files=uploads, timeout=600)
    yield change("pictures", f"{len(new)} uploaded, {len(files) - len(new)} were there", apply)


def complete_config(
    client: Client, project: dict[str, Any], labels: Sequence[str], apply: bool
) -> Iterator[Step]:
    """Add to its label config what clicks need. LabelConfigError when it lacks more than can be added."""
    before = project["label_config"]
    after = completed(before, labels)
    if after == before:
        yield Step("label config", "kept", "it answers clicks")
        return
    if apply:
        client.call("PATCH", f"/api/projects/{project['id']}", json={"label_config": after})
    yield change("label config", f"added {added(before, after)}", apply)


def added(before: str, after: str) -> str:
    """The tags' names and their `name`s that one has and the other has not."""
    tags = re.compile(r'<(\w+) name="([^"]*)"')
    return ", ".join(
        f"{tag} {name!r}" for tag, name in tags.findall(after) if (tag, name) not in tags.findall(before)
    )
