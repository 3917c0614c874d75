"""What is missing is done, what is there is left, twice is as once, and a dry run changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from click99.connect.backend import SECRET, Backend
from click99.connect.connection import ProjectPlan, connect, disconnect
from click99.connect.step import Step
from click99.labelstudio.errors import ApiError, ApiMissingError, ImageUnreadableError, LabelConfigError
from click99.labelstudio.label_config import LabelConfig
from click99.server.refusals import Refusals
from tests.connect.label_studio import LabelStudio

URL = "http://localhost:9090"
NO_ANSWER = "Label Studio got no answer there: another password, or click99 did not run"
BACKEND = Backend(URL)
OTHER = {"url": "http://other:9090", "is_interactive": True, "basic_auth_user": ""}


@pytest.fixture
def label_studio() -> LabelStudio:
    return LabelStudio()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("b.PNG", "a b (1).jpg", "ü.jpeg", "notes.txt", ".hidden"):
        (tmp_path / name).write_bytes(b"pixels")
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


def run(label_studio: LabelStudio, apply: bool = True, **plan: Any) -> dict[str, Step]:
    chosen: dict[str, Any] = {"backend": BACKEND} | plan
    return {step.subject: step for step in connect(label_studio, ProjectPlan(**chosen), apply)}


def outcomes(steps: dict[str, Step]) -> set[str]:
    return {step.outcome for step in steps.values()}


def test_a_project_that_is_there_gets_what_it_lacks(label_studio: LabelStudio):
    project = label_studio.add_project(show_collab_predictions=False)
    label_studio.call("POST", "/api/tasks", json={"project": project, "data": {"image": "/data/1.jpg"}})
    steps = run(label_studio, project=project)
    assert steps["label config"].detail == "added KeyPoint 'click', BrushLabels 'brush'"
    (kept,) = label_studio.kept["projects"]
    assert LabelConfig.parse(kept["label_config"]).problems() == []
    assert "<RectangleLabels" in kept["label_config"]
    assert kept["show_collab_predictions"]
    assert [(each["url"], each["is_interactive"]) for each in label_studio.kept["ml"]] == [(URL, True)]
    assert [each["url"] for each in label_studio.kept["webhooks"]] == [f"{URL}/webhook"]
    assert steps["a click"].detail.startswith("answered with brushlabels")
    assert len(label_studio.kept["tasks"]) == 1, "the clicked copy is gone"
    again = run(label_studio, project=project)
    assert outcomes(again) == {"kept"}


def test_a_project_is_created_once_with_its_pictures(label_studio: LabelStudio, photos: Path):
    for expected in ("3 uploaded, 0 were there", "all 3 are there"):
        steps = run(label_studio, title="mine", images=photos, labels=["cat"])
        assert steps["pictures"].detail == expected
    (project,) = label_studio.kept["projects"]
    assert LabelConfig.parse(project["label_config"]).problems() == []
    (photos / "c.webp").write_bytes(b"pixels")
    assert run(label_studio, title="mine", images=photos)["pictures"].detail == "1 uploaded, 3 were there"
    assert len(label_studio.kept["tasks"]) == 4


def test_a_dry_run_asks_only(label_studio: LabelStudio, photos: Path):
    steps = run(label_studio, apply=False, title="mine", images=photos, labels=["cat"])
    assert outcomes(steps) == {"to do"}
    project = label_studio.add_project(show_collab_predictions=False)
    steps = run(label_studio, apply=False, project=project, images=photos)
    assert {subject for subject, step in steps.items() if step.outcome == "to do"} == {
        "pictures",
        "label config",
        "ML backend",
        "webhook",
        "predictions",
    }
    assert label_studio.changes == []


def test_the_secret_and_the_password_are_told(label_studio: LabelStudio):
    project = label_studio.add_project()
    run(label_studio, project=project)
    label_studio.wanted = ("anna", "pass")
    backend = Backend(URL, "anna", "pass", "secret")
    steps = run(label_studio, project=project, backend=backend)
    assert steps["webhook"].detail.endswith("with its secret")
    (hook,) = label_studio.kept["webhooks"]
    assert hook["headers"] == {SECRET: "secret"}
    (ml,) = label_studio.kept["ml"]
    assert (ml["auth_method"], ml["basic_auth_user"], ml["basic_auth_pass"]) == ("BASIC_AUTH", "anna", "pass")
    assert run(label_studio, project=project, backend=backend)["webhook"].outcome == "kept"
    assert steps["ML backend"].detail.endswith("with the password of anna")
    assert "'pass'" not in str(steps)


@pytest.mark.parametrize("apply", [True, False])
def test_a_password_that_only_changed_is_told(label_studio: LabelStudio, apply: bool):
    project = label_studio.add_project()
    label_studio.wanted = ("anna", "old")
    run(label_studio, project=project, backend=Backend(URL, "anna", "old"))
    label_studio.wanted = ("anna", "new")
    new = Backend(URL, "anna", "new")
    step = run(label_studio, apply, project=project, backend=new)["ML backend"]
    assert (step.outcome, step.detail) == (
        "changed" if apply else "to do",
        f"{URL}, interactive, with the password of anna; {NO_ANSWER}",
    )
    (ml,) = label_studio.kept["ml"]
    assert ml["basic_auth_pass"] == ("new" if apply else "old")
    assert outcomes(run(label_studio, apply, project=project, backend=new)) == (
        {"kept"} if apply else {"kept", "to do"}
    )


def test_a_click99_that_did_not_run_is_told(label_studio: LabelStudio):
    project = label_studio.add_project()
    run(label_studio, project=project)
    label_studio.refuses = "Connection refused"
    step = run(label_studio, False, project=project)["ML backend"]
    assert (step.outcome, step.detail) == ("to do", f"{URL}, interactive; {NO_ANSWER}")
    with pytest.raises(ApiError, match=r"Connection refused.*Does click99 run there\?"):
        run(label_studio, project=project)
    label_studio.refuses = ""
    assert run(label_studio, project=project)["ML backend"].outcome == "kept"


def test_basic_auth_that_is_gone_is_told_once(label_studio: LabelStudio):
    project = label_studio.add_project()
    label_studio.wanted = ("anna", "old")
    run(label_studio, project=project, backend=Backend(URL, "anna", "old"))
    label_studio.wanted = ("", "")
    assert run(label_studio, project=project)["ML backend"].outcome == "changed"
    assert run(label_studio, project=project)["ML backend"].outcome == "kept"


def test_a_password_that_click99_does_not_take_is_refused(label_studio: LabelStudio):
    label_studio.wanted = ("anna", "pass")
    with pytest.raises(ApiError, match=r"Authorization: missing or wrong.*CLICK99_BASIC_AUTH_PASSWORD"):
        run(label_studio, project=label_studio.add_project(), backend=Backend(URL, "anna", "wrong"))


def test_a_backend_that_is_asked_before_ours_is_a_problem_and_stays(label_studio: LabelStudio):
    project = label_studio.add_project()
    label_studio.kept["ml"].append({"id": 99, "project": project} | OTHER)
    problems = [
        step
        for step in connect(label_studio, ProjectPlan(BACKEND, project), True)
        if step.outcome == "problem"
    ]
    assert [OTHER["url"] in step.detail for step in problems] == [True]
    assert len(label_studio.kept["ml"]) == 2


def test_a_click_that_is_not_answered_is_a_problem(label_studio: LabelStudio):
    project = label_studio.add_project()
    label_studio.call("POST", "/api/tasks", json={"project": project, "data": {"image": "/data/1.jpg"}})
    label_studio.answer = {"errors": ["422: image not found"]}
    assert "image not found" in run(label_studio, project=project)["a click"].detail
    assert len(label_studio.kept["tasks"]) == 1


def test_why_click99_refused_the_click_is_told(label_studio: LabelStudio, tmp_path: Path):
    project = label_studio.add_project()
    label_studio.call("POST", "/api/tasks", json={"project": project, "data": {"image": "/data/1.jpg"}})
    label_studio.answer = {"errors": ["422 Client Error for url: http://localhost:9090/predict"]}
    problem = ImageUnreadableError("image", "/data/1.jpg is no readable image", "Import it whole")
    Refusals(tmp_path).note(problem)

    def refused(since: float) -> list[str]:
        return [each.message for each in Refusals(tmp_path).since(since)]

    steps = [*connect(label_studio, ProjectPlan(BACKEND, project), True, refused)]
    told = next(step.detail for step in steps if step.subject == "a click")
    assert told == f"not answered: {problem}"


@pytest.mark.parametrize(
    ("config", "data", "detail"),
    [
        (
            '<View><Image name="image" value="$image"/><KeyPointLabels name="click" toName="image" '
            'value="$labels" smart="true"/><BrushLabels name="brush" toName="image" value="$labels"/></View>',
            {"image": "/data/1.jpg", "labels": ["cat"]},
            "answered with brushlabels",
        ),
        (
            '<View><Repeater on="$pages"><Image name="i{{idx}}" value="$pages[{{idx}}]"/>'
            '<KeyPoint name="c{{idx}}" toName="i{{idx}}" smart="true"/><BrushLabels name="b{{idx}}" '
            'toName="i{{idx}}"><Label value="x"/></BrushLabels></Repeater></View>',
            {"pages": []},
            "not tried: its first task has no picture",
        ),
    ],
)
def test_a_click_is_as_the_first_task_lets_it_be(
    label_studio: LabelStudio, config: str, data: dict[str, Any], detail: str
):
    project = label_studio.add_project(config=config)
    label_studio.call("POST", "/api/tasks", json={"project": project, "data": data})
    assert run(label_studio, project=project)["a click"].detail.startswith(detail)
    for told in label_studio.clicked:
        assert told["context"]["result"][0]["value"]["keypointlabels"] == ["cat"]


def test_refusals_name_what_to_do(label_studio: LabelStudio, tmp_path: Path):
    label_studio.add_project("cells")
    with pytest.raises(ApiMissingError, match=r"^project 99: there is none .*; there are: 1 'cells'\."):
        run(label_studio, project=99)
    with pytest.raises(ApiMissingError, match=r"^project 99: there is none"):
        list(disconnect(label_studio, 99, BACKEND, True))
    with pytest.raises(ValueError, match="no files, and no pictures there"):
        run(label_studio, title="new", labels=["a"], images=tmp_path)
    with pytest.raises(LabelConfigError, match="Add <Image"):
        run(label_studio, project=label_studio.add_project(config="<View/>"))
    label_studio.refuses = "health check failed"
    with pytest.raises(ApiError, match=r"health check failed.*--backend"):
        run(label_studio, project=label_studio.add_project())


@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"title": "new"}, "no labels: give at least one, --labels cat,dog"),
        ({"title": "new", "labels": ["a", "a"]}, "give none empty, each once"),
        ({"title": "new", "labels": ["a"], "kind": "disc"}, "kind 'disc' is unknown"),
        ({"title": "x", "labels": ["a"]}, "--create 'x': Label Studio wants 3 to 50 characters, it has 1"),
        ({"title": "x" * 51, "labels": ["a"]}, "wants 3 to 50 characters, it has 51"),
        ({"title": "new", "labels": ["a"], "images": Path("nowhere")}, "nowhere: there is no such folder"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_told_or_made(
    label_studio: LabelStudio, plan: dict[str, Any], said: str, apply: bool
):
    steps = connect(label_studio, ProjectPlan(BACKEND, **plan), apply)
    with pytest.raises(ValueError, match=said):
        next(steps)
    assert label_studio.changes == []


def test_a_project_is_told_when_it_is_made(label_studio: LabelStudio):
    step = next(connect(label_studio, ProjectPlan(BACKEND, title="new", labels=["a"]), True))
    assert (step.outcome, label_studio.changes) == ("changed", ["POST /api/projects"])


def test_labels_and_a_kind_that_a_finished_config_has_not_are_told(label_studio: LabelStudio):
    steps = run(label_studio, title="new", labels=["cat"], kind="polygon")
    assert not steps.keys() & {"--labels", "--kind"}
    steps = run(label_studio, title="new", labels=["cat"], kind="polygon")
    assert outcomes(steps) == {"kept"}
    steps = run(label_studio, title="new", labels=["owl", "cat"], kind="bitmask")
    assert steps["--labels"].outcome == steps["--kind"].outcome == "not used"
    assert steps["--labels"].detail.startswith("owl not in its label config")
    assert steps["--kind"].detail.startswith("bitmask is for a new project")


@pytest.mark.parametrize("apply", [True, False])
def test_disconnecting_removes_ours_only(label_studio: LabelStudio, apply: bool):
    project = label_studio.add_project()
    run(label_studio, project=project)
    label_studio.kept["ml"].append({"id": 99, "project": project} | OTHER)
    steps = list(disconnect(label_studio, project, BACKEND, apply))
    assert {step.outcome for step in steps} == {"changed" if apply else "to do"}
    assert [each["url"] for each in label_studio.kept["ml"]][-1] == OTHER["url"]
    assert len(label_studio.kept["ml"]) == (1 if apply else 2)
    assert len(label_studio.kept["webhooks"]) == (0 if apply else 1)
    if apply:
        assert {step.outcome for step in disconnect(label_studio, project, BACKEND, apply)} == {"kept"}
