"""A mask and clicks drawn over their picture."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np

from click99.segmentation.clicks import Click

OUTLINE, POSITIVE, NEGATIVE, WHITE = (255, 214, 10), (0, 158, 115), (213, 45, 30), (255, 255, 255)  # RGB


def draw(image: np.ndarray, mask: np.ndarray, clicks: Sequence[Click], width: int) -> np.ndarray:
    """The object as it is, the rest faded, an outline between, and the clicks: uint8 RGB, `width` wide.

    Args:
        image: uint8 RGB [H, W, 3].
        mask: bool [H, W].
    """
    scale = width / image.shape[1]
    size = (width, max(1, round(image.shape[0] * scale)))
    picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    inside = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR) > 127
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    drawn = np.where(inside[..., None], picture, (0.45 * grey + 0.55 * 235).astype(np.uint8))
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, contours, -1, OUTLINE, 2, cv2.LINE_AA)
    for click in clicks:
        _draw_click(drawn, (round((click.x + 0.5) * scale), round((click.y + 0.5) * scale)), click.positive)
    return drawn


def _draw_click(picture: np.ndarray, centre: tuple[int, int], positive: bool) -> None:
    """A disc with a plus or a minus, so that colour is not needed to tell them apart."""
    x, y = centre
    cv2.circle(picture, centre, 9, WHITE, -1, cv2.LINE_AA)
    cv2.circle(picture, centre, 8, POSITIVE if positive else NEGATIVE, -1, cv2.LINE_AA)
    cv2.line(picture, (x - 4, y), (x + 4, y), WHITE, 2)
    if positive:
        cv2.line(picture, (x, y - 4), (x, y + 4), WHITE, 2)


def jpeg(picture: np.ndarray) -> str:
    """A picture, uint8 RGB [H, W, 3], as an address that carries it."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
