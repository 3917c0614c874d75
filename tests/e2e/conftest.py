"""A Label Studio for each process of the run, a click99 that tests may restart, a folder for screenshots."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running_demo import ROOT, RunningDemo, running_demo, with_empty_database
from tests.e2e.workplace import Click99, Project, Workplace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.e2e.labelling_page import LabellingPage

# The longest tests: each process is to begin with one.
LONGEST = ("test_learning.py", "test_memory.py", "test_walk.py", "test_stop.py")

has_browser = find_spec("playwright") is not None
collect_ignore_glob = [] if has_browser else ["test_*.py"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """xdist's worksteal gives each process an equal run of the list, of which others take the end later."""
    longest = [each for name in LONGEST for each in items if each.path.name == name]
    others, ordered = iter([each for each in items if each not in longest]), list[pytest.Item]()
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    for k in range(workers):
        size, first = (len(items) - len(ordered)) // (workers - k), longest[k::workers]
        ordered += first + list(islice(others, max(size - len(first), 0)))
    items[:] = ordered


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Shared by the tests of a process, since Label Studio starts slowly."""
    with running_demo(with_empty_database(tmp_path_factory.mktemp("demo"))) as running:
        yield running


@pytest.fixture(scope="session")
def screenshots() -> Path:
    folder = ROOT / "artifacts" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
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
