"""label-studio-ml 1.0.9 from PyPI in an environment of its own, since it pins Flask 1.1 and shadows attrs."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-label-studio-ml"  # kept: building it takes ten seconds and the package registry
PACKAGES = ["label-studio-ml==1.0.9", "redis", "rq"]  # 1.0.9 imports the last two without asking for them


@pytest.fixture(scope="session")
def environment() -> Path:
    """Its bin folder. click99 and what it needs come from the environment that runs the tests."""
    ready = ENVIRONMENT / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        subprocess.run([ENVIRONMENT / "bin/pip", "install", "--quiet", *PACKAGES], check=True)
        ready.touch()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours = [str(ROOT / "backend"), str(ROOT / "training")]
    borrowed = "\n".join([*ours, *site.getsitepackages()])  # after its own: its pins win
    (ENVIRONMENT / "lib" / version / "site-packages/borrowed.pth").write_text(borrowed)
    return ENVIRONMENT / "bin"


@pytest.fixture(scope="session")
def project(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `label-studio-ml init` makes, by the commands in backend/click99/label_studio_ml.py."""
    folder = tmp_path_factory.mktemp("label-studio-ml")
    (folder / "model.py").write_text("from click99.label_studio_ml import Click99\n")
    command = [environment / "label-studio-ml", "init", "click99-backend", "--script", "model.py:Click99"]
    subprocess.run(command, cwd=folder, check=True, env=with_path(environment))
    return folder / "click99-backend"


def with_path(environment: Path) -> dict[str, str]:
    """`label-studio-ml start` runs whatever `python` comes first."""
    return os.environ | {"PATH": f"{environment}:{os.environ['PATH']}"}
