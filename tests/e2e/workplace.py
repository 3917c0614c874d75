"""Projects in the shared Label Studio, and a click99 of the tests' own behind them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import requests
from label_studio_sdk.converter.brush import decode_rle

from click99.annotations.database import Database, sqlite_url
from click99.annotations.saved_masks import MaskFilter, SavedMask, saved_masks
from click99.demo.programs import free_port
from click99.demo.project import connect
from click99.labelstudio.client import Client
from click99.segmentation.clicks import Click
from tests.e2e.running_demo import ROOT, RunningDemo

# Places in the demo's coffee.png, 600 × 400: on the cup, and beside it.
COFFEE, HANDLE = Click(290, 150, True), Click(204, 234, True)
SPOON, SAUCER, FRONT = Click(365, 290, False), Click(150, 250, False), Click(290, 330, False)
RIGHT, BACK = Click(440, 200, False), Click(120, 150, False)
BRUSH, KEYS = (files("label_config").joinpath(f"{name}.xml").read_text() for name in ("brush", "keys"))


def alpha_of(region: dict[str, Any]) -> np.ndarray:
    """A brush region's mask as Label Studio's own SDK reads it, uint8 [H, W]."""
    height, width = region["original_height"], region["original_width"]
    return decode_rle(region["value"]["rle"]).reshape(height, width, 4)[..., 3]


def mask_of(region: dict[str, Any]) -> np.ndarray:
    """The same, bool [H, W]."""
    return alpha_of(region) > 127


def synchronise(client: Client, kind: str, storage: int, times: int = 3) -> None:
    """Its SQLite may be locked by another request; Label Studio tells a failed sync in the storage alone."""
    told = client.call("POST", f"/api/storages/{kind}/{storage}/sync", json={})
    if told["status"] != "completed" and times > 1:
        return synchronise(client, kind, storage, times - 1)
    assert told["status"] == "completed", told


class Click99:
    """`click99 serve` for the shared Label Studio."""

    def __init__(self, demo: RunningDemo, home: Path):
        self.home = home
        self.port = free_port(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / "click99.log"
        self.environment = os.environ | {
            "LABEL_STUDIO_URL": demo.address,
            "LABEL_STUDIO_API_KEY": json.loads((demo.folder / "login.json").read_text())["token"],
            "CLICK99_HOME": str(home),
            "COLUMNS": "200",
        }

    def __enter__(self) -> Click99:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        command = [sys.executable, "-m", "click99.cli", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 300
        while not self._is_up():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, "click99 did not start within five minutes"
            time.sleep(0.2)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait(120)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """From now on it takes requests, but answers none."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def recorded(self) -> dict[str, SavedMask]:
        """The masks of its record, by their task."""
        with Database(sqlite_url(self.home)).reading() as session:
            return {str(found.annotation.task): found for found in saved_masks(session, MaskFilter())}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another click99 command with the same settings."""
        command = [sys.executable, "-m", "click99.cli", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300
        )

    def metric(self, name: str) -> float:
        text = requests.get(f"{self.url}/metrics", timeout=60).text
        values = [line.split()[-1] for line in text.splitlines() if line.split()[0] == name]
        return float(values[0])

    def fresh_answer(self, task: dict[str, Any], clicks: list[dict[str, Any]]) -> np.ndarray:
        """The mask of a session that knows nothing but these clicks: other ids, and a task of no past."""
        renamed = [click | {"id": f"fresh {time.monotonic_ns()} {k}"} for k, click in enumerate(clicks)]
        request = {
            "tasks": [{"id": 0, "data": task["data"]}],
            "label_config": BRUSH,
            "params": {"context": {"result": renamed}},
        }
        reply = requests.post(f"{self.url}/predict", json=request, timeout=120).json()
        return mask_of(reply["results"][0]["result"][0])

    def _is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=10).ok
        except requests.RequestException:
            return False


@dataclass
class Project:
    """A project with clicks on, and the address of an uploaded coffee.png (600 × 400)."""

    client: Client
    id: int
    image: str

    def task(self, **data: Any) -> int:
        """A new task with the picture -> its id."""
        made = self.client.call(
            "POST", "/api/tasks", json={"project": self.id, "data": {"image": self.image} | data}
        )
        return made["id"]

    def read(self, task: int) -> dict[str, Any]:
        return self.client.call("GET", f"/api/tasks/{task}")

    def annotations(self, task: int) -> list[list[dict[str, Any]]]:
        """The results of the task's submitted annotations, the oldest first."""
        found = self.client.call("GET", f"/api/tasks/{task}/annotations/")
        return [annotation["result"] for annotation in sorted(found, key=lambda a: a["id"])]

    def submit(self, task: int, region: dict[str, Any]) -> int:
        """An annotation with that region -> its id."""
        path = f"/api/tasks/{task}/annotations/?project={self.id}"
        return self.client.call("POST", path, json={"result": [region]})["id"]

    def drafts(self, task: int) -> list[list[dict[str, Any]]]:
        return [draft["result"] for draft in self.client.call("GET", f"/api/tasks/{task}/drafts")]


class Workplace:
    def __init__(self, demo: RunningDemo, click99: Click99):
        token = json.loads((demo.folder / "login.json").read_text())["token"]
        self.client = Client(demo.address, token, timeout=120)
        self.click99 = click99
        self._demo = demo

    def project(self, title: str, config: str = BRUSH) -> Project:
        """A new project with clicks on."""
        made = self.client.call("POST", "/api/projects", json={"title": title, "label_config": config})
        connect(self.client, made["id"], self.click99.url)
        return Project(self.client, made["id"], self.picture("coffee.png"))

    def picture(self, name: str) -> str:
        """The address of a picture of the demo's in Label Studio."""
        asked = {"project": self._demo.project, "page_size": 100}
        tasks = self.client.call("GET", "/api/tasks", params=asked)["tasks"]
        return next(task["data"]["image"] for task in tasks if task["data"]["image"].endswith(name))
