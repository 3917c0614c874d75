"""All steps, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click99.connect.backend import Backend, add_backend, set_webhook, try_click, warm_on_opening
from click99.connect.project import add_pictures, complete_config, pictures_in, titled
from click99.connect.step import Step, change
from click99.labelstudio.client import Client
from click99.labelstudio.config_text import config_text


@dataclass(frozen=True)
class ProjectPlan:
    """What a project is to be. project: its number, 0: the one called `title`, created if there is none.
    images: a folder whose pictures become tasks. labels, kind: of its label config, where it lacks some."""

    backend: Backend
    project: int = 0
    title: str = ""
    images: Path | None = None
    labels: Sequence[str] = ()
    kind: str = "brush"


def connect(client: Client, plan: ProjectPlan, apply: bool) -> Iterator[Step]:
    """Do what is missing, or without `apply` tell it. A second run finds everything done.

    Raises:
        ApiError: Label Studio is out of reach, or refuses; what was done before it stays.
        LabelConfigError, ValueError: the label config, the folder or the labels can't be used.
    """
    files = pictures_in(plan.images) if plan.images else []
    project = _found(client, plan)
    if project is None:
        yield change("project", f"created: {plan.title}", apply)
        if not apply:
            yield Step("all else", "to do", f"{len(files)} pictures, label config, ML backend, webhook")
            return
        project = _created(client, plan)
    else:
        yield Step("project", "kept", f"{project['id']}, {project['title']}")
    if files:
        yield from add_pictures(client, project["id"], files, apply)
    yield from complete_config(client, project, plan.labels, apply)
    yield from add_backend(client, project["id"], plan.backend, apply)
    yield from set_webhook(client, project["id"], plan.backend, apply)
    yield from warm_on_opening(client, project, apply)
    if apply:
        yield from try_click(client, client.project(project["id"]), plan.backend)


def _found(client: Client, plan: ProjectPlan) -> dict[str, Any] | None:
    found = titled(client, plan.title) if not plan.project else {"id": plan.project}
    return found and client.project(found["id"])


def _created(client: Client, plan: ProjectPlan) -> dict[str, Any]:
    config = config_text(plan.kind, plan.labels)
    return client.call("POST", "/api/projects", json={"title": plan.title, "label_config": config})


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
