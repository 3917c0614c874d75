"""`click99 recover`: masks that were submitted before they were accepted, made again from their clicks, and
masks that are saved twice, kept once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from click99.annotations.damaged_annotations import DamagedAnnotations
from click99.labelstudio.client import Client
from click99.labelstudio.damage import damage
from click99.labelstudio.doubled import without_doubled
from click99.labelstudio.errors import ApiError, ApiMissingError, LabelConfigError, LabelStudioError
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.loose_values import objects
from click99.labelstudio.payloads import ContextItem, PredictRequest
from click99.labelstudio.predictions import Prediction
from click99.labelstudio.unaccepted import count
from click99.server.connection import Connection
from click99.server.service import Service
from click99.server.settings import Settings

PAGE = 50  # tasks asked for at a time; with their masks they can be megabytes


@dataclass(frozen=True)
class DamagedAnnotation:
    """One that lost masks, or holds some twice. clicks: of each lost one, or its box. doubled: how many are
    there twice."""

    project: dict[str, Any]
    task: dict[str, Any]
    annotation: dict[str, Any]
    clicks: list[list[ContextItem]]
    doubled: int = 0

    @property
    def subject(self) -> str:
        return f"project {self.project['id']}, task {self.task['id']}, annotation {self.annotation['id']}"


def run(settings: Settings, project: int | None, apply: bool, console: Console) -> bool:
    """Show what was lost and, with `apply`, write it back. Whether nothing went wrong.

    project: look through all of its annotations; None: at those that the server has listed.
    """
    client = Connection(settings).client
    if client is None:
        raise ApiError("LABEL_STUDIO_URL", "not set", "Set it and LABEL_STUDIO_API_KEY")
    damaged = DamagedAnnotations(settings.home)
    search = listed(client, damaged) if project is None else in_project(client, project)
    found = list(track(search, "Looking for lost and doubled masks", console=console))
    if not found:
        where = f"submitted in project {project}" if project else "that the server heard of"
        console.print(f"Every click {where} has its mask, and each mask is there once.")
        return True
    service = Service.load(settings)
    table = Table(
        "Where", "Label", "From", "Mask", title="Masks not accepted, or saved twice", title_justify="left"
    )
    writer = client if apply else None
    masks = track(found, "Making masks", console=console)
    fine = [restore(service, writer, lost, table) for lost in masks]
    for lost, restored in zip(found, fine, strict=True):
        if apply and restored:
            damaged.remove(lost.annotation["id"])
    console.print(table)
    console.print("Written." if apply else "Nothing is written yet: --apply does.")
    return all(fine)


def restore(service: Service, client: Client | None, lost: DamagedAnnotation, table: Table) -> bool:
    """Make an annotation's masks, write them if `client` is given, add rows. Whether it went well."""
    try:
        result, regions = remake(service, lost)
        if client:
            write(client, lost, result)
    except LabelStudioError as error:
        table.add_row(escape(lost.subject), "", "", f"[red]{escape(str(error))}[/]")
        return False
    if lost.doubled:
        table.add_row(escape(lost.subject), "", "saved twice", f"{lost.doubled} kept once")
    for clicks, region in zip(lost.clicks, regions, strict=True):
        label = escape(clicks[0].label or "")
        mask = f"score {region['score']:.2f}" if region else "none"
        table.add_row(escape(lost.subject), label, count(clicks), mask)
    return True


def listed(client: Client, damaged: DamagedAnnotations) -> Iterator[DamagedAnnotation]:
    """The annotations that the server has listed; one that is gone is listed no longer."""
    for number in damaged.all():
        try:
            annotation = client.call("GET", f"/api/annotations/{number}/")
            task = client.call("GET", f"/api/tasks/{annotation['task']}/")
            project = client.call("GET", f"/api/projects/{task['project']}/")
        except ApiMissingError:
            damaged.remove(number)
            continue
        yield from _damage(project, task, annotation)


def in_project(client: Client, number: int) -> Iterator[DamagedAnnotation]:
    """A project's annotations that lost a mask, or hold one twice."""
    project = client.project(number)
    for task in client.tasks(number, PAGE):
        if not task["total_annotations"]:
            continue
        for annotation in client.call("GET", f"/api/tasks/{task['id']}/annotations/"):
            yield from _damage(project, task, annotation)


def remake(service: Service, lost: DamagedAnnotation) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The annotation's result, each mask once and in place of its clicks, and the masks that were lost, {}
    where clicks make none. LabelStudioError: see `Service.predict`."""
    result, regions = list(without_doubled(objects(lost.annotation["result"]))), []
    for clicks in lost.clicks:
        answer = _answer(service, lost, result, clicks)
        gone = {*(item["id"] for item in answer), *(click.id for click in clicks)}
        result = [item for item in result if item.get("id") not in gone] + answer
        regions.append(answer[0] if answer else {})
    return result, regions


def write(client: Client, lost: DamagedAnnotation, result: list[dict[str, Any]]) -> None:
    """Replace the annotation's result, unless someone has changed it meanwhile (ApiError)."""
    path = f"/api/annotations/{lost.annotation['id']}/"
    if client.call("GET", path)["updated_at"] != lost.annotation["updated_at"]:
        raise ApiError(f"PATCH {path}", "it was changed meanwhile", "Run click99 recover again")
    client.call("PATCH", path, json={"result": result})


def _damage(
    project: dict[str, Any], task: dict[str, Any], annotation: dict[str, Any]
) -> Iterator[DamagedAnnotation]:
    try:
        config = LabelConfig.parse(project["label_config"], task["data"])
    except LabelConfigError:
        return
    items = objects(annotation["result"])
    if found := damage(items, config, task["id"]):
        yield DamagedAnnotation(project, task, annotation, *found)


def _answer(
    service: Service, lost: DamagedAnnotation, result: list[dict[str, Any]], clicks: list[ContextItem]
) -> list[dict[str, Any]]:
    """What these clicks were answered with, on the canvas as it was submitted: the mask, and what people
    filled in for it."""
    task = {"id": lost.task["id"], "data": lost.task["data"], "drafts": [{"result": result}]}
    context = {"result": [click.model_dump() for click in clicks]}
    request = {
        "tasks": [task],
        "label_config": lost.project["label_config"],
        "params": {"context": context},
    }
    (prediction,) = service.predict(PredictRequest.model_validate(request)).results
    assert isinstance(prediction, Prediction)
    return prediction.model_dump()["result"]
