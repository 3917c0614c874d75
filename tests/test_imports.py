"""The house's one-way rule: who may import whom, read from the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Package -> the packages of ours that it may import besides itself. `backend.cli` starts everything.
MAY_IMPORT = {
    "backend.segmentation": set(),
    "backend.labelstudio": set(),
    "backend.sessions": {"backend.segmentation"},
    "backend.annotations": {"backend.labelstudio"},
    "backend.registry": {"backend.segmentation"},
    "backend.server": {
        "backend.annotations",
        "backend.labelstudio",
        "backend.registry",
        "backend.sessions",
        "backend.segmentation",
    },
    "backend.demo": {"backend.labelstudio"},
    "backend.label_studio_ml": {"backend.labelstudio", "backend.server"},
    "backend.cli": {
        "backend.annotations",
        "backend.demo",
        "backend.labelstudio",
        "backend.registry",
        "backend.segmentation",
        "backend.server",
        "training",
    },
    "training": {"backend.annotations", "backend.labelstudio", "backend.registry", "backend.segmentation"},
}


def package_of(module: str) -> str:
    """backend.sessions.stores -> backend.sessions; training.losses -> training."""
    parts = module.split(".")
    return parts[0] if parts[0] != "backend" else ".".join(parts[:2])


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


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
    return sorted(file for top in ("backend", "training") for file in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("file", ours(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_follow_the_arrows(file: Path) -> None:
    package = package_of(module_of(file))
    if package == "backend":  # backend/__init__.py stands above the packages
        allowed = set()
    else:
        assert package in MAY_IMPORT, f"say in MAY_IMPORT what {package} may import"
        allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"line {line}: {module}"
        for line, module in imports(file)
        if module.split(".")[0] in ("backend", "training", "tests") and package_of(module) not in allowed
    ]
    assert not wrong, f"{package} may not import " + ", ".join(wrong)


def test_the_arrows_have_no_circle() -> None:
    def reach(package: str, path: tuple[str, ...] = ()) -> None:
        assert package not in path, " → ".join((*path, package))
        for other in MAY_IMPORT[package]:
            reach(other, (*path, package))

    for package in MAY_IMPORT:
        reach(package)


def test_torchvision_is_never_imported() -> None:
    """It is no dependency, and its versions fit only one torch each."""
    modules = {module.split(".")[0] for file in ours() for _, module in imports(file)}
    assert "torchvision" not in modules


def test_relative_and_nested_imports_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_imports.ROOT", tmp_path)
    file = tmp_path / "backend" / "sessions" / "stores.py"
    file.parent.mkdir(parents=True)
    file.write_text("def f():\n    from ..server import app\n    import backend.demo.command\n")
    assert list(imports(file)) == [(2, "backend.server.app"), (3, "backend.demo.command")]
