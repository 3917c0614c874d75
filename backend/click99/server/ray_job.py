"""A fine-tune on a Ray cluster, watched by a process of this machine, which is the job as others see it.

`submit` is what `Jobs` then starts instead of `click99 finetune`: it hands the fine-tune to the cluster,
repeats what that one tells in the job's folder, and ends it when it is told to stop. `run` is what the
cluster runs. The two share no disk: what was learnt comes back through the registry.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from click99.extras import remedy
from click99.files import write_json
from click99.server.settings import Settings, variable

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

SUBMIT = (sys.executable, "-m", "click99.server.ray_job", "submit")
RUN = "python -m click99.server.ray_job run"  # of the node's environment
NEWS = "click99-progress "  # begins a line that holds progress.json
LOOK_SECONDS = 1.0
AWAY_SECONDS = 300.0  # after which a cluster that does not answer is given up
# What a fine-tune needs to be told. Secrets, with the record's address, are the nodes' own variables: Ray
# shows what it is told to whoever may look at its jobs.
TOLD = (
    "registry_url",
    "device",
    "threads",
    "lines",
    "allowed_hosts",
    "label_studio_url",
    "label_studio_host",
    "image_mb",
    "image_megapixels",
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["submit", "run"])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--minutes", required=True)
    parser.add_argument("--project", default="")
    asked = parser.parse_args()
    options = ["--minutes", asked.minutes, *(["--project", asked.project] if asked.project else [])]
    sys.exit(run(options) if asked.action == "run" else submit(Settings(), asked.out, options))


def submit(settings: Settings, out: Path, options: Sequence[str]) -> str | int:
    """Hand a fine-tune to the cluster and wait for its end -> exit code, or what went wrong."""
    try:
        from ray.exceptions import RayError
        from ray.job_submission import JobSubmissionClient
    except ModuleNotFoundError as missing:
        return f"CLICK99_RETRAIN_RAY: {remedy(missing)}"
    try:
        cluster = JobSubmissionClient(settings.retrain_ray)
        job = cluster.submit_job(
            entrypoint=f"{RUN} {shlex.join(options)}",
            runtime_env={"env_vars": told(settings)},
            entrypoint_num_cpus=settings.threads or 1,
            entrypoint_num_gpus=float(settings.device.startswith("cuda")),
        )
        print(f"{settings.retrain_ray} has it as {job}", flush=True)
        signal.signal(signal.SIGTERM, _stop)
        return _watch(cluster, job, out)
    except (OSError, RuntimeError, RayError) as error:
        problem = f"CLICK99_RETRAIN_RAY={settings.retrain_ray} takes no fine-tune"
        return f"{problem} ({' '.join(str(error).split())}). Is Ray's dashboard at that address?"


def told(settings: Settings) -> dict[str, str]:
    """The variables that a node is given; it has its own where these are not set here."""
    given = settings.environment
    return {variable(name): given[variable(name)] for name in TOLD if given[variable(name)]}


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(1)


def _watch(cluster: JobSubmissionClient, job: str, out: Path) -> int:
    """Until it is over; it is ended with this process. A cluster that does not answer is asked again."""
    shown, heard = 0, time.monotonic()
    try:
        while True:
            try:
                status = cluster.get_job_status(job)
                shown, heard = _repeat(cluster.get_job_logs(job), shown, out), time.monotonic()
                if status.is_terminal():
                    return 0 if status == "SUCCEEDED" else 1
            except (OSError, RuntimeError):
                if time.monotonic() > heard + AWAY_SECONDS:
                    raise
            time.sleep(LOOK_SECONDS)
    except SystemExit:
        cluster.stop_job(job)
        raise


def _repeat(log: str, shown: int, out: Path) -> int:
    """Print what is new of a log and note its news -> how much of it was repeated: whole lines."""
    end = log.rfind("\n") + 1
    for line in log[shown:end].splitlines():
        if not line.startswith(NEWS):
            print(line, flush=True)
            continue
        with suppress(ValueError):
            write_json(out / "progress.json", json.loads(line.removeprefix(NEWS)))
    return max(shown, end)


def run(options: Sequence[str]) -> int:
    """Fine-tune on this node, in a home that goes with it -> its exit code. Its progress is printed, too."""
    home = Path(tempfile.mkdtemp(prefix="click99-"))
    try:
        command = [sys.executable, "-m", "click99.cli", "finetune", "--out", str(home / "run")]
        variables = os.environ | {"CLICK99_HOME": str(home)}
        process = subprocess.Popen([*command, *options], env=variables)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        news = b""
        while (code := process.poll()) is None:
            news = _tell(home / "run" / "progress.json", news)
            time.sleep(LOOK_SECONDS)
        _tell(home / "run" / "progress.json", news)
        return code
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _tell(file: Path, before: bytes) -> bytes:
    with suppress(FileNotFoundError):
        if (news := file.read_bytes()) != before:
            print(NEWS + json.dumps(json.loads(news)), flush=True)
            return news
    return before


if __name__ == "__main__":
    main()
