"""Every label config that we ship answers every click, and tells annotators of Alt+click beside the image."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.labelstudio.config_text import KINDS, config_text
from click99.labelstudio.label_config import LabelConfig

CONFIGS = sorted((Path(__file__).parents[1] / "label_config").glob("*.xml"))


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_every_click_has_an_answer(file: Path) -> None:
    config = LabelConfig.parse(file.read_text())
    assert config.problems() == []
    assert config.image_url({"image": "/data/upload/1/cat.png"}) == "/data/upload/1/cat.png"


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_the_gestures_stand_beside_the_image(file: Path) -> None:
    """Each has cost annotators clicks: the tool, background, kept masks, another label, a selected mask."""
    header = next(ElementTree.fromstring(file.read_text()).iter("Header"))
    hint = header.get("value", "")
    kept = "on a kept mask: beside it" if file.stem == "bitmask" else "with Ctrl"
    needed = ["Auto-Annotation on · ", "M: dots", "Alt+click: background", kept, "✓: keep"]
    needed += ["1 to 3, click"] if file.stem == "keys" else ["other label: click", "1 to 3, Esc"]
    assert [part for part in needed if part not in hint] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "labels", [["cat"], ["cat", 'dog\'s "<ear>" & tail', "é"], [f"k{n}" for n in range(12)]]
)
def test_a_config_of_own_labels_answers_each_of_them(kind: str, labels: list[str]) -> None:
    text = config_text(kind, labels)
    config = LabelConfig.parse(text)
    assert config.problems() == []
    (control,) = {
        "brush": ["brush"],
        "bitmask": ["bitmask"],
        "polygon": ["polygon"],
        "box": ["brush"],
        "keys": ["brush"],
    }[kind]
    root = ElementTree.fromstring(text)
    written = next(node for node in root.iter() if node.get("name") == control)
    assert [label.get("value") for label in written.iter("Label")] == labels
    assert [label.get("hotkey") for label in written.iter("Label")][:9] == [
        str(n + 1) for n in range(len(labels))
    ][:9]
    assert "1 to 3" not in text or len(labels) == 3


def test_one_label_needs_no_word_on_others() -> None:
    alone = config_text("brush", ["cat"])
    assert "other label" not in alone
    assert "· Esc: deselect" in alone
    assert "1 to 9" in config_text("brush", [f"k{n}" for n in range(12)])


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(app, ["config", "--labels", "cat, dog", "--kind", "polygon"])
    assert result.stdout == config_text("polygon", ["cat", "dog"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--labels", "cat,cat"], "each once"),
        (["--labels", "cat,,dog"], "none empty"),
        (["--labels", "cat", "--kind", "ellipse"], "brush, bitmask, polygon, box, keys"),
    ],
)
def test_what_is_wrong_is_told(options: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["config", *options])
    assert result.exit_code == 2
    assert told in result.stderr
