"""`click99 connect` against a real Label Studio: from nothing to an answered click, again, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.demo.pictures import pictures
from click99.labelstudio.client import Client
from tests.e2e.workplace import COFFEE, Click99, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

BOXES = """<View><Image name="photo" value="$image"/>
<RectangleLabels name="boxes" toName="photo"><Label value="cup"/></RectangleLabels></View>"""


@pytest.fixture
def client(click99: Click99) -> Client:
    return Client(
        click99.environment["LABEL_STUDIO_URL"], click99.environment["LABEL_STUDIO_API_KEY"], timeout=120
    )


def connect(click99: Click99, *arguments: str) -> str:
    done = click99.run("connect", "--backend", click99.url, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_from_a_folder_of_pictures_to_an_answered_click(click99: Click99, client: Client, tmp_path: Path):
    for picture in pictures()[:3]:
        (tmp_path / f"my {picture.name}").write_bytes(picture.read_bytes())
    new = ("--create", "connected", "--images", str(tmp_path), "--labels", "cup,spoon")
    assert "would be: created" in connect(click99, *new, "--dry-run")
    assert "connected" not in [project["title"] for project in client.projects()]
    said = connect(click99, *new)
    assert "3 uploaded" in said
    assert "a click: answered with brushlabels" in said
    assert "+" not in connect(click99, *new), "a second run changes nothing"
    (project,) = [each for each in client.projects() if each["title"] == "connected"]
    assert len(list(client.tasks(project["id"], 10))) == 3
    asked = ("--project", str(project["id"]), "--backend", click99.url)
    assert click99.run("disconnect", *asked).stdout.count("removed") == 2
    assert client.call("GET", "/api/ml", params={"project": project["id"]}) == []
    assert client.call("GET", "/api/webhooks/", params={"project": project["id"]}) == []


def test_a_project_of_boxes_gets_masks(click99: Click99, client: Client):
    created = client.call("POST", "/api/projects", json={"title": "boxes", "label_config": BOXES})
    picture = pictures()[0]
    uploads = {picture.name: (picture.name, picture.read_bytes())}
    client.call("POST", f"/api/projects/{created['id']}/import", files=uploads)
    said = connect(click99, "--project", str(created["id"]))
    assert "added KeyPoint 'click', BrushLabels 'brush'" in said
    assert "a click: answered with brushlabels" in said
    assert "RectangleLabels" in client.call("GET", f"/api/projects/{created['id']}")["label_config"]
    assert len(list(client.tasks(created["id"], 10))) == 1


def test_a_password_that_changed_is_told_and_only_then(click99: Click99, client: Client):
    """Of a project without tasks: Label Studio itself tells whether click99 takes what it has."""
    created = client.call("POST", "/api/projects", json={"title": "closed", "label_config": BOXES})
    asked = ("--project", str(created["id"]))
    plain = click99.environment
    try:
        for password in ("first", "second"):
            click99.environment = plain | {
                "CLICK99_BASIC_AUTH_USER": "anna",
                "CLICK99_BASIC_AUTH_PASSWORD": password,
            }
            click99.restart()
            assert "interactive, with the password of anna" in connect(click99, *asked)
            assert "✓ ML backend" in connect(click99, *asked)
    finally:
        click99.environment = plain
        click99.restart()
    assert "+ ML backend" in connect(click99, *asked)
    assert "✓ ML backend" in connect(click99, *asked)


def test_a_detector_s_boxes_become_masks_to_refine(click99: Click99, client: Client, tmp_path: Path):
    created = client.call("POST", "/api/projects", json={"title": "detected", "label_config": BOXES})
    for picture in pictures()[:2]:
        uploads = {picture.name: (picture.name, picture.read_bytes())}
        client.call("POST", f"/api/projects/{created['id']}/import", files=uploads)
    connect(click99, "--project", str(created["id"]))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,label,left,top,right,bottom\ncoffee.png,cup,170,30,520,330\n")
    asked = ("preannotate", "--project", str(created["id"]), "--prompts", str(boxes))
    assert "1 predicted, 1 without boxes or points. 1 masks" in click99.run(*asked).stdout
    assert "1 done before" in click99.run(*asked).stdout
    tasks = [client.call("GET", f"/api/tasks/{task['id']}") for task in client.tasks(created["id"], 10)]
    (prediction,) = next(task["predictions"] for task in tasks if task["predictions"])
    assert 0 < prediction["score"] <= 1
    mask = mask_of(prediction["result"][0])
    assert mask[COFFEE.y, COFFEE.x]
    assert not mask[:30].any()
