"""`make docs`: no warning, every page in the contents, and a search that finds what pages say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_pages import ROOT


@pytest.mark.slow("builds the site")
def test_the_site_builds_without_warnings_and_can_be_searched(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    found = {
        entry["location"] for entry in json.loads((tmp_path / "search/search_index.json").read_text())["docs"]
    }
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    named = {"index.html" if page.name == "README.html" else page.as_posix() for page in pages}
    assert named | {"tutorials/python.html"} <= found
    assert (tmp_path / "source/label_config/brush.xml").is_file(), "what pages link to outside of docs"
