"""`pip install .` installs all that the commands need, away from the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ["backend", "training", "label_config", "pyproject.toml", "README.md", "LICENSE"]
USE = """
from importlib.resources import files
from click99.segmentation.checkpoint import SHIPPED
assert SHIPPED.is_file(), SHIPPED
assert "KeyPointLabels" in files("click99.label_config").joinpath("brush.xml").read_text()
import click99.cli, click99_training
from click99_training.base import open_base
assert len(open_base(None).gate) >= 30
from click99_training.report import published
assert published.read("systems") and files("click99_training.report").joinpath("page.html").is_file()
print(click99.cli.__file__)
"""


def test_a_wheel_holds_what_the_commands_need(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()  # a copy: building in the repository leaves files there
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True)
    environment = os.environ | {"PYTHONPATH": str(target)}
    command = [sys.executable, "-P", "-c", USE]
    used = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert used.stdout.startswith(str(target))
