"""The picture on Label Studio's labelling page: where it is, what lies on it, and its tools."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

CANVAS = "window.Htx.annotationStore.selected"
REGIONS = f"() => [...{CANVAS}.areas.values()].filter(a => a.type === 'brushregion').map(a => a.cleanId)"
PENDING = f"() => [...{CANVAS}.areas.values()].filter(a => a.dynamic).map(a => a.cleanId)"
DOTS = f"() => [...{CANVAS}.areas.values()].filter(a => a.type === 'keypointregion').map(a => a.cleanId)"
TOOL = f"which => {CANVAS}.objects[which].getToolsManager().findSelectedTool()?.fullName"
KEYED = f"() => [...{CANVAS}.names.values()].some(c => c.type === 'keypointlabels')"
CHOSEN = f"""key => [...{CANVAS}.names.values()].some((control) => control.type === "keypointlabels"
  && control.selectedLabels.some((label) => label.hotkey === key))"""
SELECTED = f"() => {CANVAS}.selectionSize > 0"
SUGGESTED = f"() => {CANVAS}.suggestions.size"
SAVING = f"() => {CANVAS}.isDraftSaving"
SAVE = f"() => {CANVAS}.saveDraftImmediately()"
HOLD = f"() => {CANVAS}.pauseAutosave()"
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

# Waits inside the page, since its own timers are late on a busy machine: `rounds` times a tenth of a second
# in which nothing is on its way, each mask is drawn, and neither pictures nor buttons move.
REST = """async rounds => {
  const box = (part) => Object.values(part.getBoundingClientRect().toJSON());
  const isDrawn = (area) => {
    const layer = area.object?.stageRef?.getLayers().find((each) => each.id() === area.cleanId);
    const holdsImage = area.rle?.length || area.maskDataURL;
    return !layer || !holdsImage || layer.find("Image").some((each) => each.image());
  };
  const state = () => {
    const store = window.Htx, annotation = store?.annotationStore?.selected;
    if (!annotation || store.isLoading || store.awaitingSuggestions) return null;
    if (!annotation.objects.every((each) => each.currentImageEntity?.imageLoaded)) return null;
    if (![...annotation.areas.values(), ...annotation.suggestions.values()].every(isDrawn)) return null;
    const placed = annotation.objects.map((each) => [each.zoomingPositionX, each.zoomingPositionY,
      each.stageWidth, each.stageHeight, each.stageScale]);
    const boxes = [...document.querySelectorAll(".konvajs-content, .lsf-bottombar")].map(box);
    return JSON.stringify([annotation.id, placed, boxes]);
  };
  const end = performance.now() + 120_000;
  let before = null;
  for (let still = 0; still < rounds; ) {
    await new Promise((done) => setTimeout(() => requestAnimationFrame(done), 100));
    const now = state();
    still = now !== null && now === before ? still + 1 : 0;
    before = now;
    if (performance.now() > end) throw new Error(`the page did not come to rest in two minutes: ${now}`);
  }
}"""

PLACEMENT = """which => {
  const shown = window.Htx.annotationStore.selected.objects[which], entity = shown.currentImageEntity;
  return [shown.zoomingPositionX, shown.zoomingPositionY,
          shown.stageWidth * shown.stageScale, shown.stageHeight * shown.stageScale,
          entity.naturalWidth, entity.naturalHeight];
}"""


class Canvas:
    """image: which of the task's pictures is meant."""

    def __init__(self, page: Page):
        self.page = page
        self.image = 0

    def picture(self) -> np.ndarray:
        """What is seen of the picture now, int16 RGB [H, W, 3], one value per pixel of the picture."""
        (left, top), (across, down), size = self._placement()
        png = self._canvas().screenshot()
        seen = Image.open(BytesIO(png)).convert("RGB")
        whole = seen.transform(size, Image.Transform.AFFINE, (across, 0, left, 0, down, top))
        return np.asarray(whole).astype(np.int16)

    def regions(self) -> list[str]:
        """The ids of the brush regions on the canvas, in order."""
        return self.page.evaluate(REGIONS)

    def pending(self) -> list[str]:
        return self.page.evaluate(PENDING)

    def dots(self) -> list[str]:
        """Pending, and those that a draft or an annotation holds."""
        return self.page.evaluate(DOTS)

    def tool(self) -> str:
        """The chosen one."""
        return str(self.page.evaluate(TOOL, self.image))

    def press(self, x: int, y: int) -> None:
        """A click without Ctrl: what lies there is selected."""
        self.page.mouse.click(*self._on_screen(x, y))
        self.rest()

    def key(self, name: str) -> None:
        self.page.keyboard.press(name)
        self.rest()

    def select(self, region: str) -> None:
        self.page.evaluate(SELECT, region)
        self.page.wait_for_function(SELECTED)
        self.rest()

    def erase(self, region: str, *points: tuple[int, int], take_up: bool = True) -> None:
        """With the eraser on that region, along the points. take_up: the dots again."""
        self.select(region)
        self.key("e")
        self.page.wait_for_function(f"which => ({TOOL})(which) === 'EraserTool'", arg=self.image)
        self._stroke(points)
        self.key("Escape")
        if take_up:
            self.take_up_clicks()

    def paint(self, *points: tuple[int, int], region: str | None = None) -> None:
        """With the brush along the points, on a region or as a new one of the label Object."""
        if region:
            self.select(region)
        self.page.locator('.lsf-tool[aria-label="brush-tool"]:visible').first.click()
        if not region:
            self.page.locator(".lsf-labels").last.locator(".lsf-label", has_text="Object").first.click()
        self.rest()
        before = len(self.regions())
        self._stroke(points)
        self._wait_for_regions(before + (region is None))
        self._done()

    def fill_in(self, region: str, choice: str, stars: int, number: str, text: str) -> None:
        """In the per-region controls below the picture, one of each kind."""
        self.select(region)
        self.page.get_by_role("checkbox", name=choice).click()
        self.page.locator(".ant-rate-star").nth(stars - 1).click()
        self.page.locator("input[type=number]").last.fill(number)
        remark = self.page.get_by_test_id("textarea-input")
        remark.fill(text)
        remark.press("Enter")
        remark.blur()
        self.rest()
        self._done()

    def wave_wand(self, *points: tuple[int, int]) -> None:
        """With the Magic Wand along the points, a new region. It gets its label, Object, afterwards."""
        self.page.locator('.lsf-tool[aria-label="magicwand"]:visible').first.click()
        self.rest()
        before = len(self.regions())
        self._stroke(points)
        self._wait_for_regions(before + 1)
        self.page.locator(".lsf-labels").last.locator(".lsf-label", has_text="Object").first.click()
        self.rest()
        self._done()

    def pill(self) -> tuple[float, float]:
        """Where the ✓ below the suggestion stands on the screen."""
        left, top, width, height = self.page.evaluate(PILL)
        return left + 0.75 * width, top + height / 2

    def _done(self) -> None:
        """Let go of the region, and take up the clicks again."""
        self.key("Escape")
        self.take_up_clicks()

    def take_up_clicks(self) -> None:
        """Choose the pink dots in the picture's toolbar."""
        self._take_up("KeyPointTool-dynamic")

    def _take_up(self, tool: str) -> None:
        """Press the toolbar's Auto-Detect, which goes through the smart tools, until it is `tool`."""
        smart = self.page.locator(".lsf-toolbar").nth(self.image).locator(".lsf-tool_smart").first
        for _ in range(4):
            if self.tool().startswith(tool):
                return
            smart.click()
            self.rest()
        raise AssertionError(f"the toolbar has no {tool}")

    def _stroke(self, points: Sequence[tuple[int, int]]) -> None:
        places = [self._on_screen(*point) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=8)
        self.page.mouse.up()
        self.rest(5)

    def _wait_for_regions(self, count: int) -> None:
        self.page.wait_for_function(f"count => ({REGIONS})().length === count", arg=count)
        self.rest()

    def rest(self, rounds: int = 3) -> None:
        """Until the page comes to rest: for so many tenths of a second of its own."""
        self.page.evaluate(REST, rounds)

    def _look(self) -> None:
        """Rest, the pointer away: it brings tooltips that lie over the picture."""
        self.page.mouse.move(5, 5)
        self.rest(5)

    def _rest(self, look: bool) -> None:
        """Without a look the pointer stays where it is."""
        self._look() if look else self.rest(2)

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
