"""The way to cut a picture into tiles, as docs/how-to/large-pictures.md has it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.docs_pages import ROOT

PAGE = ROOT / "docs" / "how-to" / "large-pictures.md"


@pytest.mark.slow("a large picture")
def test_tiles_put_together_are_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Even one that Pillow by itself takes for a bomb."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    noise = np.random.default_rng(0).integers(0, 255, (20, 4200, 3), np.uint8)
    Image.fromarray(np.vstack([noise] * 206)).save("aerial.jpg")  # 4120 rows
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(code, PAGE.name, "exec"), {})
    tiles = sorted(Path("tiles").iterdir())
    assert len(tiles) == 4
    whole = np.asarray(Image.open("aerial.jpg"))
    for tile in tiles:
        left, top = map(int, re.findall(r"-(\d+)-(\d+)\.png", tile.name)[0])
        pixels = np.asarray(Image.open(tile))
        assert max(pixels.shape) <= 4096
        assert np.array_equal(pixels, whole[top : top + len(pixels), left : left + pixels.shape[1]])
    assert sum(np.asarray(Image.open(tile)).size for tile in tiles) == whole.size
