"""The pages of the documentation, their commands, and where those are run that are not run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "tests", "training")
PAGES = sorted([*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))])

LEARNING = "tests/training/learning"
SEVERAL = "tests/training/loop/test_distributed.py"
SEVERAL += "::test_of_four_processes_on_two_machines_one_is_killed_and_the_run_goes_on"
SHARDS = f"{LEARNING}/test_shards.py::test_a_run_from_a_bucket"
FINE_TUNE = f"{LEARNING}/test_finetune.py::test_sigterm_stops_the_command_cleanly"
PROOF = "click99 prove-learning --data DATA --out proof --correct 30 --minutes 15"
PROOF += " --base-benchmark grabcut=GRABCUT --base-benchmark berkeley=BERKELEY"

# What needs a Label Studio, another environment or minutes -> the test that runs it, or the file that does.
RUN_ELSEWHERE = {
    "click99 models rollback --project 7": "tests/registry/test_cli.py"
    "::test_the_list_shows_lines_and_each_is_promoted_and_rolled_back_by_itself",
    "make demo": "tests/e2e/running_demo.py::RunningDemo",
    "make test": ".ci/run",
    "pip install .": "tests/test_installed.py::test_what_is_installed_works_away_from_the_repository",
    'pip install ".[openvino]"': "docker/Dockerfile",
    'pip install ".[traces]"': "docker/Dockerfile",
    'pip install ".[postgresql]"': "docker/Dockerfile",
    'pip install ".[s3]"': "docker/Dockerfile",
    "click99 serve --replicas 4 --redis-url redis://localhost:6379": "tests/server/test_ray_serve.py"
    "::test_any_replica_makes_the_mask_of_a_single_process",
    'click99 connect --create "My project" --images photos --labels cat,dog': "tests/e2e/test_connect.py"
    "::test_from_a_folder_of_pictures_to_an_answered_click",
    "click99 preannotate --project 12 --prompts boxes.csv": "tests/e2e/test_connect.py"
    "::test_a_detector_s_boxes_become_masks_to_refine",
    "click99 preannotate --project 12": "tests/e2e/test_connect.py"
    "::test_a_detector_s_boxes_become_masks_to_refine",
    "click99 connect --project 12": "tests/e2e/test_connect.py::test_a_project_of_boxes_gets_masks",
    "click99 disconnect --project 12": "tests/e2e/test_connect.py"
    "::test_from_a_folder_of_pictures_to_an_answered_click",
    "click99 doctor": "tests/server/test_doctor.py::test_all_is_well",
    "click99 recover": "tests/server/test_recover.py::test_a_dry_run_shows_what_was_noted_and_writes_nothing",
    "click99 recover --apply": "tests/e2e/test_people.py"
    "::test_a_mask_submitted_before_it_was_accepted_is_restored",
    "click99 sync": "tests/server/test_sync.py::test_the_command_says_what_it_found",
    "click99 sync --project 3": "tests/server/test_sync.py::test_the_command_says_what_it_found",
    "click99 models rollback": "tests/registry/test_cli.py"
    "::test_promote_and_rollback_say_what_is_served_instead_of_what",
    "click99 models diff VERSION": "tests/registry/test_cli.py"
    "::test_diff_shows_facts_and_how_far_weights_moved",
    "click99 models cancel": "tests/registry/test_jobs.py::test_the_commands_show_and_cancel_jobs",
    "click99 finetune": FINE_TUNE,
    "click99 finetune --minutes 15": FINE_TUNE,
    "click99 finetune --minutes 30 --out runs/cells --data cells-1": FINE_TUNE,
    "click99 shards cells-1 --out s3://bucket/cells-1": SHARDS,
    "click99 train --preset compact --dataset shards --data s3://bucket/cells-1 --out runs/cells": SHARDS,
    "torchrun --nnodes 2 --node-rank 0 --master-addr HEAD --master-port 29500 --nproc-per-node 2"
    " -m click99.cli train --preset compact --data DATA --out runs/four": SEVERAL,
    "click99 finetune --out runs/cells --data s3://bucket/cells-1": f"{LEARNING}/test_finetune.py"
    "::test_it_learns_from_a_bucket_and_is_known_on_other_machines",
    "torchrun --nproc-per-node 4 -m click99.cli train --preset compact --data DATA --out runs/four": SEVERAL,
    "torchrun --nproc-per-node 4 -m click99.cli finetune --out runs/cells": f"{LEARNING}/test_finetune.py"
    "::test_two_processes_learn_together",
    PROOF: f"{LEARNING}/test_prove.py::test_a_proof_is_made_once",
    "make release VERSION=0.2.0": "tests/test_release.py"
    "::test_make_release_tags_a_version_that_every_file_names",
    "make dist": "tests/test_installed.py::test_no_name_but_ours_lands_in_site_packages",
    "git push --follow-tags": "tests/test_release.py::test_make_release_tags_a_version_that_every_file_names",
}
# Tests have no container engine; these read the file that the command names.
NOT_RUN = {
    "docker compose --file docker/compose.yaml up": "tests/test_docker.py"
    "::test_compose_gives_click99_settings_that_are_accepted",
    "docker build --file docker/Dockerfile --tag click99 .": "tests/test_docker.py"
    "::test_hadolint_finds_nothing",
    "docker build --file docker/Dockerfile.training --tag click99-training .": "tests/test_docker.py"
    "::test_hadolint_finds_nothing",
}


def commands(page: Path) -> list[str]:
    """The commands of a page's bash blocks, one line each, comments and prompts left out."""
    blocks = re.findall(r"^[ \t]*```bash\n(.*?)^[ \t]*```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line.strip() and not line.strip().startswith("#")]


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


ELSEWHERE = RUN_ELSEWHERE.keys() | NOT_RUN.keys()
ALL = {command for page in PAGES for command in commands(page)}
