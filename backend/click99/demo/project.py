"""The demo's project in Label Studio: made once, found again later."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from click99.demo.pictures import pictures
from click99.labelstudio.client import Client

TITLE = "click99 demo"


def find_or_create(client: Client) -> int:
    """The id of the project called `TITLE`."""
    found = client.call("GET", "/api/projects", params={"page_size": 1000})["results"]
    for project in found:
        if project["title"] == TITLE:
            return project["id"]
    config = files("click99.label_config").joinpath("brush.xml").read_text()
    created = client.call("POST", "/api/projects", json={"title": TITLE, "label_config": config})
    return created["id"]


def add_pictures(client: Client, project: int) -> None:
    """Upload the pictures to a project that has no tasks: all at once, so that it never has only some."""
    tasks = client.call("GET", "/api/tasks", params={"project": project, "page_size": 1})
    if tasks["total"] == 0:
        uploads = {picture.name: (picture.name, picture.read_bytes()) for picture in pictures()}
        client.call("POST", f"/api/projects/{project}/import", files=uploads)


def connect(client: Client, project: int, backend_url: str) -> None:
    """Make `backend_url` the project's one interactive backend.

    Label Studio keeps a backend's webhook when the backend goes, so both are removed when the
    address changed.
    """
    backends: list[dict[str, Any]] = client.call("GET", "/api/ml", params={"project": project})
    if [backend["url"] for backend in backends] == [backend_url]:
        return
    for backend in backends:
        client.call("DELETE", f"/api/ml/{backend['id']}")
    for webhook in client.call("GET", "/api/webhooks/", params={"project": project}):
        client.call("DELETE", f"/api/webhooks/{webhook['id']}/")
    settings = {"url": backend_url, "project": project, "title": "click99", "is_interactive": True}
    client.call("POST", "/api/ml", json=settings)
