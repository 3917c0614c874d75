"""Without extras every command works, or says in one sentence what to install."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_group

from click99.cli import app
from click99.extras import EXTRAS, remedy
from click99.registry.jobs import Jobs

pytestmark = pytest.mark.slow("runs every command")
ROOT = Path(__file__).parents[1]
PICTURES = str(ROOT / "tests" / "pictures")
POSTGRESQL = ("--database-url", "postgresql://localhost/click99")
SBD = ("--data", PICTURES, "--dataset", "sbd")
OUT = ("--out", "out")

# Command -> its arguments, chosen to need an extra where any do, and the extra that it asks for.
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "serve": (POSTGRESQL, "postgresql"),
    "doctor": ((), ""),
    "recover": ((), ""),
    "connect": ((), ""),
    "disconnect": (("--project", "1"), ""),
    "sync": (POSTGRESQL, "postgresql"),
    "collect": ((*OUT, *POSTGRESQL), "postgresql"),
    "preannotate": (("--project", "1"), ""),
    "export": ((*OUT, *POSTGRESQL), "postgresql"),
    "finetune": (POSTGRESQL, "postgresql"),
    "watch": ((), ""),
    "stats": (POSTGRESQL, "postgresql"),
    "db upgrade": (POSTGRESQL, "postgresql"),
    "db status": (POSTGRESQL, "postgresql"),
    "memory list": (POSTGRESQL, "postgresql"),
    "memory show": (("--project", "1", "--label", "cat", *POSTGRESQL), "postgresql"),
    "memory forget": (("--project", "1", "--label", "cat", *POSTGRESQL), "postgresql"),
    "models list": ((), ""),
    "models show": ((), ""),
    "models promote": (("shipped",), ""),
    "models rollback": ((), ""),
    "models diff": (("shipped",), ""),
    "models jobs": ((), ""),
    "models cancel": ((), ""),
    "demo": ((), "demo"),
    "cutout": ((f"{PICTURES}/images/coffee.jpg", "--clicks", "x"), ""),
    "segment": ((f"{PICTURES}/images", "--prompts", f"{PICTURES}/README.md", *OUT), ""),
    "describe": ((), ""),
    "import-weights": (("missing.pth", "out.safetensors"), ""),
    "train": ((*OUT, *SBD), "train"),
    "cooldown": ((PICTURES, *OUT), ""),
    "shards": ((PICTURES, *OUT), ""),
    "compose": ((*OUT, *SBD), "train"),
    "evaluate": (SBD, "train"),
    "validate": (("--data", PICTURES), ""),
    "report": (OUT, ""),
    "ablation": ((*OUT, *SBD, "--benchmark", f"pictures={PICTURES}", "--images", "1"), "train"),
    "config": (("--labels", "cat"), ""),
    "fit-quality": ((*OUT, *SBD, "--start-from", "one.safetensors"), "train"),
    "average": (("--out", "mean.safetensors", "one.safetensors", "other.safetensors"), ""),
    "prove-learning": ((*OUT, "--data", PICTURES), ""),
}

HIDE = """
import sys
class Hidden:
    def find_spec(name, path=None, target=None):
        if any(f"{{name}}.".startswith(f"{{each}}.") for each in {hidden}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden)
"""

RUN_ALL = """
import json, sys
from typer.testing import CliRunner
from click99.cli import app
ended = {}
for command, arguments in json.load(sys.stdin).items():
    result = CliRunner().invoke(app, [*command.split(), *arguments])
    ended[command] = result.exit_code, result.output, repr(result.exception)
print(json.dumps(ended))
"""


def leaves(group: TyperGroup, names: tuple[str, ...] = ()) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from leaves(command, (*names, name))
        else:
            yield " ".join((*names, name))


def environment(folder: Path, hidden: list[str]) -> dict[str, str]:
    """Of processes in which `hidden` modules cannot be imported."""
    (folder / "sitecustomize.py").write_text(HIDE.format(hidden=hidden))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "CLICK99_HOME": str(folder / "home")}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """Command -> exit code, output, exception; of all of them in one process without extras."""
    folder = tmp_path_factory.mktemp("bare")
    run = subprocess.run(
        [sys.executable, "-c", RUN_ALL],
        cwd=folder,
        env=environment(folder, [*EXTRAS]),
        input=json.dumps({command: arguments for command, (arguments, _) in COMMANDS.items()}),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("command", list(leaves(get_group(app))))  # type: ignore[arg-type]
def test_a_command_works_or_says_what_to_install(
    ended: dict[str, tuple[int, str, str]], command: str
) -> None:
    assert command in COMMANDS, f"say in COMMANDS how to run {command}, and which extra it then needs"
    code, output, exception = ended[command]
    assert exception == "None" or exception.startswith("SystemExit"), exception
    extra = COMMANDS[command][1]
    asked = re.findall(r'([\w.]+) is not installed: pip install "\.\[(\w+)\]"', output)
    assert [name for _, name in asked] == [extra] * bool(extra), output
    assert not extra or code == 2
    assert all(EXTRAS[module] == extra for module, _ in asked)


def test_what_the_extras_install_is_known() -> None:
    modules = {name.lower(): module for module, names in packages_distributions().items() for name in names}
    for requirement in requires("click99") or []:
        if found := re.match(r"([\w-]+).*extra == \"(train|postgresql|demo|openvino|ray)\"", requirement):
            assert EXTRAS.get(modules[found[1].lower()]) == found[2]


def test_what_a_dependency_of_all_lacks_is_named_too() -> None:
    missing = ModuleNotFoundError("No module named 'matplotlib.pyplot'", name="matplotlib.pyplot")
    assert remedy(missing).startswith('matplotlib is not installed: pip install "." in')


def test_a_job_that_lacks_a_package_fails_and_says_so(tmp_path: Path) -> None:
    """Such as Label Studio's Start training begins."""
    jobs = Jobs.at(tmp_path / "home")
    job = jobs.start("Start training", variables=environment(tmp_path, ["matplotlib"]))
    deadline = time.monotonic() + 120
    while (job := jobs.get(job.number)).state == "running":
        assert time.monotonic() < deadline, "the job does not end"
        time.sleep(0.2)
    sentence = 'matplotlib is not installed: pip install "."'
    assert job.state == "failed"
    assert sentence in job.message
    log = (job.folder / "log.txt").read_text()
    assert sentence in log
    assert "Traceback" not in log
