"""Label Studio under a prefix of a public name, behind a proxy: click99 reaches it by another address."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from click99.demo.label_studio import Account, label_studio_environment
from click99.demo.pictures import pictures
from click99.demo.programs import HOST, Program, free_port
from click99.demo.project import connect
from click99.labelstudio.client import Client
from tests.e2e.browser import new_page
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import LABEL_STUDIO, PATIENCE, RunningDemo
from tests.e2e.workplace import BRUSH, COFFEE, Click99, mask_of, synchronise

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
PREFIX = "/sub"
HOP = {"connection", "content-encoding", "content-length", "transfer-encoding"}


@contextmanager
def proxy(target: str) -> Iterator[str]:
    """A public name for Label Studio: what is below PREFIX is its own, as of nginx's proxy_pass."""

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            url = target + self.path.removeprefix(PREFIX)
            reply = requests.request(
                self.command, url, headers=dict(self.headers), data=body, allow_redirects=False, timeout=120
            )
            self.send_response(reply.status_code)
            for name, value in reply.raw.headers.items():  # several cookies stay several
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler.forward)
    server = ThreadingHTTPServer((HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HOST}:{server.server_port}{PREFIX}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def named(demo: RunningDemo, tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """A Label Studio of its own: its name, its address, and the folder of its local files."""
    data, files, port = tmp_path / "label-studio", tmp_path / "files", free_port(0)
    shutil.copytree(demo.folder / "label-studio", data)
    (files / "cups").mkdir(parents=True)
    (files / "cups" / "a cup.png").write_bytes(pictures()[0].read_bytes())
    command = [str(LABEL_STUDIO), "start", "--no-browser", "--internal-host", HOST, "--port", str(port)]
    with proxy(f"http://{HOST}:{port}") as name:
        told = {
            "LABEL_STUDIO_HOST": name,
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(files),
        }
        environment = label_studio_environment(account(demo), data) | PATIENCE | told
        with Program("Label Studio", command, port, tmp_path / "label-studio.log", environment) as program:
            program.wait_until_up(300)
            yield name, program.url, files


def account(demo: RunningDemo) -> Account:
    return Account(**json.loads((demo.folder / "login.json").read_text()))


def tasks_of(client: Client, backend: str, files: Path) -> list[dict[str, Any]]:
    """One with an upload, one with a local file, in a new project."""
    made = client.call("POST", "/api/projects", json={"title": "another name", "label_config": BRUSH})
    project = made["id"]
    connect(client, project, backend)
    upload = {"cup.png": ("cup.png", pictures()[0].read_bytes())}
    client.call("POST", f"/api/projects/{project}/import", files=upload)
    local = {"project": project, "path": str(files / "cups"), "use_blob_urls": True}
    synchronise(client, "localfiles", client.call("POST", "/api/storages/localfiles", json=local)["id"])
    return list(client.tasks(project, 100))


def test_clicks_where_tasks_hold_the_public_name(
    demo: RunningDemo, named: tuple[str, str, Path], browser: Browser, tmp_path: Path, screenshots: Path
) -> None:
    name, address, files = named
    with ExitStack() as stack:
        server = Click99(demo, tmp_path / "click99")
        server.home.mkdir()
        server.environment["LABEL_STUDIO_URL"] = address
        stack.enter_context(server)
        tasks = tasks_of(Client(address, account(demo).token, timeout=120), server.url, files)
        addresses = [task["data"]["image"] for task in tasks]
        for where in (f"{PREFIX}/data/upload/", f"{name}/data/local-files/"):
            assert any(each.startswith(where) for each in addresses)
        page = LabellingPage(stack.enter_context(new_page(browser)), name, screenshots)
        page.log_in(demo.email, demo.password)
        page.auto_accept(False)
        for task in tasks:
            page.work_on(task["project"], task["id"])
            (region,) = page.click(COFFEE).regions
            assert mask_of(region)[COFFEE.y, COFFEE.x]
