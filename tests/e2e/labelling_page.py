"""Label Studio's labelling page, used as an annotator uses it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, Response

from click99.segmentation.clicks import Click
from tests.e2e.canvas import CHOSEN, HOLD, KEYED, SAVE, SAVING, SELECTED, SUGGESTED, Canvas

IS_SUBMITTED = re.compile(r"/tasks/[0-9]+/annotations/?(\?|$)")  # and no draft of one


@dataclass
class Answer:
    """One click's round trip through Label Studio: the clicks sent, the regions that came back."""

    clicks: list[dict[str, Any]]
    regions: list[dict[str, Any]]


class LabellingPage(Canvas):
    """screenshots: the folder for what was seen; errors: exceptions of the page's own scripts."""

    def __init__(self, page: Page, address: str, screenshots: Path):
        super().__init__(page)
        self.address = address
        self.screenshots = screenshots
        self.errors: list[str] = []

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
        self.show(project, task)
        self.take_up_clicks()
        self._look()

    def show(self, project: int, task: int) -> None:
        """Open a task, with the tool that the browser remembers."""
        self.page.goto(f"{self.address}/projects/{project}/data?task={task}")
        self.rest(8)  # the picture moves until the panels are laid out

    def forget_tool(self) -> None:
        """As in a browser that is new to Label Studio, for the tasks opened from now on."""
        self.page.evaluate("localStorage.removeItem('selected-tool:image')")

    def turn_to(self, picture: int) -> None:
        """Show another picture of the first Image tag's list."""
        self.page.evaluate(
            "which => window.Htx.annotationStore.selected.objects[0].setCurrentImage(which)", picture
        )
        self.rest(8)
        self.take_up_clicks()

    def api(self, path: str) -> Any:
        """GET with the logged-in browser's cookies."""
        return self.page.request.get(f"{self.address}{path}").json()

    def open(self, project: int, picture: str) -> int:
        """Open the task whose picture's file name ends with `picture` -> its id."""
        tasks = self.api(f"/api/tasks?project={project}&page_size=100&fields=all")["tasks"]
        (task,) = [task["id"] for task in tasks if task["data"]["image"].endswith(picture)]
        self.show(project, task)
        return task

    def switch_on_clicking(self) -> None:
        """What the demo prints as "Once": the toggle below the picture, then the toolbar's smart tool."""
        self.page.get_by_text("Auto-Annotation", exact=True).click()  # the hint names it, too
        self.page.locator(".lsf-toolbar .lsf-tool_smart").first.click()
        self._look()

    def click(self, click: Click, key: str = "1", look: bool = True) -> Answer:
        """Click the object, or Alt+click the background; where clicks have labels, the key before it.

        look: move the pointer away afterwards, here and elsewhere.
        """
        with self._answers() as info:
            self.send_click(click, key)
        self._rest(look)
        return answer_of(info.value)

    def wait_to_see(self, condition: Callable[[np.ndarray], bool]) -> None:
        """Until the picture is as wanted: masks are drawn late on a busy machine."""
        self.wait_until(lambda: condition(self.picture()))

    def send_click(self, click: Click, key: str = "1") -> None:
        """The same without waiting for an answer. Ctrl: without it a click on a region selects the region."""
        if self.page.evaluate(KEYED):
            self.page.keyboard.press(key)
            self.page.wait_for_function(CHOSEN, arg=key)
        held = ["Control"] if click.positive else ["Control", "Alt"]
        for modifier in held:
            self.page.keyboard.down(modifier)
        self.page.mouse.click(*self._on_screen(click.x, click.y))
        for modifier in held:
            self.page.keyboard.up(modifier)

    def relabel(self, place: Click, key: str, look: bool = True) -> None:
        """Select the kept mask by a click on it, press the label's key, let go."""
        self.press(place.x, place.y)
        self.page.wait_for_function(SELECTED)
        self.key(key)
        self.page.keyboard.press("Escape")
        self._rest(look)

    @contextmanager
    def collected(self) -> Iterator[list[Response]]:
        """Every response to a click that comes meanwhile; `answer_of` reads one."""
        responses: list[Response] = []

        def add(response: Response) -> None:
            if "interactive-annotating" in response.url:
                responses.append(response)

        self.page.on("response", add)
        yield responses
        self.page.remove_listener("response", add)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
            self.page.wait_for_timeout(200)
        self._look()

    def drag(self, start: Click, end: Click) -> Answer:
        """Move the pending click at `start`."""
        with self._answers() as info:
            self._stroke([(start.x, start.y), (end.x, end.y)])
        self._look()
        return answer_of(info.value)

    def draw_box(self, corner: tuple[int, int], opposite: tuple[int, int]) -> Answer:
        """Drag from corner to corner with the smart rectangle."""
        self._take_up("RectangleTool-dynamic")
        with self._answers() as info:
            self._stroke([corner, opposite])
        self.take_up_clicks()
        self._look()
        return answer_of(info.value)

    def undo(self) -> None:
        self.page.keyboard.press("Control+z")
        self._look()

    def reject(self) -> None:
        """The ✗ below the picture."""
        self.page.get_by_test_id("bottombar-reject-suggestions-button").click()
        self._none_suggested()

    def accept_on_canvas(self) -> None:
        """The ✓ drawn below the suggestion."""
        place = self.pill()
        self.page.mouse.move(*place)
        self.rest(2)
        self.page.mouse.click(*place)
        self._none_suggested()

    def _none_suggested(self, look: bool = True) -> None:
        self.page.wait_for_function(f"() => !({SUGGESTED})()")
        self._rest(look)

    def wait_for_draft(self) -> None:
        """Label Studio saves within five seconds of a change; this is the same save, at once."""
        self.rest()
        for _ in range(2):  # a change that came while it was saving is not yet
            self.page.wait_for_function(f"() => !({SAVING})()")
            self.page.evaluate(SAVE)
        self.page.wait_for_function(f"() => !({SAVING})()")

    def hold_drafts(self) -> None:
        """As in the seconds before Label Studio saves one, however long a busy machine takes for a click."""
        self.page.evaluate(HOLD)

    def _answers(self) -> AbstractContextManager[Any]:
        return self.page.expect_response(lambda response: "interactive-annotating" in response.url)

    def accept(self, look: bool = True) -> None:
        """The ✓ below the picture."""
        self.page.get_by_test_id("bottombar-accept-suggestions-button").click()
        self._none_suggested(look)

    def update(self) -> None:
        """Submit what was changed in a submitted annotation."""
        with self.page.expect_response(
            lambda response: response.request.method == "PATCH" and "/api/annotations/" in response.url
        ) as info:
            self.page.get_by_test_id("bottombar-update-button").click()
        assert info.value.ok, info.value.text()
        self._look()

    def submit(self, by_key: bool = False) -> None:
        with self.page.expect_response(
            lambda response: response.request.method == "POST" and bool(IS_SUBMITTED.search(response.url))
        ) as info:
            if by_key:
                self.page.keyboard.press("Control+Enter")
            else:
                self.page.get_by_test_id("bottombar-submit-button").click()
        assert info.value.ok, info.value.text()
        self.page.get_by_test_id("bottombar-update-button").wait_for()
        self._look()

    def hint_lines(self) -> float:
        """Of the text above the picture."""
        hint = self.page.get_by_text("Alt+click").first
        return hint.evaluate(
            "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight)"
        )

    def prediction_tabs(self) -> int:
        return self.page.evaluate("() => window.Htx.annotationStore.predictions.length")

    def screenshot(self, name: str) -> None:
        self.page.screenshot(path=self.screenshots / f"{name}.png")


def answer_of(response: Response) -> Answer:
    reply: dict[str, Any] = response.json()
    assert not reply.get("errors"), reply
    sent = json.loads(response.request.post_data or "{}")
    return Answer(sent["context"]["result"], reply["data"]["result"])
