"""The stages, as somebody with a clean clone goes through them: README's commands, and a real browser."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import requests
from playwright.sync_api import TimeoutError
from pycocotools.coco import COCO

from click99.demo.command import surroundings
from click99.demo.label_studio import Account
from click99.labelstudio.client import Client
from click99.registry.versions import Registry
from click99.segmentation.clicks import Click
from click99.segmentation.robot import robot_click
from click99.sessions.sessions import NEAR
from click99_training.datasets.folders import MaskFolder
from docs.walk.gestures import Gestures
from docs.walk.table import AROUND, ONCE, Stage
from tests.e2e.cup import iou
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo
from tests.e2e.try_page import TryPage
from tests.e2e.workplace import mask_of
from tests.waiting import until

GOOD = 0.93  # IoU at which the annotator is content
ANSWERED = 20  # seconds after which a click is taken for one that Label Studio swallowed
FOLLOWED = 60  # in which a server has taken up what was promoted
CLICKS = 20  # and after so many gives in
TITLE = "My project"


@dataclass
class Pictures:
    """A folder of images/ and masks/, one object each; the last one is for the network that was learnt.

    label: what the objects are."""

    folder: Path
    label: str
    count: int
    files: list[Path] = field(default_factory=list)
    truths: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data = MaskFolder(self.folder)
        self.files = [image for image, mask in data.pairs if mask.stem == image.stem][: self.count + 1]
        for k, (image, _) in enumerate(data.pairs):
            if image in self.files:
                self.truths[image.name] = data[k].truth

    def copy_to(self, folder: Path) -> None:
        folder.mkdir()
        for file in self.files:
            shutil.copy(file, folder)

    def write_boxes(self, file: Path) -> None:
        """A detector's, each side off by up to a tenth of the object."""
        off, lines = np.random.default_rng(0), ["file,label,left,top,right,bottom"]
        for picture in self.files[:-1]:
            truth = self.truths[picture.name]
            ys, xs = np.nonzero(truth)
            low, high = np.array([xs.min(), ys.min()]), np.array([xs.max() + 1, ys.max() + 1])
            corners = np.concatenate([low, high]) + off.uniform(-0.1, 0.1, 4) * np.tile(high - low, 2)
            left, top, right, bottom = (round(each) for each in corners)
            lines.append(f"{picture.name},{self.label},{left},{top},{right},{bottom}")
        file.write_text("\n".join(lines) + "\n")


def together(masks: dict[str, np.ndarray]) -> np.ndarray:
    return np.any([*masks.values()], axis=0)


