"""Every test that docs/explanation/faults.md names is there, and every test of tests/server/test_faults.py is
named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.findall(
    r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/explanation/faults.md").read_text(encoding="utf-8")
)


def named_in(file: str) -> set[str]:
    functions = ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    return {node.name for node in functions if isinstance(node, ast.FunctionDef) and node.name[:4] == "test"}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_the_page_names_is_a_test(file: str, name: str):
    assert name in named_in(file)


def test_each_fault_that_is_caused_is_on_the_page():
    caused = "tests/server/test_faults.py"
    assert named_in(caused) == {name for file, name in NAMED if file == caused}
