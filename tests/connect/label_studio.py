"""What `click99 connect` asks of Label Studio's API, in memory; the real one: tests/e2e/test_connect.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError, ApiMissingError

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="boxes" toName="image"><Label value="cat"/><Label value="dog"/></RectangleLabels>
</View>"""


class LabelStudio(Client):
    """Projects, their tasks, ML backends and webhooks, as lists of what the API answers with."""

    def __init__(self) -> None:
        super().__init__("http://label-studio", "token")
        self.kept: dict[str, list[dict[str, Any]]] = {"projects": [], "tasks": [], "ml": [], "webhooks": []}
        self.changes: list[str] = []  # calls that were no questions
        self.refuses = ""  # what to say to a new ML backend
        self.wanted: tuple[str, str] = ("", "")  # the user and password that click99 wants
        self.answer: dict[str, Any] = {"data": {"result": [{"type": "brushlabels"}]}}
        self.predicted = 0
        self.clicked: list[dict[str, Any]] = []

    def add_project(self, title: str = "cells", config: str = CONFIG, **more: Any) -> int:
        fields = {"title": title, "label_config": config, "show_collab_predictions": True, "task_number": 0}
        return self._add("projects", fields | more)["id"]

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        if method != "GET":
            self.changes.append(f"{method} {path}")
        kind, number, more = re.fullmatch(r"/api/([a-z]+)/?(\d*)/?([-a-z]*)/?", path).groups()  # type: ignore
        if more == "import":
            uploads = [f"/data/upload/1/01234567-{file[0]}" for file in options["files"].values()]
            return [self._add("tasks", {"project": int(number), "data": {"image": each}}) for each in uploads]
        if more == "interactive-annotating":
            self.clicked.append(json)
            return self.answer
        if method == "GET" and not number:
            return self._listed(kind, (options.get("params") or {}).get("project"))
        if method == "POST":
            return self._create(kind, json)
        if kind == "predictions":
            return self._delete_prediction(int(number))
        one = next((each for each in self.kept[kind] if each["id"] == int(number)), None)
        if one is None:
            raise ApiMissingError(path, "Label Studio answers 404", "See its log")
        if method == "DELETE":
            self.kept[kind].remove(one)
        if method == "PATCH" and kind == "ml":
            self._check(one | json)
        one.update(json or {})
        return one

    def projects(self) -> Iterator[dict[str, Any]]:
        yield from self.kept["projects"]

    def tasks(self, project: int | str, at_a_time: int) -> Iterator[dict[str, Any]]:
        yield from self._listed("tasks", project)["tasks"]

    def _listed(self, kind: str, project: int | str | None) -> Any:
        found = [each for each in self.kept[kind] if each.get("project") == project]
        if kind == "ml":
            return [self._told(each) for each in found]
        return {"total": len(found), "tasks": found} if kind == "tasks" else found

    def _told(self, ml: dict[str, Any]) -> dict[str, Any]:
        """An ML backend with its state of this moment, and without its password."""
        told = {field: value for field, value in ml.items() if field != "basic_auth_pass"}
        return told | {"state": "CO" if self._takes(ml) and not self.refuses else "ER"}

    def _takes(self, ml: dict[str, Any]) -> bool:
        """Whether it answers to the credentials that Label Studio has for it."""
        return self.wanted in (("", ""), (ml["basic_auth_user"], ml.get("basic_auth_pass", "")))

    def _check(self, ml: dict[str, Any]) -> None:
        """Only what answers is connected."""
        if self.refuses or not self._takes(ml):
            raise ApiError("/api/ml", self.refuses or "Authorization: missing or wrong", "See its log")

    def _create(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        if kind == "predictions":
            task = next(each for each in self.kept["tasks"] if each["id"] == fields["task"])
            self.predicted += 1
            task.setdefault("predictions", []).append({"id": self.predicted} | fields)
            return fields
        if kind == "ml":
            self._check(fields)
            hook = {"url": f"{fields['url']}/webhook", "send_payload": True, "send_for_all_actions": True}
            self._add("webhooks", hook | {"project": fields["project"], "is_active": True, "headers": {}})
        return self._add(kind, {"show_collab_predictions": True, "basic_auth_user": ""} | fields)

    def _delete_prediction(self, number: int) -> None:
        for task in self.kept["tasks"]:
            task["predictions"] = [each for each in task.get("predictions", []) if each["id"] != number]

    def _add(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        self.kept[kind].append({"id": sum(map(len, self.kept.values())) + 1, **fields})
        return self.kept[kind][-1]
