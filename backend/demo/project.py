"""The demo's project in Label Studio: made once, found again later."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from backend.demo.pictures import pictures
from backend.labelstudio.client import Client

TITLE = "click99 demo"


def find_or_create(client: Client) -> int:
    """The id of the project called `TITLE`."""
    found = client.call("GET", "/api/projects", params={"page_size": 1000})["results"]
    for project in found:
        if project["title"] == TITLE:
            return project["id"]
    config = files("label_config").joinpath("brush.xml").read_text()
    created = client.call("POST", "/api/projects", json={"title": TITLE, "label_config": config})
    return created["id"]


def add_pictures(client: Client, project: int) -> Iterator[float]:
    """Upload the pictures to an empty project; yields the part done, up to 1.0."""
    tasks = client.call("GET", "/api/tasks", params={"project": project, "page_size": 1})
    missing = [] if tasks["total"] else pictures()
    for done, picture in enumerate(missing, start=1):
        upload = {"file": (picture.name, picture.read_bytes())}
        client.call("POST", f"/api/projects/{project}/import", files=upload)
        yield done / len(missing)
    yield 1.0


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
