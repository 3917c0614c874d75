"""All steps, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click99.connect.backend import Backend, Refused, add_backend, set_webhook, try_click, warm_on_opening
from click99.connect.project import add_pictures, complete_config, titled
from click99.connect.step import Step, change
from click99.labelstudio.client import Client
from click99.labelstudio.config_text import KINDS, check_kind, check_labels, config_text
from click99.labelstudio.pictures import pictures_in

TITLE = range(3, 51)  # how many characters Label Studio wants


@dataclass(frozen=True)
class ProjectPlan:
    """What a project is to be. project: its number, 0: the one called `title`, created if there is none.
    images: a folder whose pictures become tasks. labels: of its label config, where it lacks some. kind: what
    masks become in a new project, "": brush."""

    backend: Backend
    project: int = 0
    title: str = ""
    images: Path | None = None
    labels: Sequence[str] = ()
    kind: str = ""


def connect(
    client: Client, plan: ProjectPlan, apply: bool, refused: Refused = lambda since: ()
) -> Iterator[Step]:
    """Do what is missing, or without `apply` tell it. A second run finds everything done.

    refused: asked why the click was not answered; unset: that is not known.

    Raises:
        ApiError: Label Studio is out of reach, or refuses; what was done before it stays.
        LabelConfigError, ValueError: the title, the label config, the folder or the labels can't be used.
    """
    files = _checked(plan)
    project = _found(client, plan)
    if project is None:
        config = config_text(plan.kind or KINDS[0], plan.labels)
        if not apply:
            yield Step("project", "to do", f"created: {plan.title}")
            yield Step("all else", "to do", f"{len(files)} pictures, label config, ML backend, webhook")
            return
        new = {"title": plan.title, "label_config": config}
        project = client.call("POST", "/api/projects", json=new)
        yield Step("project", "changed", f"created: {plan.title}")
    else:
        yield Step("project", "kept", f"{project['id']}, {project['title']}")
    if files:
        yield from add_pictures(client, project["id"], files, apply)
    yield from complete_config(client, project, plan.labels, plan.kind, apply)
    yield from add_backend(client, project["id"], plan.backend, apply)
    yield from set_webhook(client, project["id"], plan.backend, apply)
    yield from warm_on_opening(client, project, apply)
    if apply:
        yield from try_click(client, client.project(project["id"]), plan.backend, refused)


def _checked(plan: ProjectPlan) -> list[Path]:
    """The pictures. ValueError: what was asked for can't be, wherever Label Studio is."""
    if plan.title and not plan.project and len(plan.title) not in TITLE:
        problem = f"Label Studio wants {TITLE[0]} to {TITLE[-1]} characters, it has {len(plan.title)}"
        raise ValueError(f"--create {plan.title!r}: {problem}. Choose another title")
    check_kind(plan.kind or KINDS[0])
    check_labels(plan.labels)
    return pictures_in(plan.images) if plan.images else []


def _found(client: Client, plan: ProjectPlan) -> dict[str, Any] | None:
    found = titled(client, plan.title) if not plan.project else {"id": plan.project}
    return found and client.project(found["id"])


def disconnect(client: Client, project: int, backend: Backend, apply: bool) -> Iterator[Step]:
    """Remove the ML backend and its webhook, which Label Studio leaves behind. Tasks, annotations and the
    label config stay. ApiError: see `connect`."""
    client.project(project)
    yield from _removed(client, "ML backend", "/api/ml", project, backend.url, apply)
    yield from _removed(client, "webhook", "/api/webhooks/", project, backend.webhook, apply)


def _removed(client: Client, subject: str, path: str, project: int, url: str, apply: bool) -> Iterator[Step]:
    found = client.call("GET", path, params={"project": project})
    ours = [each["id"] for each in found if each["url"].rstrip("/") == url]
    if not ours:
        yield Step(subject, "kept", f"there is no {url}")
        return
    for number in ours if apply else []:
        client.call("DELETE", f"{path.rstrip('/')}/{number}{'/' if path.endswith('/') else ''}")
    yield change(subject, f"removed: {url}", apply)
