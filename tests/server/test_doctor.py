"""`click99 doctor`: names what is wrong and the remedy, and ends with 1 when there is a problem."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from typer.testing import CliRunner

from click99.annotations.damaged_annotations import DamagedAnnotations
from click99.annotations.database import Database, sqlite_url
from click99.annotations.dead_letters import DeadLetters
from click99.annotations.events import keep_event
from click99.cli import app
from click99.labelstudio.errors import PayloadError
from click99.registry.jobs import Jobs
from click99.registry.versions import Registry
from click99.server import models
from click99.server.refusals import Refusals
from tests.annotations.examples import NOON, brush_item, saved
from tests.disc_painter import DiscPainter
from tests.redis_server import RedisServer
from tests.registry.examples import STAND_IN, checkpoint, ended
from tests.server.requests import CONFIG, IMAGE, WITHOUT_LABELS

TOKEN = "0123456789abcdef0123456789abcdef01234567"
CLICKABLE = CONFIG.replace('<Label value="background"/>', "")
Replies = dict[str, Any]


def replies(**changes: Any) -> Replies:
    """What a Label Studio with one good project says, by path."""
    project = {"id": 7, "title": "[cells]", "label_config": changes.pop("label_config", CLICKABLE)}
    backend = {"url": "http://click99:9090", "is_interactive": True, "readable_state": "Connected"}
    said: Replies = {
        "/api/version": {"release": "1.23.2"},
        "/api/current-user/whoami": {"email": "ann@example.com"},
        "/api/projects": {"count": 1, "results": [project]},
        "/api/ml": [backend | {"error_message": None} | changes.pop("backend", {})],
        "/api/tasks": {"tasks": [{"id": 3, "data": {"image": IMAGE}}]},
    }
    return said | changes


@pytest.fixture
def label_studio() -> Iterator[Callable[[Replies], str]]:
    """Serves such replies on loopback to who shows the token; gives its address."""
    servers: list[ThreadingHTTPServer] = []

    def serve(said: Replies) -> str:
        class Api(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path.rstrip("/")
                known = path == "/api/version" or self.headers["Authorization"] == f"Token {TOKEN}"
                content = json.dumps(said[path] if known else {"detail": "Invalid token."}).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Api))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Runs the command with a painter for a network; gives exit code and output."""
    monkeypatch.setattr(models, "load_predictor", lambda _: DiscPainter())

    def run(url: str = "", key: str = TOKEN, home: Path = tmp_path) -> tuple[int, str]:
        connection = ["--label-studio-url", url, "--label-studio-api-key", key] if url else []
        runner = CliRunner(env={"COLUMNS": "300"})
        result = runner.invoke(app, ["doctor", "--home", str(home), *connection])
        return result.exit_code, result.output

    return run


def test_all_is_well(doctor: Doctor, label_studio: Callable[[Replies], str]):
    code, shown = doctor(label_studio(replies()))
    assert code == 0
    for part in ("discs-1", " ms on 640", "1.23.2", "ann@example.com", "[cells]", "click99:9090", "64 × 48"):
        assert part in shown
    assert "✗" not in shown


def test_a_promoted_version_that_cannot_be_served_is_a_problem(doctor: Doctor, tmp_path: Path):
    registry = Registry(tmp_path / "models")
    version = registry.add(checkpoint(tmp_path / "made.safetensors"))
    registry.promote(version.name, "better")
    code, shown = doctor()
    assert (code, version.name in shown) == (0, True)
    version.path.write_bytes(b"half")
    code, shown = doctor()
    assert code == 1
    for part in (f"{version.name}: ", "is not the file that was added", "click99 models rollback"):
        assert part in shown


@pytest.mark.parametrize(
    ("end", "code", "told"), [("crash", 1, "nothing was annotated yet"), ("yes", 0, "decided: yes")]
)
def test_a_fine_tune_that_failed_is_a_problem(doctor: Doctor, tmp_path: Path, end: str, code: int, told: str):
    jobs = Jobs(tmp_path / "jobs", STAND_IN)
    jobs.start("a button", ["--end", end])
    ended(jobs, 1)
    exited, shown = doctor()
    assert exited == code
    assert told in shown


def test_masks_that_nobody_accepted_are_a_problem(doctor: Doctor, tmp_path: Path):
    DamagedAnnotations(tmp_path).add(7)
    code, shown = doctor()
    assert code == 1
    assert "1 annotations without a mask or with one twice" in shown
    assert "click99 recover" in shown


