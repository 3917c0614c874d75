"""Label Studio's labelling page, used as an annotator uses it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Request, Response, sync_playwright

from backend.segmentation.clicks import Click

# Nothing but this computer is to be reached, and a container's root has no sandbox.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
IMAGE_IS_SHOWN = "() => window.Htx?.annotationStore?.selected?.objects?.[0]?.currentImageEntity?.imageLoaded"

CANVAS = "window.Htx.annotationStore.selected"
REGIONS = f"() => [...{CANVAS}.areas.values()].filter(a => a.type === 'brushregion').map(a => a.cleanId)"
PENDING = f"() => [...{CANVAS}.areas.values()].filter(a => a.dynamic).map(a => a.cleanId)"
TOOL = f"which => {CANVAS}.objects[which].getToolsManager().findSelectedTool()?.fullName"
SELECT = f"""id => {{
  {CANVAS}.unselectAll();
  {CANVAS}.selectArea([...{CANVAS}.areas.values()].find(area => area.cleanId === id));
}}"""
PILL = f"""() => {{
  const pill = {CANVAS}.objects[0].stageRef.find('Rect').find(r => r.width() === 64 && r.height() === 32);
  const canvas = document.querySelector('.konvajs-content').getBoundingClientRect();
  const at = pill.getClientRect();
  return [canvas.x + at.x, canvas.y + at.y, at.width, at.height];
}}"""

PLACEMENT = """which => {
  const shown = window.Htx.annotationStore.selected.objects[which], entity = shown.currentImageEntity;
  return [shown.zoomingPositionX, shown.zoomingPositionY,
          shown.stageWidth * shown.stageScale, shown.stageHeight * shown.stageScale,
          entity.naturalWidth, entity.naturalHeight];
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A fresh headless Chromium, the system's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def new_page(browser: Browser) -> Iterator[Page]:
    """A page that knows no other page's login."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield context.new_page()
    context.close()


@dataclass
class Answer:
    """One click's round trip through Label Studio: the clicks sent, the regions that came back."""

    clicks: list[dict[str, Any]]
    regions: list[dict[str, Any]]


@dataclass
class LabellingPage:
    """screenshots: the folder for what was seen; errors: exceptions of the page's own scripts;
    image: which of the task's pictures is clicked on."""

    page: Page
    address: str
    screenshots: Path
    errors: list[str] = field(default_factory=list)
    image: int = 0

    def log_in(self, email: str, password: str) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(self.address)
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/user/login" not in url)

    def another_tab(self) -> LabellingPage:
        """Of the same browser, so the same person."""
        tab = LabellingPage(self.page.context.new_page(), self.address, self.screenshots)
        tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
        return tab

    def sign_up(self, email: str, password: str) -> None:
        """Make an account; Label Studio's community edition lets anyone who reaches it."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{self.address}/user/signup/")
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/user/signup" not in url)

    def auto_accept(self, on: bool) -> None:
        """What the browser remembers of the switches below the picture, for the tasks opened from now on."""
        self.page.evaluate("localStorage.setItem('autoAnnotation', true)")
        self.page.evaluate("on => localStorage.setItem('autoAcceptSuggestions', on)", on)

    def work_on(self, project: int, task: int) -> None:
        """Open a task, ready for clicks: Auto-Annotation is on in this browser."""
        self.page.goto(f"{self.address}/projects/{project}/data?task={task}")
        self.page.wait_for_function(IMAGE_IS_SHOWN)
        self.page.wait_for_timeout(1000)  # the picture moves until the panels are laid out
        self.take_up_clicks()
        self._look()

    def api(self, path: str) -> Any:
        """GET with the logged-in browser's cookies."""
        return self.page.request.get(f"{self.address}{path}").json()

    def open(self, project: int, picture: str) -> int:
        """Open the task whose picture's file name ends with `picture` -> its id."""
        tasks = self.api(f"/api/tasks?project={project}&page_size=100&fields=all")["tasks"]
        (task,) = [task["id"] for task in tasks if task["data"]["image"].endswith(picture)]
        self.page.goto(f"{self.address}/projects/{project}/data?task={task}")
        self.page.wait_for_function(IMAGE_IS_SHOWN)
        self.page.wait_for_timeout(1000)  # the picture moves until the panels are laid out
        return task

    def switch_on_clicking(self) -> None:
        """What the demo prints as "Once": the toggle below the picture, then the toolbar's smart tool."""
        self.page.get_by_text("Auto-Annotation").click()
        self.page.locator(".lsf-toolbar .lsf-tool_smart").first.click()
        self._look()

    def click(self, click: Click, key: str = "1") -> Answer:
        """Press the label's key, then click the object, or Alt+click the background."""
        with self._answers() as info:
            self.send_click(click, key)
        self._look()
        return _answer(info.value.request, info.value.json())

    def send_click(self, click: Click, key: str = "1") -> None:
        """The same without waiting for an answer. Ctrl: without it a click on a region selects the region."""
        self.page.keyboard.press(key)
        held = ["Control"] if click.positive else ["Control", "Alt"]
        for modifier in held:
            self.page.keyboard.down(modifier)
        self.page.mouse.click(*self._on_screen(click.x, click.y))
        for modifier in held:
            self.page.keyboard.up(modifier)

    def collect(self, answers: list[Answer]) -> None:
        """From now on, add every answer that comes."""

        def add(response: Response) -> None:
            if "interactive-annotating" in response.url:
                answers.append(_answer(response.request, response.json()))

        self.page.on("response", add)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        for _ in range(round(5 * seconds)):
            if condition():
                return self._look()
            self.page.wait_for_timeout(200)
        raise AssertionError(f"it did not happen within {seconds} s")

    def drag(self, start: Click, end: Click) -> Answer:
        """Move the pending click at `start`."""
        with self._answers() as info:
            self._stroke([(start.x, start.y), (end.x, end.y)])
        self._look()
        return _answer(info.value.request, info.value.json())

    def draw_box(self, corner: tuple[int, int], opposite: tuple[int, int], key: str = "4") -> Answer:
        """Press the box label's key, then drag from corner to corner with the smart rectangle."""
        self.page.keyboard.press(key)
        self._take_up("RectangleTool-dynamic")
        with self._answers() as info:
            self._stroke([corner, opposite])
        self._look()
        return _answer(info.value.request, info.value.json())

    def undo(self) -> None:
        self.page.keyboard.press("Control+z")
        self._look()

    def reject(self) -> None:
        """The ✗ below the picture."""
        self.page.get_by_test_id("bottombar-reject-suggestions-button").click()
        self._look()

    def accept_on_canvas(self) -> None:
        """The ✓ drawn below the suggestion."""
        left, top, width, height = self.page.evaluate(PILL)
        place = left + 0.75 * width, top + height / 2
        self.page.mouse.move(*place)
        self.page.wait_for_timeout(200)
        self.page.mouse.click(*place)
        self._look()

    def select(self, region: str) -> None:
        self.page.evaluate(SELECT, region)
        self.page.wait_for_timeout(300)

    def erase(self, region: str, *points: tuple[int, int]) -> None:
        """With the eraser on that region, along the points."""
        self.select(region)
        self.page.keyboard.press("e")
        self.page.wait_for_timeout(300)
        self._stroke(points)
        self._done()

    def paint(self, *points: tuple[int, int], region: str | None = None) -> None:
        """With the brush along the points, on a region or as a new one of the label Object."""
        if region:
            self.select(region)
        self.page.locator('.lsf-tool[aria-label="brush-tool"]:visible').first.click()
        if not region:
            self.page.locator(".lsf-labels").nth(1).locator(".lsf-label", has_text="Object").first.click()
        self.page.wait_for_timeout(300)
        self._stroke(points)
        self._done()

    def regions(self) -> list[str]:
        """The ids of the brush regions on the canvas, in order."""
        return self.page.evaluate(REGIONS)

    def pending(self) -> list[str]:
        return self.page.evaluate(PENDING)

    def wait_for_draft(self) -> None:
        """Label Studio saves five seconds after a change."""
        self.page.wait_for_timeout(6500)

    def _stroke(self, points: Sequence[tuple[int, int]]) -> None:
        places = [self._on_screen(*point) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=8)
        self.page.mouse.up()
        self.page.wait_for_timeout(500)

    def _done(self) -> None:
        """Let go of the region, and take up the clicks again."""
        self.page.keyboard.press("Escape")
        self.page.wait_for_timeout(300)
        self.take_up_clicks()

    def take_up_clicks(self) -> None:
        """Choose the pink dots in the picture's toolbar."""
        self._take_up("KeyPointTool-dynamic")

    def _take_up(self, tool: str) -> None:
        """Press the toolbar's Auto-Detect, which goes through the smart tools, until it is `tool`."""
        smart = self.page.locator(".lsf-toolbar").nth(self.image).locator(".lsf-tool_smart").first
        for _ in range(4):
            if str(self.page.evaluate(TOOL, self.image)).startswith(tool):
                return
            smart.click()
            self.page.wait_for_timeout(300)
        raise AssertionError(f"the toolbar has no {tool}")

    def _answers(self) -> AbstractContextManager[Any]:
        return self.page.expect_response(lambda response: "interactive-annotating" in response.url)

    def accept(self) -> None:
        """The ✓ below the picture."""
        self.page.get_by_test_id("bottombar-accept-suggestions-button").click()
        self._look()

    def update(self) -> None:
        """Submit what was changed in a submitted annotation."""
        with self.page.expect_response(lambda response: response.request.method == "PATCH") as info:
            self.page.get_by_test_id("bottombar-update-button").click()
        assert info.value.ok, info.value.text()
        self._look()

    def submit(self) -> None:
        with self.page.expect_response(
            lambda response: response.request.method == "POST" and "/annotations" in response.url
        ) as info:
            self.page.get_by_test_id("bottombar-submit-button").click()
        assert info.value.ok, info.value.text()
        self.page.get_by_test_id("bottombar-update-button").wait_for()
        self._look()

    def prediction_tabs(self) -> int:
        return self.page.evaluate("() => window.Htx.annotationStore.predictions.length")

    def picture(self) -> np.ndarray:
        """What is seen of the picture now, int16 RGB [H, W, 3], one value per pixel of the picture."""
        (left, top), (across, down), size = self._placement()
        png = self._canvas().screenshot()
        seen = Image.open(BytesIO(png)).convert("RGB")
        whole = seen.transform(size, Image.Transform.AFFINE, (across, 0, left, 0, down, top))
        return np.asarray(whole).astype(np.int16)

    def screenshot(self, name: str) -> None:
        self.page.screenshot(path=self.screenshots / f"{name}.png")

    def _look(self) -> None:
        """Let the page settle, the pointer away: it brings tooltips that lie over the picture."""
        self.page.mouse.move(5, 5)
        self.page.wait_for_timeout(700)

    def _canvas(self) -> Locator:
        return self.page.locator(".konvajs-content").nth(self.image)

    def _placement(self) -> tuple[tuple[float, float], tuple[float, float], tuple[int, int]]:
        """Where the picture lies in the (zoomed) canvas: its corner, screen pixels per pixel, its size."""
        x, y, width, height, across, down = self.page.evaluate(PLACEMENT, self.image)
        return (x, y), (width / across, height / down), (across, down)

    def _on_screen(self, x: int, y: int) -> tuple[float, float]:
        self._canvas().scroll_into_view_if_needed()
        box = self._canvas().bounding_box()
        assert box
        (left, top), (across, down), _ = self._placement()
        return box["x"] + left + (x + 0.5) * across, box["y"] + top + (y + 0.5) * down


def _answer(request: Request, reply: dict[str, Any]) -> Answer:
    assert not reply.get("errors"), reply
    sent = json.loads(request.post_data or "{}")
    return Answer(sent["context"]["result"], reply["data"]["result"])
