"""One Label Studio for the whole run, a click99 that tests may restart, and a folder for what was seen."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running_demo import LABEL_STUDIO, ROOT, RunningDemo
from tests.e2e.workplace import Click99, Project, Workplace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.e2e.labelling_page import LabellingPage

has_browser = find_spec("playwright") is not None
collect_ignore_glob = [] if has_browser else ["test_*.py"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Shared by all tests: the first start of Label Studio takes minutes."""
    if not LABEL_STUDIO.exists():
        pytest.skip("needs Label Studio in .venv-label-studio: run `make e2e`")
    if not shutil.which("chromium"):
        pytest.skip("needs Chromium: run `make e2e`")
    running = RunningDemo.start(tmp_path_factory.mktemp("demo"))
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


@pytest.fixture(scope="session")
def screenshots() -> Path:
    folder = ROOT / "artifacts" / "e2e"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def click99(demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Click99]:
    """A server beside the demo's, which tests may stop, freeze and start again."""
    with Click99(demo, tmp_path_factory.mktemp("click99")) as server:
        yield server


@pytest.fixture(scope="session")
def workplace(demo: RunningDemo, click99: Click99) -> Workplace:
    return Workplace(demo, click99)


@pytest.fixture(scope="session")
def project(workplace: Workplace) -> Project:
    return workplace.project("state")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from tests.e2e.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def log_in(demo: RunningDemo, browser: Browser, screenshots: Path) -> Iterator[Callable[..., LabellingPage]]:
    """A page with cookies of its own: of the demo's account, or of one that is made for `email`."""
    from tests.e2e.browser import new_page
    from tests.e2e.labelling_page import LabellingPage

    with ExitStack() as pages:

        def log_in(email: str | None = None) -> LabellingPage:
            studio = LabellingPage(pages.enter_context(new_page(browser)), demo.address, screenshots)
            if email:
                studio.sign_up(email, "a-long-password-7")
            else:
                studio.log_in(demo.email, demo.password)
            return studio

        yield log_in


@pytest.fixture(scope="session")
def ann(log_in: Callable[..., LabellingPage]) -> LabellingPage:
    """The demo's account, logged in."""
    return log_in()


@pytest.fixture
def studio(ann: LabellingPage) -> Iterator[LabellingPage]:
    """The same annotator at the next task, with Auto-Annotation on and Auto-Accept off."""
    ann.auto_accept(False)
    yield ann
    assert ann.errors == []
