"""What a run says: what fits nothing is named with what it was compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.labelstudio.image_cache import Image
from tests.connect.label_studio import LabelStudio
from tests.disc_painter import DiscPainter
from tests.preannotate.config import CONFIG

HEAD = "file,label,left,top,right,bottom\n"


class Source:
    """Of pictures, all alike."""

    def get(self, address: str, task: str) -> Image:
        return Image("picture", np.zeros((60, 100, 3), np.uint8))


@pytest.fixture
def label_studio(monkeypatch: pytest.MonkeyPatch) -> LabelStudio:
    """What the command finds: project 1, without tasks."""
    found = LabelStudio()
    found.add_project("cells", CONFIG)
    monkeypatch.setattr("click99.commands.projects.known_label_studio", lambda settings: found)
    monkeypatch.setattr("click99.server.models.load_served", lambda *_: DiscPainter())
    monkeypatch.setattr("click99.server.image_source.image_source", lambda settings, client: Source())
    return found


def add(label_studio: LabelStudio, *names: str) -> None:
    for name in names:
        data = {"image": f"/data/upload/1/01234567-{name}"}
        label_studio.call("POST", "/api/tasks", json={"project": 1, "data": data})


def invoke(folder: Path, *names: str, options: str = "") -> tuple[int, str, str]:
    """With a box on each picture of these names: exit code, stdout, stderr."""
    (folder / "boxes.csv").write_text(HEAD + "".join(f"{name},cat,10,10,40,40\n" for name in names))
    file = ["--prompts", str(folder / "boxes.csv")] if names else []
    asked = ["preannotate", "--home", str(folder), "--project", "1", *file, *options.split()]
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, asked)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("options", ["", "--dry-run"])
def test_pictures_that_no_task_has_are_named(label_studio: LabelStudio, tmp_path: Path, options: str):
    add(label_studio, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    code, told, remarked = invoke(tmp_path, "a.jpg", "missing.png", options=options)
    assert code == 0
    assert f"1 masks {'would be made ' if options else ''}by discs-1; 0 left out." in told
    problem = "no task of project 1 has 1 of its 2 pictures: missing.png."
    assert remarked == f"{tmp_path / 'boxes.csv'}: {problem} The tasks have a.jpg, b.jpg, c.jpg and 1 more\n"


@pytest.mark.parametrize("options", ["", "--dry-run"])
def test_a_file_that_fits_no_task_is_refused(label_studio: LabelStudio, tmp_path: Path, options: str):
    add(label_studio, "a.jpg", "b.jpg")
    names = ("p.png", "q.png", "r.png", "s.png")
    code, told, remarked = invoke(tmp_path, *names, options=options)
    assert (code, told) == (2, "")
    assert "has 4 of its 4 pictures: p.png, q.png, r.png and 1 more. The tasks have a.jpg, b.jpg." in remarked


@pytest.mark.slow("pre-annotates twice")
def test_what_was_done_before_is_told_with_the_way_to_do_it_anew(label_studio: LabelStudio, tmp_path: Path):
    add(label_studio, "a.jpg")
    invoke(tmp_path, "a.jpg")
    code, told, remarked = invoke(tmp_path, "a.jpg", "a.jpg")
    assert (code, told.startswith("Tasks: 1 done before. 0 masks")) == (0, True)
    assert "1 tasks have a prediction of discs-1, and stay as they are, whatever " in remarked
    assert "--anew replaces it" in remarked
    code, told, remarked = invoke(tmp_path, "a.jpg", "a.jpg", options="--anew")
    assert (code, told.startswith("Tasks: 1 predicted. 2 masks"), remarked) == (0, True, "")


def test_what_was_left_out_is_no_success(label_studio: LabelStudio, tmp_path: Path):
    add(label_studio, "a.jpg")
    label_studio.kept["projects"][0]["label_config"] = CONFIG.replace('"cat"', '"cow"')
    code, told, remarked = invoke(tmp_path, "a.jpg")
    assert code == 1
    assert 'Add <Label value="cat"/>' in remarked
    assert "1 left out. 0 masks" in told


@pytest.mark.parametrize(
    ("names", "said"),
    [([], "project 1: it has no tasks. Import pictures"), (["a.jpg"], "no task has a prediction with")],
)
def test_without_a_file_nothing_to_do_is_told(
    label_studio: LabelStudio, tmp_path: Path, names: list[str], said: str
):
    add(label_studio, *names)
    code, told, remarked = invoke(tmp_path)
    assert (code, told, said in remarked) == (2, "", True), remarked


def test_a_file_that_is_not_there_is_told_in_a_sentence(label_studio: LabelStudio, tmp_path: Path):
    code, _, remarked = invoke(tmp_path, options="--prompts nope.csv")
    assert code == 2
    assert "'nope.csv' does not exist" in remarked


@pytest.mark.parametrize("config", ["<View/>", "<View"])
def test_a_broken_label_config_is_told_rather_than_that_nothing_fits(
    label_studio: LabelStudio, tmp_path: Path, config: str
):
    add(label_studio, "a.jpg")
    label_studio.kept["projects"][0]["label_config"] = config
    code, _, remarked = invoke(tmp_path, "a.jpg")
    assert code == 1
    assert "label_config: " in remarked