class Walk:
    """checkout: the clone. place: an empty folder for what is made. page: a browser's."""

    def __init__(self, checkout: Path, place: Path, demo: RunningDemo, page: Any, pictures: Pictures):
        self.place, self.pictures, self.demo = place, pictures, demo
        self.stages: list[Stage] = []
        self._click99 = checkout / ".venv" / "bin" / "click99"
        account = Account.kept_in(demo.folder / "login.json")
        self.variables = surroundings(demo.address, account, demo.folder)  # which the demo prints
        self.client = Client(demo.address, self.variables["LABEL_STUDIO_API_KEY"], timeout=60)
        (backend,) = self.client.call("GET", "/api/ml", params={"project": demo.project})
        self.server = backend["url"]
        self.studio = LabellingPage(page, demo.address, place)
        self.project = 0

    def go(self, minutes: float) -> None:
        """From the try page to COCO. minutes: of the fine-tune."""
        self.pictures.copy_to(self.place / "photos")
        self.pictures.write_boxes(self.place / "boxes.csv")
        self.try_page()
        self.connect()
        self.preannotate()
        self.correct()
        self.statistics()
        self.finetune(minutes)
        self.serve()
        self.coco()

    def try_page(self) -> None:
        with self.stage("try") as told:
            page = TryPage(self.studio.page)
            page.page.goto(self.server)
            page.sample()
            for count, (place, button) in enumerate((((0.55, 0.42), "left"), ((0.59, 0.73), "right")), 1):
                page.click(place, count, button=button)
            self.shoot("try-page")
            share = page.mask().mean()
            told(Gestures(4, (self.server,)), f"the cup's mask, {share:.0%} of the picture")

    def connect(self) -> None:
        with self.stage("connect") as told:
            asked = ["connect", "--create", TITLE, "--images", "photos", "--labels", self.pictures.label]
            said = self.run(*asked, "--backend", self.server)
            line = shlex.join(["click99", *asked])
            answered = re.search(r"answered with .+", said)
            assert answered, said
            told(Gestures(2, (line,)), f"{len(self.pictures.files)} pictures; a click {answered[0]}")
        (found,) = [each for each in self.client.projects() if each["title"] == TITLE]
        self.project = found["id"]

    def preannotate(self) -> None:
        with self.stage("preannotate") as told:
            line = f"preannotate --project {self.project} --prompts boxes.csv"
            said = self.run(*line.split())
            masks = re.search(r"(\d+) masks", said)
            assert masks, said
            found = [iou(self.predicted(task), self.truth(task)) for task in self.tasks()]
            told(Gestures(0, (f"click99 {line}",)), f"{masks[1]} masks, IoU {np.mean(found):.3f} on average")

    def correct(self) -> None:
        """Look at each mask; click what is wrong, press Submit, go on to the next."""
        self.studio.log_in(self.demo.email, self.demo.password)
        self.studio.auto_accept(True)
        self.studio.page.set_default_timeout(ANSWERED * 1000)
        with self.stage("correct") as told:
            tasks = self.tasks()
            did, found = zip(*(self.corrected(task, k) for k, task in enumerate(tasks)), strict=True)
            gestures = Gestures(ONCE + sum(did) + AROUND * len(tasks))
            told(gestures, f"{sum(did)} gestures for {len(tasks)} masks, IoU {np.mean(found):.3f} on average")

    def corrected(self, task: dict[str, Any], number: int) -> tuple[int, float]:
        """→ clicks and Escs that it took, the IoU of all masks on the picture together."""
        (predicted,) = task["predictions"][-1]["result"]
        masks, truth, gestures = {predicted["id"]: mask_of(predicted)}, self.truth(task), 0
        self.studio.work_on(self.project, task["id"])
        for _ in range(CLICKS):
            click = robot_click(truth, together(masks))
            if click is None or iou(together(masks), truth) >= GOOD:
                break
            selected = self.selected(click, together(masks))
            region, clicked = self.answered(click)
            if selected:
                self.studio.key("Escape")  # a click on the selected mask would only let go of it
            masks[region["id"]] = mask_of(region)
            gestures += clicked + 2 * selected
        if number == 0:
            self.shoot("corrected")
        self.studio.submit()
        return gestures, iou(together(masks), truth)

    def answered(self, click: Click) -> tuple[dict[str, Any], int]:
        """→ the region that a click brings, and the gestures: where nothing comes, Esc and once more."""
        try:
            return self.studio.click(click).regions[0], 1
        except TimeoutError:
            print(f"{click} was not answered", flush=True)
            self.studio.key("Escape")
            return self.studio.click(click).regions[0], 3

    def selected(self, click: Click, mask: np.ndarray) -> bool:
        """Click on the mask first, where a click so far from it would begin another object."""
        ys, xs = np.nonzero(mask)
        far = np.hypot(xs - click.x, ys - click.y).min(initial=np.inf) > NEAR * max(mask.shape)
        inside = robot_click(mask, np.zeros_like(mask))
        if not (click.positive and far and inside):
            return False
        self.studio.press(inside.x, inside.y)
        return True

    def statistics(self) -> None:
        with self.stage("statistics") as told:
            said = self.run("stats", "--by", "label")
            self.studio.page.goto(f"{self.server}/stats")
            self.shoot("statistics")
            assert self.pictures.label in said, said
            told(Gestures(0, ("click99 stats", f"{self.server}/stats")), "the table, and the dashboard")

    def finetune(self, minutes: float) -> None:
        with self.stage("finetune") as told:
            line = f"finetune --minutes {minutes:g}"
            self.run(*line.split())
            told(Gestures(0, (f"click99 {line}",)), self.verdict())

    def verdict(self) -> str:
        """The gate's, of the newest version."""
        newest = Registry.at(Path(self.variables["CLICK99_HOME"])).all()[-1]
        decided = newest.facts["gate"]
        return f"{'promoted' if decided['promoted'] else 'not promoted'}: {decided['reason']}"

    def serve(self) -> None:
        with self.stage("serve") as told:
            version = self.served()
            (last,) = [each for each in self.all_tasks() if self.name(each) == self.pictures.files[-1].name]
            click = robot_click(self.truth(last), np.zeros_like(self.truth(last)))
            assert click
            self.studio.work_on(self.project, last["id"])
            (region,) = self.studio.click(click).regions
            self.shoot("served")
            found = iou(mask_of(region), self.truth(last))
            told(Gestures(2), f"{version}; a picture it has not seen: IoU {found:.3f} after one click")

    def served(self) -> str:
        """The version that answers new objects: what the registry serves, once the server has tried it."""
        if promoted := Registry.at(Path(self.variables["CLICK99_HOME"])).served():
            until(lambda: self.answering() == promoted.name, FOLLOWED)
        return self.answering()

    def answering(self) -> str:
        return requests.get(f"{self.server}/health", timeout=10).json()["model_version"]

    def coco(self) -> None:
        with self.stage("coco") as told:
            line = f"export --out cells --format coco --project {self.project}"
            self.run(*line.split())
            (file,) = (self.place / "cells").glob("*.json")
            read = COCO(str(file))
            told(Gestures(0, (f"click99 {line}",)), f"{len(read.anns)} masks, read back by pycocotools")

    @contextmanager
    def stage(self, name: str) -> Iterator[Any]:
        """Its seconds, with what it tells at its end."""
        began = time.monotonic()

        def told(gestures: Gestures, said: str) -> None:
            self.stages.append(Stage(name, time.monotonic() - began, gestures, said))
            print(f"{name}: {time.monotonic() - began:.0f} s, {gestures.count} gestures; {said}", flush=True)

        yield told

    def run(self, *words: str) -> str:
        """A command of the clone's click99 → what it printed."""
        done = subprocess.run(
            [str(self._click99), *words],
            cwd=self.place,
            env=self._environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return os.environ | self.variables | {"COLUMNS": "200"}

    def shoot(self, name: str) -> None:
        self.studio.page.mouse.move(5, 5)
        self.studio.page.wait_for_timeout(700)
        self.studio.page.screenshot(path=self.place / f"walk-{name}.png")

    def all_tasks(self) -> list[dict[str, Any]]:
        return [
            self.client.call("GET", f"/api/tasks/{each['id']}")
            for each in self.client.tasks(self.project, 100)
        ]

    def tasks(self) -> list[dict[str, Any]]:
        """Those with a mask that was predicted."""
        return [task for task in self.all_tasks() if task["predictions"]]

    def name(self, task: dict[str, Any]) -> str:
        """Its picture's file's; Label Studio puts eight digits before it."""
        return task["data"]["image"].rsplit("/", 1)[1].split("-", 1)[1]

    def truth(self, task: dict[str, Any]) -> np.ndarray:
        return self.pictures.truths[self.name(task)]

    def predicted(self, task: dict[str, Any]) -> np.ndarray:
        return mask_of(task["predictions"][-1]["result"][0])
