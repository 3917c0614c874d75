"""Checks of what Label Studio is to bring: its address, the API key, projects, backends, images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ApiRefusedError, LabelConfigError, LabelStudioError
from click99.labelstudio.images import ImageSource
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.listings import Release, told
from click99.labelstudio.region_types import REGION_TYPES
from click99.server.finding import Finding
from click99.server.image_source import image_source
from click99.server.settings import Settings


def check_label_studio(settings: Settings, client: Client) -> Iterator[Finding]:
    """Reachability, the API key, and every project that the key opens."""
    try:
        version = told(Release, client.call("GET", "/api/version"), "GET /api/version").release
        yield Finding("Label Studio", "ok", f"{version} at {client.url}")
        if settings.label_studio_url and not settings.label_studio_api_key:
            yield Finding("API key", "problem", "LABEL_STUDIO_API_KEY is not set: see Account & Settings")
            return
        user = client.call("GET", "/api/current-user/whoami")["email"]
        yield Finding("API key", "ok", f"accepted, {user}")
        images = image_source(settings, client)
        for project in client.projects():
            yield from check_project(client, images, project)
    except ApiRefusedError as error:
        yield Finding("API key", "problem", str(error))
    except ApiError as error:
        yield Finding("Label Studio", "problem", str(error))


def check_project(client: Client, images: ImageSource, project: dict[str, Any]) -> Iterator[Finding]:
    """One project: what its label config lacks, its ML backend, and its first image."""
    subject = f"Project {project['id']}, {project['title']}"
    xml = project["label_config"]
    backends = client.call("GET", "/api/ml", params={"project": project["id"]})
    tags = [kind.tag for kind in REGION_TYPES.values()]
    if not backends and not any(tag in xml for tag in ("KeyPoint", *tags)):
        controls = ", ".join(f"no {tag}" for tag in tags)
        yield Finding(subject, "hint", f"not for masks: no ML backend, no KeyPoint, {controls}")
        return
    problems = config_problems(xml)
    yield from (Finding(subject, "problem", str(problem)) for problem in problems)
    yield check_backend(subject, backends)
    if not problems:
        yield from key_hints(subject, LabelConfig.parse(xml))
        yield check_image(subject, client, images, project)


def key_hints(subject: str, config: LabelConfig) -> Iterator[Finding]:
    """What labels of clicks cost: a key before each, and with polygons Label Studio's own exports."""
    if not any(prompt.kind == "keypointlabels" for prompt in config.keypoints):
        return
    remedy = f'<KeyPoint name="click" toName="{config.keypoints[0].to_name}" smart="true" smartOnly="true"/>'
    told = "KeyPointLabels: a key before each click"
    if any(output.kind == "polygonlabels" for output in config.outputs):
        told += ", COCO exports without categories, YOLO exports without polygons"
    yield Finding(subject, "hint", f"{told}. {remedy} instead has none of that")


def config_problems(xml: str) -> list[LabelConfigError]:
    try:
        return LabelConfig.parse(xml).problems()
    except LabelConfigError as error:
        return [error]


def check_backend(subject: str, backends: list[dict[str, Any]]) -> Finding:
    """Label Studio asks the first interactive backend only."""
    if not backends:
        return Finding(subject, "hint", "no ML backend yet: add click99's address at Settings → Model")
    interactive = [backend for backend in backends if backend["is_interactive"]]
    if not interactive:
        return Finding(subject, "problem", "Settings → Model → Edit: switch on interactive preannotations")
    first = interactive[0]
    if first["readable_state"] != "Connected":
        problem = f"{first['url']} is {first['readable_state']}: {first['error_message'] or 'no answer'}"
        return Finding(subject, "problem", f"{problem}. Start click99 there, or correct the address")
    return Finding(subject, "ok", f"clicks go to {first['url']}")


def check_image(subject: str, client: Client, images: ImageSource, project: dict[str, Any]) -> Finding:
    """Whether the first task's image can be had."""
    tasks = client.call("GET", "/api/tasks", params={"project": project["id"], "page_size": 1})["tasks"]
    if not tasks:
        return Finding(subject, "hint", "no tasks yet")
    try:
        data = tasks[0]["data"]
        url = LabelConfig.parse(project["label_config"], data).image_url(data)
        height, width, _ = images.get(url, str(tasks[0]["id"])).pixels.shape
    except LabelStudioError as error:
        return Finding(subject, "problem", f"task {tasks[0]['id']}: {error}")
    return Finding(subject, "ok", f"task {tasks[0]['id']}: image of {width} × {height}")
