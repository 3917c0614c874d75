"""label-studio-ml's environment, and a project in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.label_studio_ml.environment import build, with_path


@pytest.fixture(scope="session")
def environment() -> Path:
    """Its bin folder."""
    return build()


@pytest.fixture(scope="session")
def project(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `label-studio-ml init` makes, by the commands in backend/click99/label_studio_ml.py."""
    folder = tmp_path_factory.mktemp("label-studio-ml")
    (folder / "model.py").write_text("from click99.label_studio_ml import Click99\n")
    command = [environment / "label-studio-ml", "init", "click99-backend", "--script", "model.py:Click99"]
    subprocess.run(command, cwd=folder, check=True, env=with_path(environment))
    return folder / "click99-backend"
