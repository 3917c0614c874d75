"""The release procedure of CONTRIBUTING.md, in a clone."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PERSON = {
    f"GIT_{who}_{what}": "ann@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Its origin is a bare copy, so that a push goes nowhere else."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the repository: this is a copy without .git")
    git(tmp_path, "clone", "-q", "--bare", str(ROOT), "origin")
    git(tmp_path, "clone", "-q", "origin", "work")
    return tmp_path / "work"


def git(folder: Path, *words: str) -> str:
    return run(folder, "git", *words).stdout


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, check=True, capture_output=True, text=True, env=os.environ | PERSON
    )


@pytest.mark.slow("runs make")
def test_make_release_tags_a_version_that_every_file_names(clone: Path):
    run(clone, "make", "release", "VERSION=9.8.7")
    assert git(clone, "describe").strip() == "v9.8.7"
    assert '__version__ = "9.8.7"' in git(clone, "show", "v9.8.7:backend/click99/__init__.py")
    assert "\nversion: 9.8.7\n" in git(clone, "show", "v9.8.7:CITATION.cff")
    chart = git(clone, "show", "v9.8.7:docker/helm/Chart.yaml")
    assert re.findall("ersion: (9.8.7)$", chart, re.MULTILINE) == ["9.8.7"] * 2
    changes = git(clone, "show", "v9.8.7:CHANGELOG.md")
    assert changes.index("## [Unreleased]\n\n## [9.8.7] - ") < changes.index("## [0.1.0]")
    assert git(clone, "status", "--porcelain") == ""
    run(clone, "git", "push", "-q", "--follow-tags")
    assert "refs/tags/v9.8.7" in git(clone, "ls-remote", "origin")


@pytest.mark.slow("runs make")
def test_a_version_that_is_none_is_refused(clone: Path):
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run(clone, "make", "release", "VERSION=next")
    assert "make release VERSION=0.2.0" in refused.value.stdout
    assert git(clone, "tag", "--list", "vnext") == ""