def test_what_was_refused_lately_is_told(doctor: Doctor, tmp_path: Path):
    Refusals(tmp_path).note(PayloadError("tasks[0].data.image", "[bold]gone[/]", "Reload the task"))
    code, shown = doctor()
    assert code == 0
    assert "0 min ago, click99_errors_total of PayloadError: tasks[0].data.image: [bold]gone[/]" in shown


def test_an_unknown_label_studio_is_a_note(doctor: Doctor):
    code, shown = doctor()
    assert code == 0
    assert "LABEL_STUDIO_URL" in shown


NO_BRUSH = CLICKABLE.replace("BrushLabels", "EllipseLabels")
PROBLEMS: dict[str, tuple[Replies, str]] = {
    "no brush": (replies(label_config=NO_BRUSH), "BrushLabels"),
    "a label without a brush": (replies(label_config=CONFIG), "background"),
    "not smart": (replies(label_config=CLICKABLE.replace(' smart="true"', "")), "smart"),
    "not XML": (replies(label_config="<View><KeyPointLabels>"), "label_config"),
    "not interactive": (replies(backend={"is_interactive": False}), "interactive preannotations"),
    "disconnected": (replies(backend={"readable_state": "Disconnected"}), "Disconnected"),
    "no image in the task": (
        replies(**{"/api/tasks": {"tasks": [{"id": 3, "data": {}}]}}),
        "tasks[0].data.image",
    ),
    "host not allowed": (
        replies(**{"/api/tasks": {"tasks": [{"id": 3, "data": {"image": "http://example.org/a.png"}}]}}),
        "CLICK99_ALLOWED_HOSTS",
    ),
}


