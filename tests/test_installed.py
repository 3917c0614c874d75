"""What is built and installed is whole, away from the repository, and brings no name but ours."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

import click99

pytestmark = pytest.mark.slow("builds and installs")
ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "label_config").glob("*.*"))
SOURCES = ["backend", "training", "label_config", "pyproject.toml", "README.md", "LICENSE", "Makefile"]
USE = """
from importlib.metadata import version
from importlib.resources import files
import click99, click99_training, click99.cli
from click99.segmentation.checkpoint import SHIPPED, shipped
from click99_training.base import open_base
from click99_training.report import published
assert shipped() == SHIPPED
for config in ("brush", "bitmask", "polygon", "box"):
    assert "<View>" in files("click99.label_config").joinpath(f"{config}.xml").read_text()
assert len(open_base(None).gate) >= 30
assert published.read("systems") and files("click99_training.report").joinpath("page.html").is_file()
assert all(files(package).joinpath("py.typed").is_file() for package in (click99, click99_training))
assert click99.__version__ == version("click99")
print(click99.cli.__file__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    ended = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with an sdist, and the wheel that was built from it."""
    source = tmp_path_factory.mktemp("source")  # a copy: building in the repository leaves files there
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, symlinks=True)
        else:
            shutil.copy(ROOT / name, source / name)
    here = Path(sys.executable).parent
    run("make", "--old-file", ".venv/dev.installed", f"BIN={here}", "dist", cwd=source)
    return source / "dist"


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    (wheel,) = built.glob("*.whl")
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel, cwd=folder)
    return folder


def site_packages(environment: Path) -> Path:
    (folder,) = environment.glob("lib/python*/site-packages")
    return folder


def ours(files: Sequence[Path], package: str) -> set[Path]:
    """What of `files` is in one of our packages, from there on, without caches."""
    kept = [file for file in files if package in file.parts and "__pycache__" not in file.parts]
    return {Path(*file.parts[file.parts.index(package) :]) for file in kept}


def test_no_name_but_ours_lands_in_site_packages(installed: Path) -> None:
    names = {entry.name for entry in site_packages(installed).iterdir()}
    assert names == {"click99", "click99_training", f"click99-{click99.__version__}.dist-info"}


@pytest.mark.parametrize("package", ["click99", "click99_training"])
def test_every_file_comes_along_and_none_is_a_link(built: Path, installed: Path, package: str) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert all(member.isfile() or member.isdir() for member in members)
    tracked = run("git", "ls-files", "backend", "training", cwd=ROOT).splitlines()
    files = [*map(Path, tracked), *(Path("click99") / file.relative_to(ROOT) for file in CONFIGS)]
    expected = {file for file in ours(files, package) if file != Path("click99/label_config")}
    assert expected <= ours([Path(member.name) for member in members], package)
    assert expected <= ours(list(site_packages(installed).rglob("*")), package)
    assert not any(file.is_symlink() for file in site_packages(installed).rglob("*"))


def test_what_is_installed_works_away_from_the_repository(installed: Path, tmp_path: Path) -> None:
    borrowed = [path for path in sys.path if path.endswith("site-packages")]  # torch and the like
    (site_packages(installed) / "borrowed.pth").write_text("\n".join(borrowed))
    try:
        used = run(installed / "bin" / "python", "-P", "-c", USE, cwd=tmp_path)
        said = run(installed / "bin" / "click99", "--version", cwd=tmp_path)
    finally:
        (site_packages(installed) / "borrowed.pth").unlink()
    assert used.startswith(str(site_packages(installed)))
    assert said == f"click99 {click99.__version__}\n"


def test_the_version_is_the_distribution_s_and_the_tag_s() -> None:
    assert version("click99") == click99.__version__, "run: pip install --editable ."
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", click99.__version__)
    git = ["git", "tag", "--points-at", "HEAD", "--list", "v*"]
    tags = subprocess.run(git, cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert not tags or f"v{click99.__version__}" in tags
