"""How a mask and its clicks are drawn."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from click99.drawing import NEGATIVE, POSITIVE, draw, jpeg
from click99.segmentation.clicks import Click

WIDTH = 440


def test_a_drawing_keeps_the_objects_colours_and_shows_the_clicks():
    image = np.full((60, 80, 3), (200, 40, 90), np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[15:45, 20:60] = True
    drawn = draw(image, mask, [Click(30, 30, True), Click(70, 50, False)], WIDTH)
    scale = WIDTH / 80
    assert drawn.shape == (round(60 * scale), WIDTH, 3)
    inside, outside = drawn[round(22 * scale), round(30 * scale)], drawn[round(5 * scale), round(5 * scale)]
    np.testing.assert_array_equal(inside, (200, 40, 90))
    assert np.ptp(outside) == 0
    for x, y, colour in ((30, 30, POSITIVE), (70, 50, NEGATIVE)):
        around = drawn[round((y + 0.5) * scale) - 7, round((x + 0.5) * scale)]
        np.testing.assert_allclose(around, colour, atol=40)


def test_an_address_carries_the_picture():
    address = jpeg(np.full((8, 8, 3), (200, 40, 90), np.uint8))
    start, _, data = address.partition(",")
    assert start == "data:image/jpeg;base64"
    shown = np.asarray(Image.open(BytesIO(base64.b64decode(data))))
    np.testing.assert_allclose(shown[4, 4], (200, 40, 90), atol=4)
