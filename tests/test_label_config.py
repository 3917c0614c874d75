"""Every label config that we ship answers every click, and tells annotators of Alt+click beside the image."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.labelstudio.label_config import LabelConfig

CONFIGS = sorted((Path(__file__).parents[1] / "label_config").glob("*.xml"))


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_every_click_has_an_answer(file: Path) -> None:
    config = LabelConfig.parse(file.read_text())
    assert config.problems() == []
    assert config.image_url({"image": "/data/upload/1/cat.png"}) == "/data/upload/1/cat.png"


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_the_background_gesture_stands_beside_the_image(file: Path) -> None:
    assert "Alt+click: background" in file.read_text()
