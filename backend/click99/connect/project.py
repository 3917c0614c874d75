"""The project itself: found or created, its pictures, its label config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from click99.connect.step import Step, change
from click99.labelstudio.client import Client
from click99.labelstudio.completed_config import completed
from click99.labelstudio.config_text import config_text
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.uploads import file_name, names_at

INTERFACE = "Settings → Labeling Interface"
AT_ONCE = 20  # files a request: Label Studio takes a hundred, a proxy before it not every size


def titled(client: Client, title: str) -> dict[str, Any] | None:
    """The project of that title, the oldest of several. ApiError: see `Client.call`."""
    found = [project for project in client.projects() if project["title"] == title]
    return min(found, key=lambda project: project["id"], default=None)


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
    client: Client, project: dict[str, Any], labels: Sequence[str], kind: str, apply: bool
) -> Iterator[Step]:
    """Add to its label config what clicks need, and tell what of `labels` and `kind` it has not all the same.
    LabelConfigError when it lacks more than can be added."""
    before = project["label_config"]
    after = completed(before, labels)
    if after == before:
        yield Step("label config", "kept", "it answers clicks")
    else:
        if apply:
            client.call("PATCH", f"/api/projects/{project['id']}", json={"label_config": after})
        yield change("label config", f"added {added(before, after)}", apply)
    yield from _not_used(LabelConfig.parse(after), labels, kind)


def _not_used(config: LabelConfig, labels: Sequence[str], kind: str) -> Iterator[Step]:
    """The labels that no control for masks has, and the kind if it is another."""
    known = [output.labels for output in config.outputs]
    if None not in known and (new := [label for label in labels if not any(_has(k, label) for k in known)]):
        told = f"{', '.join(new)} not in its label config, where masks have labels of their own"
        yield Step("--labels", "not used", f"{told}. Add them in Label Studio: {INTERFACE}")
    if kind and _kinds(LabelConfig.parse(config_text(kind, ["one"]))) - _kinds(config):
        told = f"{kind} is for a new project; this one's masks stay as its label config has them"
        yield Step(
            "--kind", "not used", f"{told}. To change it, paste what click99 config prints: {INTERFACE}"
        )


def _has(known: Mapping[str, str] | None, label: str) -> bool:
    return known is not None and label in {*known, *known.values()}


def _kinds(config: LabelConfig) -> set[str]:
    return {control.kind for control in (*config.keypoints, *config.boxes, *config.outputs)}


def added(before: str, after: str) -> str:
    """The tags' names and their `name`s that one has and the other has not."""
    tags = re.compile(r'<(\w+) name="([^"]*)"')
    return ", ".join(
        f"{tag} {name!r}" for tag, name in tags.findall(after) if (tag, name) not in tags.findall(before)
    )