@pytest.mark.parametrize(("said", "named"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_problem_is_named(
    doctor: Doctor, label_studio: Callable[[Replies], str], said: Replies, named: str
):
    code, shown = doctor(label_studio(said))
    assert code == 1
    assert named in next(line for line in shown.splitlines() if "✗" in line)


NOTES: dict[str, tuple[Replies, str]] = {
    "another kind of project": (replies(label_config="<View/>", **{"/api/ml": []}), "not for masks"),
    "no backend yet": (replies(**{"/api/ml": []}), "Settings → Model"),
    "no tasks yet": (replies(**{"/api/tasks": {"tasks": []}}), "no tasks yet"),
    "a key before each click": (replies(), "KeyPointLabels: a key before each click. <KeyPoint name"),
    "polygons that exports lose": (
        replies(label_config=CLICKABLE.replace("BrushLabels", "PolygonLabels")),
        "YOLO exports without polygons. <KeyPoint name",
    ),
    "no projects yet": (replies(**{"/api/projects": {"count": 0, "results": []}}), "ann@example.com"),
}


def test_clicks_without_labels_need_no_advice(doctor: Doctor, label_studio: Callable[[Replies], str]):
    code, shown = doctor(label_studio(replies(label_config=WITHOUT_LABELS)))
    assert code == 0, shown
    assert "KeyPoint" not in shown


@pytest.mark.parametrize(("said", "named"), NOTES.values(), ids=NOTES.keys())
def test_what_is_not_there_yet_is_no_problem(
    doctor: Doctor, label_studio: Callable[[Replies], str], said: Replies, named: str
):
    code, shown = doctor(label_studio(said))
    assert code == 0, shown
    assert named in shown


@pytest.mark.parametrize(("key", "named"), [("0" * 40, "refuses"), ("", "not set")])
def test_the_api_key(doctor: Doctor, label_studio: Callable[[Replies], str], key: str, named: str):
    code, shown = doctor(label_studio(replies()), key=key)
    assert code == 1
    assert "LABEL_STUDIO_API_KEY" in shown
    assert named in shown


def test_label_studio_out_of_reach(doctor: Doctor):
    code, shown = doctor("http://127.0.0.1:1")
    assert code == 1
    assert "http://127.0.0.1:1" in shown


def test_every_page_of_projects_is_seen(doctor: Doctor, label_studio: Callable[[Replies], str]):
    project = {"id": 7, "title": "cells", "label_config": CLICKABLE}
    said = replies(**{"/api/projects": {"count": 3, "results": [project]}})
    code, shown = doctor(label_studio(said))
    assert code == 0
    assert shown.count("clicks go to") == 3


def test_a_home_that_cannot_be(doctor: Doctor, tmp_path: Path):
    (tmp_path / "file").touch()
    code, shown = doctor(home=tmp_path / "file" / "home")
    assert code == 1
    assert "CLICK99_HOME" in shown


def test_a_home_that_is_not_there_is_not_made(doctor: Doctor, tmp_path: Path):
    code, shown = doctor(home=tmp_path / "typo" / "home")
    assert code == 0
    assert "is not there yet" in shown
    assert not (tmp_path / "typo").exists()


@pytest.mark.slow("waits for a Redis")
def test_a_redis_that_answers_and_one_that_does_not(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with RedisServer(tmp_path) as redis:
        monkeypatch.setenv("CLICK99_REDIS_URL", redis.url)
        code, shown = doctor()
        assert code == 0
        assert "shared by 1 workers" in shown
        assert "no bound" in shown
        redis.client.config_set("maxmemory", "100mb")
        assert "once full it takes nothing new" in doctor()[1]
        redis.client.config_set("maxmemory-policy", "allkeys-lru")
        assert "maxmemory" not in doctor()[1]
    code, shown = doctor()
    assert code == 1
    assert "CLICK99_REDIS_URL" in shown
    assert "Start Redis, or correct the address" in shown


def test_a_postgresql_without_its_driver_is_a_row_among_the_others(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setenv("CLICK99_DATABASE_URL", "postgresql://localhost/click99")
    code, shown = doctor()
    assert code == 1
    assert 'psycopg is not installed: pip install ".[postgresql]"' in shown
    assert "discs-1" in shown


@pytest.mark.parametrize("kind", ["BitmaskLabels", "PolygonLabels"])
def test_other_outputs_are_as_good_as_a_brush(
    doctor: Doctor, label_studio: Callable[[Replies], str], kind: str
):
    code, shown = doctor(label_studio(replies(label_config=CLICKABLE.replace("BrushLabels", kind))))
    assert code == 0
    assert "✗" not in shown


def test_a_smart_box_with_a_label_of_its_own_is_named(doctor: Doctor, label_studio: Callable[[Replies], str]):
    box = '<RectangleLabels name="box" toName="image" smart="true"><Label value="odd"/></RectangleLabels>'
    code, shown = doctor(label_studio(replies(label_config=CLICKABLE.replace("</View>", f"{box}</View>"))))
    assert code == 1
    assert "no label 'odd'" in shown


def test_the_record_is_counted(doctor: Doctor, tmp_path: Path):
    with Database(sqlite_url(tmp_path)).writing() as session:
        keep_event(session, saved(brush_item()), NOON)
        keep_event(session, b"nothing readable", NOON)
    code, shown = doctor()
    assert code == 0
    assert "0 clicks, 1 annotations in sqlite:///" in shown
    assert "1 events are kept but could not be read" in shown


@pytest.mark.slow("upgrades databases")
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER TABLE clicks DROP COLUMN label", "it lacks clicks.label. Run click99 db upgrade"),
        ("UPDATE alembic_version SET version_num = '2099'", "schema 2099 is a newer click99's"),
    ],
)
def test_a_schema_that_is_not_the_needed_one_is_a_problem(
    doctor: Doctor, tmp_path: Path, statement: str, told: str
):
    database = Database(sqlite_url(tmp_path))
    database.prepare()
    with database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    for _ in ("it is looked at", "which changes nothing"):
        code, shown = doctor()
        assert code == 1
        assert told in next(line for line in shown.splitlines() if "✗" in line)


def test_what_the_record_cannot_hold_is_a_problem(doctor: Doctor, tmp_path: Path):
    DeadLetters.at(tmp_path).keep("click", "a reason", {})
    code, shown = doctor()
    assert code == 1
    found = next(line for line in shown.splitlines() if "✗" in line)
    assert "1 clicks and events can't be recorded" in found
    assert str(tmp_path / "set-aside") in found


def test_a_record_that_takes_nothing_is_a_problem(doctor: Doctor, tmp_path: Path):
    (tmp_path / "click99.db").write_text("no database, and longer than the header of one would be" * 10)
    code, shown = doctor()
    assert code == 1
    assert "not a database" in next(line for line in shown.splitlines() if "✗" in line)


def test_a_certificate_that_is_not_trusted_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        reason = (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1)"
        )
        raise requests.exceptions.SSLError(reason)

    monkeypatch.setattr(requests.Session, "request", refuse)
    code, shown = doctor("https://label.studio")
    assert code == 1
    assert "the certificate of https://label.studio is not trusted (self-signed certificate)" in shown
    assert "Set REQUESTS_CA_BUNDLE" in shown
