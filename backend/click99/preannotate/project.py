"""A project's tasks, one after the other; a second run goes on where the first one stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from click99.labelstudio.client import Client
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.image_cache import Image
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.payloads import ContextItem
from click99.labelstudio.uploads import names_at
from click99.preannotate import prompts
from click99.preannotate.masks import Masks
from click99.preannotate.prompts import PixelPrompt
from click99.sessions.sessions import Sessions

AT_A_TIME = 100  # tasks that are listed

Load = Callable[[str, str], Image]  # a picture by its address in a task; LabelStudioError


@dataclass
class Preannotated:
    """tasks: by what became of them. masks: how many were made. left_out: messages."""

    tasks: Counter[str] = field(default_factory=Counter)
    masks: int = 0
    left_out: list[str] = field(default_factory=list)


class Preannotation:
    """Gives the tasks of a project that nobody has annotated a prediction of masks.

    detected: a detector's prompts by the picture's file name; None: those of the tasks' own predictions.
    """

    def __init__(
        self,
        client: Client,
        sessions: Sessions,
        load: Load,
        tolerance: float,
        detected: Mapping[str, list[PixelPrompt]] | None = None,
    ):
        self._client, self._sessions, self._load = client, sessions, load
        self._tolerance, self._detected = tolerance, detected

    def run(self, project: int, apply: bool, tick: Callable[[int, int], None]) -> Preannotated:
        """tick: told of how many tasks are done, and of how many. ApiError: see `Client.call`."""
        told = self._client.call("GET", f"/api/projects/{project}")
        done, total = Preannotated(), told["task_number"]
        for number, listed in enumerate(self._client.tasks(project, AT_A_TIME)):
            tick(number, total)
            outcome = self._one(listed["id"], told["label_config"], apply, done)
            done.tasks[outcome] += 1
        tick(total, total)
        return done

    def _one(self, number: int, xml: str, apply: bool, done: Preannotated) -> str:
        """What became of a task."""
        task = self._client.call("GET", f"/api/tasks/{number}")
        if task.get("annotations") or task.get("drafts"):
            return "annotated already"
        versions = {each.get("model_version") for each in task.get("predictions") or []}
        if self._sessions.version in versions:
            return "done before"
        try:
            return self._predict(task, LabelConfig.parse(xml, task["data"]), apply, done)
        except LabelStudioError as error:
            done.left_out.append(f"task {number}: {error}")
            return "left out"

    def _predict(self, task: Mapping[str, Any], config: LabelConfig, apply: bool, done: Preannotated) -> str:
        tag = next(iter(config.images), "")
        address = config.image_url(task["data"], tag)
        found = prompts.of_task(task, tag) if self._detected is None else self._detections(address)
        if not found:
            return "without boxes or points"
        if not apply:
            return "to do"
        image = self._load(address, str(task["id"]))
        items = list(_items(found, *image.pixels.shape[:2]))
        masks = Masks(self._sessions, config, tag, self._tolerance)
        prediction, left_out = masks.prediction(task["id"], image, items)
        done.left_out += left_out
        if not prediction["result"]:
            return "left out"
        self._client.call("POST", "/api/predictions", json=prediction | {"task": task["id"]})
        done.masks += len(items) - len(left_out)
        return "predicted"

    def _detections(self, address: str) -> Sequence[PixelPrompt]:
        detected = self._detected or {}
        return next((detected[name] for name in names_at(address) if name in detected), [])


def _items(found: Iterable[ContextItem | PixelPrompt], height: int, width: int) -> Iterable[ContextItem]:
    for number, each in enumerate(found):
        yield each.item(number, height, width) if isinstance(each, PixelPrompt) else each
