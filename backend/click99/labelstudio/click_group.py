"""The clicks of a request that belong to one object, in image pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from click99.labelstudio.errors import PayloadError
from click99.labelstudio.payloads import ContextItem

MARGIN = 1.0  # percent outside the image that still counts as its border


class PixelClick(NamedTuple):
    """A click in image pixels, origin top left. id: Label Studio's, the same when the click is dragged."""

    id: str
    x: int
    y: int
    positive: bool


class ClickGroup(NamedTuple):
    """The clicks on one object, in order, each id once. places: theirs in params.context.result."""

    control: str
    label: str
    item_index: int | None
    items: list[ContextItem]
    places: list[int]

    @property
    def more(self) -> list[str]:
        """The last click's labels beside `label`."""
        return self.items[-1].labels[1:]

    def pixels(self, height: int, width: int) -> list[PixelClick]:
        """The clicks on an image [height, width]; PayloadError when outside it or made on another size."""
        fields = [f"params.context.result[{place}]" for place in self.places]
        return [_pixel_click(*click, height, width) for click in zip(fields, self.items, strict=True)]


def click_group(items: Sequence[ContextItem]) -> ClickGroup:
    """The clicks on the object that was clicked last; PayloadError when there is none, or it has no label.

    items: params.context.result.
    """
    clicks = [(place, item) for place, item in enumerate(items) if item.is_click]
    if not clicks:
        raise _no_clicks(items)
    place, last = clicks[-1]
    control, label, item_index = last.object
    if label is None:
        field = f"params.context.result[{place}].value.keypointlabels"
        raise PayloadError(field, "a click without a label", "Choose a label before clicking")
    group = {item.id: (place, item) for place, item in clicks if item.object == last.object}
    places, members = zip(*group.values(), strict=True)
    return ClickGroup(control, label, item_index, list(members), list(places))


def _no_clicks(items: Sequence[ContextItem]) -> PayloadError:
    if not items:
        return PayloadError("params.context.result", "no clicks", "Click on the object")
    problem = f"no clicks, only {items[-1].type!r}"
    remedy = 'Set smart="true" on KeyPointLabels and RectangleLabels controls only'
    return PayloadError("params.context.result", problem, remedy)


def _pixel_click(field: str, item: ContextItem, height: int, width: int) -> PixelClick:
    for name, told, actual in (
        ("original_width", item.original_width, width),
        ("original_height", item.original_height, height),
    ):
        if told not in (None, actual):
            problem = f"{told}, but the image is {width} × {height}"
            raise PayloadError(f"{field}.{name}", problem, "Reload the task: the image was replaced")
    x, y = _pixel(f"{field}.value.x", item.value.x, width), _pixel(f"{field}.value.y", item.value.y, height)
    return PixelClick(item.id, x, y, item.is_positive is not False)


def _pixel(field: str, percent: float | None, size: int) -> int:
    if percent is None or not -MARGIN <= percent <= 100 + MARGIN:
        raise PayloadError(field, f"{percent} % is outside the image", "Click inside it (0 to 100)")
    return min(max(int(percent * size / 100), 0), size - 1)
