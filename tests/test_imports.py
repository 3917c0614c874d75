"""The house's one-way rule: who may import whom, read from the code itself."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

SOURCES = (ROOT / "backend", ROOT / "training")
OURS = ("click99", "click99_training", "tests")

# Parts of what is asked for: of FastAPI, Pydantic, Jinja, s3fs, and of what may start click99 in its place.
COME_ALONG = {"starlette", "pydantic_core", "markupsafe", "botocore", "label_studio_ml", "flask"}

EVERYWHERE = {"click99.__version__", "click99.budget", "click99.files", "click99.progress", "click99.stages"}

# Room -> the rooms of ours that it may import besides itself. `click99.cli` starts everything.
MAY_IMPORT = {
    "click99.budget": set(),
    "click99.files": set(),
    "click99.progress": set(),
    "click99.stages": set(),
    "click99.segmentation": set(),
    "click99.labelstudio": {"click99.segmentation"},
    "click99.sessions": {"click99.labelstudio", "click99.segmentation"},
    "click99.annotations": {"click99.labelstudio", "click99.segmentation"},
    "click99.memory": {
        "click99.annotations",
        "click99.labelstudio",
        "click99.segmentation",
        "click99.sessions",
    },
    "click99.registry": {"click99.segmentation"},
    "click99.drawing": {"click99.segmentation"},
    "click99.dashboard": {
        "click99.annotations",
        "click99.drawing",
        "click99.labelstudio",
        "click99.registry",
        "click99.segmentation",
    },
    "click99.mattes": {"click99.segmentation"},
    "click99.headless": {
        "click99.export",
        "click99.labelstudio",
        "click99.mattes",
        "click99.preannotate",
        "click99.python",
        "click99.segmentation",
    },
    "click99.try_page": {"click99.mattes", "click99.labelstudio", "click99.segmentation", "click99.sessions"},
    "click99.server": {
        "click99.annotations",
        "click99.dashboard",
        "click99.extras",
        "click99.labelstudio",
        "click99.memory",
        "click99.preannotate",
        "click99.registry",
        "click99.sessions",
        "click99.segmentation",
        "click99.try_page",
    },
    "click99.preannotate": {"click99.labelstudio", "click99.sessions"},
    "click99.export": {"click99.annotations", "click99.labelstudio"},
    "click99.connect": {"click99.labelstudio"},
    "click99.demo": {"click99.labelstudio"},
    "click99.extras": set(),
    "click99.python": {"click99.labelstudio", "click99.segmentation", "click99.sessions"},
    "click99.label_studio_ml": {"click99.labelstudio", "click99.server"},
    "click99.commands": {
        "click99.annotations",
        "click99.connect",
        "click99.dashboard",
        "click99.export",
        "click99.labelstudio",
        "click99.memory",
        "click99.preannotate",
        "click99.registry",
        "click99.segmentation",
        "click99.server",
        "click99.sessions",
        "click99_training.learning",
        "click99_training.loop",
    },
    "click99.cli": {
        "click99.commands",
        "click99.demo",
        "click99.extras",
        "click99.headless",
        "click99.labelstudio",
        "click99.memory",
        "click99.registry",
        "click99.segmentation",
        "click99_training.cli",
        "click99_training.loop",
    },
    "click99_training.recipes": set(),
    "click99_training.datasets": {"click99.labelstudio", "click99.segmentation", "click99_training.recipes"},
    "click99_training.base": {
        "click99_training.datasets",
        "click99_training.recipes",
        "click99.segmentation",
    },
    "click99_training.evaluation": {"click99.segmentation", "click99_training.datasets"},
    "click99_training.loop": {
        "click99.segmentation",
        "click99_training.datasets",
        "click99_training.evaluation",
        "click99_training.recipes",
    },
    "click99_training.report": {
        "click99.drawing",
        "click99.segmentation",
        "click99_training.datasets",
        "click99_training.evaluation",
    },
    "click99_training.learning": {
        "click99.annotations",
        "click99.dashboard",
        "click99.drawing",
        "click99.labelstudio",
        "click99.registry",
        "click99.segmentation",
        "click99_training.base",
        "click99_training.datasets",
        "click99_training.evaluation",
        "click99_training.loop",
        "click99_training.recipes",
    },
    "click99_training.cli": {
        "click99.segmentation",
        "click99_training.datasets",
        "click99_training.evaluation",
        "click99_training.learning",
        "click99_training.loop",
        "click99_training.report",
    },
}


def room_of(module: str) -> str:
    """click99.sessions.stores -> click99.sessions"""
    return ".".join(module.split(".")[:2])


def module_of(file: Path) -> str:
    top = next(source for source in SOURCES if file.is_relative_to(source))
    return ".".join(file.relative_to(top).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of all that `file` imports, inside functions too, relative names made absolute."""
    package = module_of(file).split(".")[: None if file.name == "__init__.py" else -1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{module}.{name.name}") for name in node.names)


def ours() -> list[Path]:
    return sorted(file for top in SOURCES for file in top.rglob("*.py"))


@pytest.mark.parametrize("file", ours(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_follow_the_arrows(file: Path) -> None:
    room = room_of(module_of(file))
    if "." not in room:  # click99/__init__.py stands above the rooms, and shows one of them
        allowed = {"click99", "click99.python"}
    else:
        assert room in MAY_IMPORT, f"say in MAY_IMPORT what {room} may import"
        allowed = MAY_IMPORT[room] | EVERYWHERE | {room}
    wrong = [
        f"line {line}: {module}"
        for line, module in imports(file)
        if module.split(".")[0] in OURS and room_of(module) not in allowed
    ]
    assert not wrong, f"{room} may not import " + ", ".join(wrong)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_each_arrow_is_used(room: str) -> None:
    files = [file for file in ours() if room_of(module_of(file)) == room]
    assert files, f"{room} is no room"
    idle = MAY_IMPORT[room] - {room_of(module) for file in files for _, module in imports(file)}
    assert not idle, f"nothing in {room} imports {', '.join(idle)}: take the arrow away"


def test_the_arrows_have_no_circle() -> None:
    def reach(room: str, path: tuple[str, ...] = ()) -> None:
        assert room not in path, " → ".join((*path, room))
        for other in MAY_IMPORT[room]:
            reach(other, (*path, room))

    for room in MAY_IMPORT:
        reach(room)


@pytest.mark.parametrize("room", ["labelstudio", "annotations"])
def test_the_wire_and_the_record_know_clicks_but_no_network(room: str) -> None:
    files = [file for file in ours() if room_of(module_of(file)) == f"click99.{room}"]
    clicks = ROOT / "backend" / "click99" / "segmentation" / "clicks.py"
    modules = {module for file in files for _, module in imports(file)}
    assert {m for m in modules if m.startswith("click99.segmentation.")} == {
        "click99.segmentation.clicks.Click"
    }
    assert not {module for _, module in imports(clicks) if module.split(".")[0] in ("torch", *OURS)}


def test_what_tests_share_stands_in_no_test() -> None:
    """Nor in a conftest.py: who looks for it finds a module that is named after it."""
    for file in (ROOT / "tests").rglob("*.py"):
        nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
        parts = {part for node in nodes for part in (node.module or "").split(".")}
        assert not [part for part in parts if part == "conftest" or part.startswith("test_")], file


def test_what_is_imported_is_asked_for() -> None:
    """By its name in pyproject.toml: nothing is there only because another library wants it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [asked for name, asked in project["optional-dependencies"].items() if name != "dev"]
    asked = {canonicalize_name(Requirement(each).name) for each in chain(project["dependencies"], *extras)}
    libraries = {module.split(".")[0] for file in ours() for _, module in imports(file)}
    libraries -= {*OURS, *sys.stdlib_module_names, *COME_ALONG}
    makers = packages_distributions()
    assert {each for each in libraries if asked.isdisjoint(map(canonicalize_name, makers[each]))} == set()


def test_torchvision_is_never_imported() -> None:
    """It is no dependency, and its versions fit only one torch each."""
    modules = {module.split(".")[0] for file in ours() for _, module in imports(file)}
    assert "torchvision" not in modules


def test_relative_and_nested_imports_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_imports.SOURCES", (tmp_path,))
    file = tmp_path / "click99" / "sessions" / "stores.py"
    file.parent.mkdir(parents=True)
    file.write_text("def f():\n    from ..server import app\n    import click99.demo.command\n")
    assert list(imports(file)) == [(2, "click99.server.app"), (3, "click99.demo.command")]
