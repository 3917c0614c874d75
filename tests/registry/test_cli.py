"""`click99 models …`, as people run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.registry.versions import Registry
from click99.segmentation.checkpoint import SHIPPED, checkpoint_version
from tests.registry.examples import checkpoint

GATE = {"promoted": False, "reason": "not surely better", "collected": {"before": {"noc90": 4.0}}}


def run(registry: Registry, *arguments: str, model: str = "", code: int = 0) -> str:
    """What the command prints, each row of a table on one line."""
    variables = {"CLICK99_HOME": str(registry.folder.parent), "CLICK99_MODEL": model, "COLUMNS": "200"}
    ended = CliRunner().invoke(app, ["models", *arguments], env=variables)
    assert ended.exit_code == code, ended.output
    return ended.output


def rows(table: str) -> dict[str, list[str]]:
    """The cells of each row, by the first of them that is a word."""
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if "│" in line]
    return {next(filter(str.isascii, filter(None, row))): row for row in cells}


def test_the_list_marks_what_is_served(registry: Registry):
    first, second = [version.name for version in registry.all()]
    shipped = checkpoint_version(SHIPPED)
    printed = run(registry, "list")
    assert rows(printed).keys() == {shipped, first, second}, "the shipped one was not added yet"
    assert [name for name, row in rows(printed).items() if row[0] == "→"] == [shipped]
    assert f"{shipped} is served: it is the shipped one" in printed
    registry.promote(second, "it is better")
    printed = run(registry, "list")
    assert [name for name, row in rows(printed).items() if row[0] == "→"] == [second]
    assert f"{second} is served: it is better, 20" in printed
    assert rows(printed)[second][3] == first, "what it was trained from"


def test_the_list_shows_the_checkpoint_that_servers_are_pinned_to(
    registry: Registry, checkpoints: list[Path]
):
    printed = run(registry, "list", model=str(checkpoints[2]))
    assert rows(printed)[checkpoint_version(checkpoints[2])][0] == "→"
    assert f"servers are pinned to {checkpoints[2]}" in printed


@pytest.mark.parametrize(
    ("gate", "shown"),
    [
        (GATE | {"collected": {"before": {"noc90": 4.0}, "after": {"noc90": 3.916}}}, "4.00 → 3.92 clicks"),
        (GATE, "not passed"),
        (GATE | {"challenges": True}, "challenger"),
        ({"promoted": True}, "passed"),
    ],
)
def test_the_list_tells_the_gate_s_decision(registry: Registry, gate: dict, shown: str):
    name = registry.all()[1].name
    registry.add_facts(name, gate=gate)
    assert rows(run(registry, "list"))[name][4].endswith(shown)


def test_the_list_says_who_challenges_what_is_served(registry: Registry):
    first, second = registry.all()
    registry.promote(first.name, "a reason")
    gate = GATE | {"challenges": True, "against": first.name, "reason": "About 12 images would do"}
    registry.add_facts(second.name, gate=gate)
    assert f"{second.name} challenges it: About 12 images would do" in run(registry, "list")
    registry.promote(second.name, "a reason")
    assert "challenges it" not in run(registry, "list")


def test_all_that_is_known_is_shown(registry: Registry):
    first, second = registry.all()
    registry.add_facts(second.name, gate=GATE)
    registry.promote(second.name, "a reason")
    shown = rows(run(registry, "show", second.name))
    assert shown["trained from"][1] == first.name
    assert (shown["images"][1], shown["seed"][1]) == ("30", "1"), "noted, and from the file's header"
    assert shown["gate reason"][1] == "not surely better"
    assert shown["gate collected before noc90"][1] == "4"
    assert shown["SHA-256"][1] == second.sha256
    assert any("a reason" in row[1] for name, row in shown.items() if name.startswith("promoted 20"))
    assert run(registry, "show") == run(registry, "show", second.name), "unset, it is the served one"


@pytest.mark.usefixtures("unchecked")
def test_promote_and_rollback_say_what_is_served_instead_of_what(registry: Registry, checkpoints: list[Path]):
    first, shipped = registry.all()[0].name, checkpoint_version(SHIPPED)
    assert run(registry, "promote", first) == f"{first} is served now, instead of {shipped}.\n"
    assert run(registry, "promote", first) == f"{first} is served already.\n"
    third = checkpoint_version(checkpoints[2])
    printed = run(registry, "promote", str(checkpoints[2]), "--why", "trained elsewhere")
    assert printed == f"{third} is served now, instead of {first}.\n"
    assert registry.pointer().moves[-1].why == "trained elsewhere"
    assert run(registry, "rollback") == f"{first} is served now, instead of {third}.\n"
    warned = run(registry, "rollback", model=str(checkpoints[1]))
    assert "CLICK99_MODEL pins servers" in warned


@pytest.mark.slow("compares networks")
def test_diff_shows_facts_and_how_far_weights_moved(registry: Registry):
    first, second = [version.name for version in registry.all()]
    printed = run(registry, "diff", first, second)
    assert rows(printed)["seed"] == ["seed", "0", "1"]
    whole = rows(printed)["all"]
    assert int(whole[1].replace(",", "")) > 4e6
    assert float(whole[3].rstrip("%")) > 10, "random networks have little in common"
    assert run(registry, "diff", second) == printed, "it was trained from the first"
    same = rows(run(registry, "diff", first, first))
    assert same["all"][2:] == ["0.0%", "0.000%", "0"]


def test_diff_of_other_layers_says_so(registry: Registry, tmp_path: Path):
    other = registry.add(checkpoint(tmp_path / "other.safetensors", guided_filter=False))
    printed = run(registry, "diff", registry.all()[0].name, other.name, code=2)
    assert "are networks of different layers: " in printed


@pytest.mark.parametrize(
    "arguments", [["show", "nobody"], ["promote", "nobody"], ["diff", "nobody"], ["diff", "seed0", "nobody"]]
)
def test_an_unknown_version_is_named_with_the_known_ones(registry: Registry, arguments: list[str]):
    printed = run(registry, *arguments, code=2)
    assert re.search(rf"^Error: (nobody|seed0) is no version in .*Known: {registry.all()[0].name}, ", printed)


def test_other_mistakes_are_told_plainly(registry: Registry, tmp_path: Path):
    assert "does not exist" in run(registry, "promote", str(tmp_path / "none.safetensors"), code=2)
    assert "No version was served before" in run(registry, "rollback", code=2)
    assert "was trained from no version" in run(registry, "diff", registry.all()[0].name, code=2)
    registry.all()[0].path.write_bytes(b"half")
    for arguments in (["promote", registry.all()[0].name], ["diff", registry.all()[1].name]):
        assert registry.all()[0].name in run(registry, *arguments, code=2)


@pytest.mark.slow("many promotions")
def test_the_list_shows_lines_and_each_is_promoted_and_rolled_back_by_itself(registry: Registry):
    first, second = registry.all()
    gate = {"promoted": True, "reason": "better"}
    registry.promote(first.name, "a reason")
    registry.add_facts(first.name, projects="3", line="", gate=gate)
    registry.add_facts(second.name, projects="7", line="7", gate=gate)
    printed = run(registry, "promote", second.name)
    assert f"{second.name} is served in project 7 now, instead of {first.name}" in printed
    printed = run(registry, "list")
    assert f"→ {first.name} is served: a reason" in printed
    assert f"→ {second.name} is served in project 7: by hand" in printed
    assert {rows(printed)[each.name][5] for each in (first, second)} == {"project 3", "project 7"}
    assert f"{first.name} is served in project 7 now" in run(registry, "rollback", "--project", "7")
    said = run(registry, "promote", first.name, "--project", "3")
    assert f"{first.name} is served already" in said, "project 3 follows the common line"
    assert "Not in project 7: what is served there stays" in said
    assert "--project seven" in " ".join(run(registry, "rollback", "--project", "seven", code=2).split())


def test_the_list_says_what_trials_found_and_how_many_images_the_next_takes(registry: Registry):
    first, second = registry.all()
    registry.promote(first.name, "a reason")
    gate = GATE | {"challenges": True, "against": first.name}
    registry.add_facts(second.name, gate=gate)
    assert "No trial yet: after 10 more annotated images" in run(registry, "list")
    later = {"mean": 0.031, "sure": -0.004, "images": 12}
    registry.add_facts(second.name, gate=gate | {"looks": 1, "later": later})
    assert "1 of 3 trials: +0.031 IoU, above -0.004, on 12 later images" in run(registry, "list")
