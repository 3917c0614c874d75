"""Every command in the documentation is run by a test: here, or by the one named here."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_group

from click99.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

RUN_HERE = {"click99 serve --help"}

# How a command begins -> where such a command is run: "file" or "file::test".
RUN_ELSEWHERE = {
    "make demo": "tests/e2e/test_first_mask.py::test_three_clicks_make_the_mask_that_is_saved",
    "make test": ".ci/run",
    'pip install "click99[postgresql]"': "tests/annotations/conftest.py::postgresql",
    "pip install .": "tests/test_installed.py::test_what_is_installed_works_away_from_the_repository",
    "click99 serve": "tests/test_cli.py::test_serve_answers_until_ctrl_c",
    "click99 serve --workers": "tests/server/test_workers.py"
    "::test_a_hundred_objects_over_four_workers_are_as_in_one_process",
    "click99 recover": "tests/e2e/test_people.py::test_a_mask_submitted_before_it_was_accepted_is_restored",
    "click99 doctor": "tests/server/test_doctor.py::test_all_is_well",
    "click99 collect": "tests/training/learning/test_collect.py"
    "::test_the_command_collects_from_the_server_s_record",
    "click99 finetune": "tests/training/learning/test_finetune.py::test_sigterm_stops_the_command_cleanly",
    "click99 prove-learning": "tests/training/learning/test_prove.py::test_a_proof_is_made_once",
    "click99 stats": "tests/training/learning/test_stats.py::test_the_command_shows_a_row_for_each_version",
    "click99 models list": "tests/registry/test_cli.py::test_the_list_marks_what_is_served",
    "click99 models show": "tests/registry/test_cli.py::test_all_that_is_known_is_shown",
    "click99 models diff": "tests/registry/test_cli.py::test_diff_shows_facts_and_how_far_weights_moved",
    "click99 models promote": "tests/registry/test_cli.py"
    "::test_promote_and_rollback_say_what_is_served_instead_of_what",
    "click99 models rollback": "tests/registry/test_cli.py"
    "::test_promote_and_rollback_say_what_is_served_instead_of_what",
    "click99 models jobs": "tests/registry/test_jobs.py::test_the_commands_show_and_cancel_jobs",
    "click99 models cancel": "tests/registry/test_jobs.py::test_the_commands_show_and_cancel_jobs",
    "click99 sync": "tests/server/test_sync.py::test_the_command_says_what_it_found",
    "click99 train": "tests/training/loop/test_train.py"
    "::test_a_run_leaves_checkpoint_log_curves_and_settings",
    "click99 average": "tests/training/loop/test_average.py::test_the_mean_of_checkpoints_is_written",
    "click99 ablation": "tests/training/loop/test_ablation.py::test_an_ablation_goes_on_where_it_stopped",
    "torchrun --nproc-per-node 4 -m click99.cli finetune": "tests/training/learning/test_finetune.py"
    "::test_two_processes_learn_together",
    "torchrun": "tests/training/loop/test_distributed.py::test_two_processes_learn_what_one_does",
    "click99 evaluate": "tests/training/evaluation/test_evaluate.py"
    "::test_the_report_is_written_with_every_image",
    "click99 report": "tests/training/report/test_page.py"
    "::test_the_page_is_whole_and_asks_nobody_for_anything",
    "click99 compose": "tests/training/datasets/test_compose.py"
    "::test_the_command_cuts_out_for_the_synthetic_set",
    "click99 describe": "tests/segmentation/test_describe.py::test_the_command_prints_the_layers",
    "click99 import-weights": "tests/segmentation/test_released.py::test_every_released_tensor_lands",
    "docker compose": "tests/test_docker.py::test_compose_gives_click99_settings_that_exist",
    "docker build": "tests/test_docker.py::test_hadolint_finds_nothing",
}


def commands(page: Path) -> list[str]:
    """The commands of a page's bash blocks, one line each, comments and prompts left out."""
    blocks = re.findall(r"^[ \t]*```bash\n(.*?)^[ \t]*```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line.strip() and not line.strip().startswith("#")]


ALL = {command for page in PAGES for command in commands(page)}


def test_the_pages_have_commands() -> None:
    assert {"make demo", "make test"} <= ALL


@pytest.mark.parametrize("command", sorted(ALL - RUN_HERE))
def test_every_command_is_run_by_a_test(command: str) -> None:
    covered = any(f"{command} ".startswith(f"{beginning} ") for beginning in RUN_ELSEWHERE)
    assert covered, f"run {command!r} in a test, and name the test in RUN_ELSEWHERE"


@pytest.mark.parametrize("command", sorted(RUN_HERE))
def test_commands_without_side_effects_succeed(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "click99"
    subprocess.run([sys.executable, "-m", "click99.cli", *arguments], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("command", sorted(command for command in ALL if command.startswith("click99 ")))
def test_every_option_exists(command: str) -> None:
    called, words = get_group(app), shlex.split(command)[1:]
    while isinstance(called, TyperGroup):
        called = called.commands[words.pop(0)]
    known = {"--help", *(option for parameter in called.params for option in parameter.opts)}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("beginning", sorted(RUN_ELSEWHERE))
def test_the_named_test_exists(beginning: str) -> None:
    file, _, name = RUN_ELSEWHERE[beginning].partition("::")
    source = (ROOT / file).read_text()
    assert not name or f"\ndef {name}(" in source


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tests_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"\[`(test_\w+)`\]\(([^)#:]+)\)", page.read_text())
    assert [name for name, file in named if f"def {name}(" not in (page.parent / file).read_text()] == []
