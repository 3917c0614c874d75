"""Commands of the documentation that a named test runs: it does."""

from __future__ import annotations

import argparse
import ast
import importlib
import itertools
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import NoReturn

import pytest

from tests.docs_pages import ALL, ELSEWHERE, NOT_RUN, PAGES, ROOT, RUN_ELSEWHERE


@pytest.mark.parametrize("command", RUN_ELSEWHERE)
def test_the_named_test_runs_the_command(command: str) -> None:
    said = strings(RUN_ELSEWHERE[command])
    if command.startswith("make") and "make" not in said:
        command = recipe(command.split()[1])
    assert essence(command) <= said


@pytest.mark.parametrize("command", NOT_RUN)
def test_the_named_test_reads_the_file(command: str) -> None:
    file = Path(re.findall(r"--file (\S+)", command)[0])
    assert (ROOT / file).is_file()
    assert any(fnmatch(file.name, word) for word in strings(NOT_RUN[command]))


def recipe(target: str) -> str:
    """The command that `make` runs for it."""
    (found,) = re.findall(rf"^{target}:.*\n\t@?(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return found


def essence(command: str) -> set[str]:
    """Its program, unless that is ours, its subcommand, and its options without their values."""
    program, *rest = shlex.split(re.sub(r".*click99(\.cli)? ", "click99 ", command))
    names = itertools.takewhile(lambda word: not word.startswith("-"), rest)
    options = re.findall(r"--[a-z-]+", command)
    told = {*options, *(name for name in names if name.islower())}
    return told if program == "click99" else told | {program}


def strings(where: str) -> set[str]:
    """The words in the strings of "file::test", with what it uses of its own file; all words of a "file"."""
    path, _, test = where.partition("::")
    text = (ROOT / path).read_text()
    if test:
        text = " ".join(constant for node in used(ast.parse(text), test) for constant in constants(node))
    return set(re.findall(r"[^\s'\"=/;|]+", text))


def used(module: ast.Module, name: str) -> list[ast.stmt]:
    """What is defined under that name, and whatever of the module that uses: helpers, fixtures, values."""
    defined = {each: node for node in module.body for each in names_of(node)}
    found, asked = dict[str, ast.stmt](), [name]
    while asked:
        if (name := asked.pop()) in defined and name not in found:
            found[name] = defined[name]
            inside = [*ast.walk(defined[name])]
            asked += [each.id for each in inside if isinstance(each, ast.Name)]
            asked += [each.arg for each in inside if isinstance(each, ast.arg)]
    assert found, f"there is no {name}"
    return [*found.values()]


def names_of(node: ast.stmt) -> list[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        each.id for target in targets if target for each in ast.walk(target) if isinstance(each, ast.Name)
    ]


def constants(node: ast.stmt) -> list[str]:
    """The strings in it, but its docstrings."""
    prose = {each.value for each in ast.walk(node) if isinstance(each, ast.Expr)}
    found = [each for each in ast.walk(node) if isinstance(each, ast.Constant) and each not in prose]
    return [each.value for each in found if isinstance(each.value, str)]


def test_the_documentation_has_every_command_that_is_run_elsewhere() -> None:
    assert ELSEWHERE <= ALL


MEASURED = re.findall(
    r"python -m (tests\.benchmarks\.\w+)([^`\n]*)", "\n".join(page.read_text() for page in PAGES)
)


@pytest.mark.slow("imports every benchmark")
@pytest.mark.parametrize(("module", "options"), sorted({*MEASURED}))
def test_a_benchmark_takes_what_the_docs_give_it(
    module: str, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is run, since each takes minutes: reading its options is where this ends."""
    parse = argparse.ArgumentParser.parse_args

    def read(self: argparse.ArgumentParser) -> NoReturn:
        parse(self)
        raise ReadError

    monkeypatch.setattr("sys.argv", [module, *shlex.split(options)])
    monkeypatch.setattr("argparse.ArgumentParser.parse_args", read)
    with pytest.raises(ReadError):
        importlib.import_module(module).main()


class ReadError(Exception):
    """The options were read, and fit."""
