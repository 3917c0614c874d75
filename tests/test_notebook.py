"""The tutorial's notebook runs, and shows what it is committed with."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from PIL import Image

from tests.notebook import FILE, run


@pytest.mark.slow("starts a kernel and clicks with the shipped network")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_shows_what_it_is_committed_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", ":".join(str(FILE.parents[2] / top) for top in ("backend", "training")))
    made, committed = run(tmp_path), nbformat.read(FILE, 4)
    shown = [outputs(each) for each in made.cells if each.cell_type == "code"]
    kept = [outputs(each) for each in committed.cells if each.cell_type == "code"]
    assert [[*each] for each in shown] == [[*each] for each in kept], "run: python -m tests.notebook"
    for new, old in zip(shown, kept, strict=True):
        if "image/jpeg" in old:
            apart = np.abs(pixels(new["image/jpeg"]) - pixels(old["image/jpeg"]))
            assert apart.mean() < 4, "of 255"
        else:
            assert new == old


def outputs(cell: NotebookNode) -> dict[str, str]:
    """By their kinds; the text that stands in for a picture left out."""
    found = {kind: text for output in cell.outputs for kind, text in output.data.items()}
    return {
        kind: text for kind, text in found.items() if not ("image/jpeg" in found and kind != "image/jpeg")
    }


def pixels(jpeg: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(b64decode(jpeg))).convert("RGB")).astype(np.float32)
