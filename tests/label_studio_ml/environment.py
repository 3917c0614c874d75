"""label-studio-ml 1.0.9 from PyPI in an environment of its own, since it pins Flask 1.1 and shadows attrs."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-label-studio-ml"  # kept: building it takes ten seconds and the package registry
PACKAGES = ["label-studio-ml==1.0.9", "redis", "rq"]  # 1.0.9 imports the last two without asking for them


def build() -> Path:
    """Its bin folder. click99 and what it needs come from the environment that runs the tests."""
    with FileLock(f"{ENVIRONMENT}.lock"):  # other workers want it, too
        if not (ENVIRONMENT / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
            subprocess.run([ENVIRONMENT / "bin/pip", "install", "--quiet", *PACKAGES], check=True)
            (ENVIRONMENT / "ready").touch()
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        ours = [str(ROOT / "backend"), str(ROOT / "training")]
        borrowed = "\n".join([*ours, *site.getsitepackages()])  # after its own: its pins win
        (ENVIRONMENT / "lib" / version / "site-packages/borrowed.pth").write_text(borrowed)
    return ENVIRONMENT / "bin"


def with_path(environment: Path) -> dict[str, str]:
    """`label-studio-ml start` runs whatever `python` comes first."""
    return os.environ | {"PATH": f"{environment}:{os.environ['PATH']}"}
