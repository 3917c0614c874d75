"""A project's tasks, one after the other; a second run goes on where the first one stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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
class Tally:
    """tasks: by what became of them. masks: how many were made; in a dry run, how many would be at most.
    left_out: messages. names: of the tasks' pictures. files: how many pictures a detector's file names;
    unknown: those of them that no task has."""

    tasks: Counter[str] = field(default_factory=Counter)
    masks: int = 0
    left_out: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    files: int = 0
    unknown: dict[str, None] = field(default_factory=dict)


class PromptedTask(NamedTuple):
    """found: what masks are to be made from."""

    task: Mapping[str, Any]
    masks: Masks
    address: str
    found: Sequence[ContextItem | PixelPrompt]


class Preannotation:
    """Gives the tasks of a project that nobody has annotated a prediction of masks.

    detected: a detector's prompts by the picture's file name; None: those of the tasks' own predictions.
    anew: replace the predictions that this model version has made before.
    """

    def __init__(
        self,
        client: Client,
        sessions: Sessions,
        load: Load,
        tolerance: float,
        detected: Mapping[str, list[PixelPrompt]] | None = None,
        anew: bool = False,
    ):
        self._client, self._sessions, self._load = client, sessions, load
        self._tolerance, self._detected, self._anew = tolerance, detected, anew

    def run(self, project: int, apply: bool, tick: Callable[[int, int], None]) -> Tally:
        """tick: told of how many tasks are done, and of how many. ApiError: see `Client.project`."""
        told = self._client.project(project)
        done, total = Tally(), told["task_number"]
        done.unknown = dict.fromkeys(self._detected or ())
        done.files = len(done.unknown)
        for number, listed in enumerate(self._client.tasks(project, AT_A_TIME)):
            tick(number, total)
            outcome = self._one(listed["id"], told["label_config"], apply, done)
            done.tasks[outcome] += 1
        tick(total, total)
        return done

    def _one(self, number: int, xml: str, apply: bool, done: Tally) -> str:
        """What became of a task."""
        task = self._client.call("GET", f"/api/tasks/{number}")
        passed = self._passed_by(task)
        try:
            wanted = self._wanted(task, xml, done)
            return passed or self._predict(wanted, apply, done)
        except LabelStudioError as error:
            if not passed:
                done.left_out.append(f"task {number}: {error}")
            return passed or "left out"

    def _wanted(self, task: Mapping[str, Any], xml: str, done: Tally) -> PromptedTask:
        config = LabelConfig.parse(xml, task["data"])
        tag = next(iter(config.images), "")
        address = config.image_url(task["data"], tag)
        found = prompts.of_task(task, tag) if self._detected is None else self._detections(address, done)
        return PromptedTask(task, Masks(self._sessions, config, tag, self._tolerance), address, found)

    def _detections(self, address: str, done: Tally) -> Sequence[PixelPrompt]:
        names, detected = names_at(address), self._detected or {}
        done.names += names[:1]
        name = next((name for name in names if name in detected), "")
        done.unknown.pop(name, None)
        return detected.get(name, [])

    def _passed_by(self, task: Mapping[str, Any]) -> str:
        """Why it is left as it is; "": it is not."""
        if task.get("annotations") or task.get("drafts"):
            return "annotated already"
        return "done before" if self._ours(task) and not self._anew else ""

    def _ours(self, task: Mapping[str, Any]) -> list[int]:
        """The predictions that this model version has made."""
        made = task.get("predictions") or []
        return [each["id"] for each in made if each.get("model_version") == self._sessions.version]

    def _predict(self, wanted: PromptedTask, apply: bool, done: Tally) -> str:
        if not wanted.found:
            return "without boxes or points"
        if not apply:
            done.masks += len(wanted.found)
            return "to do"
        number = wanted.task["id"]
        image = self._load(wanted.address, str(number))
        items, outside = _items(wanted.found, *image.pixels.shape[:2])
        prediction, left_out = wanted.masks.prediction(number, image, items)
        done.left_out += [f"task {number}, {problem}" for problem in outside] + left_out
        if not prediction["result"]:
            return "left out"
        replaced = self._ours(wanted.task)
        self._client.call("POST", "/api/predictions", json=prediction | {"task": number})
        for before in replaced:
            self._client.call("DELETE", f"/api/predictions/{before}/")
        done.masks += len(items) - len(left_out)
        return "predicted"


def _items(
    found: Iterable[ContextItem | PixelPrompt], height: int, width: int
) -> tuple[list[ContextItem], list[str]]:
    """Those on a picture of that size, and what is wrong with the others."""
    items, outside = list[ContextItem](), list[str]()
    for number, each in enumerate(found):
        if isinstance(each, ContextItem):
            items.append(each)
        elif problem := each.outside(height, width):
            outside.append(f"{each.label!r}: {problem}")
        else:
            items.append(each.item(number, height, width))
    return items, outside
