"""A running demo, shared by the module's tests, and a folder for what was seen."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.e2e.running_demo import LABEL_STUDIO, ROOT, RunningDemo

collect_ignore = [] if find_spec("playwright") else ["test_first_mask.py"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
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
