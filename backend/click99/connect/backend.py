"""click99 as a project's ML backend: interactive, asked first, told of events; and a click to prove it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from click99.connect.step import Step, change
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError
from click99.labelstudio.label_config import LabelConfig

SECRET = "X-Click99-Secret"
# Told a time by `time.time`: why click99 refused requests since then, the newest first, where it is known.
Refused = Callable[[float], Sequence[str]]
CONNECTED = "CO"  # the state of an ML backend that answers
REMEDY = (
    "Does click99 run there? If at another port or on another machine, name the address by which Label "
    "Studio reaches it: --backend. A private one has to be allowed in Label Studio, by "
    "LABEL_STUDIO_ML_BLOCK_LOCAL_IP=false and LABEL_STUDIO_SSRF_PROTECTION_ENABLED=false. If click99 has a "
    "password, give this command the same CLICK99_BASIC_AUTH_USER and CLICK99_BASIC_AUTH_PASSWORD"
)


@dataclass(frozen=True)
class Backend:
    """url: click99's address, as Label Studio reaches it. user, password: of its basic auth, secret: of its
    webhook; "" where none is set."""

    url: str
    user: str = ""
    password: str = ""
    secret: str = ""

    @property
    def webhook(self) -> str:
        return f"{self.url}/webhook"

    @property
    def fields(self) -> dict[str, Any]:
        """As Label Studio's API names them."""
        told = {"url": self.url, "title": "click99", "is_interactive": True}
        if not self.user:
            return told | {"auth_method": "NONE", "basic_auth_user": ""}
        return told | {
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": self.user,
            "basic_auth_pass": self.password,
        }


def add_backend(client: Client, project: int, backend: Backend, apply: bool) -> Iterator[Step]:
    """Connected under its address, interactive, with its credentials; others stay, and are named if one of
    them comes before it. Label Studio never tells the password that it has; it tells, as of this moment,
    whether click99 takes it."""
    others, ours = [], None
    for each in client.call("GET", "/api/ml", params={"project": project}):
        if each["url"].rstrip("/") == backend.url:
            ours = ours or each
        elif each["is_interactive"] and ours is None:
            others.append(each)
    if others:
        problem = f"{others[0]['url']} is interactive, too, and older: Label Studio asks only that one"
        yield Step("ML backend", "problem", f"{problem}. Remove it at Settings → Model")
    same = ours and ours["is_interactive"] and ours["basic_auth_user"] == backend.user
    if ours and same and ours["state"] == CONNECTED:
        yield Step("ML backend", "kept", f"{backend.url}, interactive")
        return
    if apply:
        _write(client, project, backend, ours)
    credentials = f", with the password of {backend.user}" if backend.user else ""
    silent = "; Label Studio got no answer there: another password, or click99 did not run" if same else ""
    yield change("ML backend", f"{backend.url}, interactive{credentials}{silent}", apply)


def _write(client: Client, project: int, backend: Backend, ours: dict[str, Any] | None) -> None:
    method, path = ("PATCH", f"/api/ml/{ours['id']}") if ours else ("POST", "/api/ml")
    try:
        client.call(method, path, json=backend.fields | {"project": project})
    except ApiError as error:
        problem = f"Label Studio does not connect {backend.url} ({error.problem})"
        raise ApiError("ML backend", problem, REMEDY) from None


def set_webhook(client: Client, project: int, backend: Backend, apply: bool) -> Iterator[Step]:
    """What tells click99 of submitted annotations: there, active, with the secret."""
    hooks = client.call("GET", "/api/webhooks/", params={"project": project})
    ours = next((hook for hook in hooks if hook["url"].rstrip("/") == backend.webhook), None)
    headers = {SECRET: backend.secret} if backend.secret else {}
    wanted = {"url": backend.webhook, "send_payload": True, "send_for_all_actions": True, "is_active": True}
    wanted["headers"] = ((ours or {}).get("headers") or {}) | headers
    if ours and all(ours[field] == value for field, value in wanted.items()):
        yield Step("webhook", "kept", backend.webhook)
        return
    if apply and ours:
        client.call("PATCH", f"/api/webhooks/{ours['id']}/", json=wanted)
    elif apply:
        client.call("POST", "/api/webhooks/", json=wanted | {"project": project})
    told = f"{backend.webhook} with its secret" if headers else backend.webhook
    yield change("webhook", told, apply)


def warm_on_opening(client: Client, project: dict[str, Any], apply: bool) -> Iterator[Step]:
    """Label Studio asks for predictions when a task is opened: its picture is there before the click."""
    if project["show_collab_predictions"]:
        yield Step("predictions", "kept", "asked for when a task is opened, which warms its picture")
        return
    if apply:
        client.call("PATCH", f"/api/projects/{project['id']}", json={"show_collab_predictions": True})
    yield change("predictions", "asked for when a task is opened: the first click is quicker", apply)


def try_click(client: Client, project: dict[str, Any], backend: Backend, refused: Refused) -> Iterator[Step]:
    """A click in the middle of the first task's picture, through Label Studio, on a copy of the task that is
    deleted afterwards: no annotator's task remembers it."""
    tasks = client.call("GET", "/api/tasks", params={"project": project["id"], "page_size": 1})["tasks"]
    data = tasks[0]["data"] if tasks else {}
    config = LabelConfig.parse(project["label_config"], data)
    if not tasks or not config.keypoints:
        missing = "its first task has no picture" if tasks else "the project has no tasks yet"
        yield Step("a click", "kept", f"not tried: {missing}")
        return
    click = _click(config)
    ours = next(
        each
        for each in client.call("GET", "/api/ml", params={"project": project["id"]})
        if each["url"].rstrip("/") == backend.url
    )
    copy = client.call("POST", "/api/tasks", json={"project": project["id"], "data": data})["id"]
    try:
        yield _answer(client, ours["id"], copy, click, refused)
    finally:
        with suppress(ApiError):
            client.call("DELETE", f"/api/tasks/{copy}")


def _answer(client: Client, backend: int, task: int, click: dict[str, Any], refused: Refused) -> Step:
    asked = {"task": task, "context": {"result": [click]}}
    begun, at = time.perf_counter(), time.time() - 1  # files tell no finer
    told = client.call("POST", f"/api/ml/{backend}/interactive-annotating", json=asked, timeout=120)
    seconds = time.perf_counter() - begun
    if errors := told.get("errors"):
        said = f"{json.dumps(errors)[:300]}. click99's log says more"
        return Step("a click", "problem", f"not answered: {next(iter(refused(at)), said)}")
    regions = told["data"]["result"]
    kinds = ", ".join(region["type"] for region in regions) or "no mask"
    return Step("a click", "kept", f"answered with {kinds} in {seconds:.1f} s")


def _click(config: LabelConfig) -> dict[str, Any]:
    """In the middle of the picture, whatever its size, as Label Studio sends it."""
    control = config.keypoints[0]
    names = [*(control.labels or control.own)][:1]
    labels = {"keypointlabels": names} if control.kind == "keypointlabels" else {}
    return {
        "id": f"connect-{time.time_ns()}",
        "type": control.kind,
        "from_name": control.name,
        "to_name": control.to_name,
        "is_positive": True,
        "value": {"x": 50, "y": 50, "width": 0.5} | labels,
    }
