"""How long a warm click takes beside the server's own fine-tune, against the same while that is held.

    python -m tests.benchmarks.bench_retraining [--threads 2] [--rounds 10]

Starts `click99 serve`; a robot annotates pictures of the base set over HTTP, and `POST /train` begins a
fine-tune, with the priority that it has from the server. Then clicks as in bench_click.py, an object while it
runs and an object while it is stopped (SIGSTOP), by turns, so that other work on the machine meets both.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

from click99.registry.job import Job
from click99.registry.jobs import Jobs
from click99_training.base import open_base
from click99_training.learning.robot_annotator import RobotAnnotator
from tests.benchmarks.bench_click import CLICKS, click_ms, hosting, picture, request, serving

IMAGES = 8  # masks; two may be of one picture, and a fine-tune takes six pictures
THINKING = 0.5  # seconds before each click


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, hosting(picture()) as host:
        os.environ["CLICK99_RETRAIN_MINUTES"] = "60"
        with serving(options.threads, None, host, home=Path(home)) as connection:
            job = fine_tune(connection, Path(home))
            try:
                times = clicked(connection, job, f"http://{host}/picture.png", options.rounds)
            finally:
                os.kill(job.process, signal.SIGKILL)
    report(options.threads, times)


def fine_tune(connection: http.client.HTTPConnection, home: Path) -> Job:
    """The job, once it trains; SystemExit: it ended before."""
    robot, pictures = RobotAnnotator(f"http://{connection.host}:{connection.port}"), open_base(None).train
    for k in range(IMAGES):
        robot.annotate(k + 1, pictures[k])
    time.sleep(2)  # until the record is written
    connection.close()  # the server has, meanwhile
    connection.request("POST", "/train", "{}", {"Content-Type": "application/json"})
    connection.getresponse().read()
    while (job := Jobs.at(home).all()[0]).progress.get("phase") != "training":
        if job.state != "running":
            raise SystemExit(f"the fine-tune is {job.state}: {job.message}")
        time.sleep(2)
    return job


def clicked(
    connection: http.client.HTTPConnection, job: Job, url: str, rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of each click, beside it and while it is held."""
    times: dict[str, list[float]] = {"beside": [], "held": []}
    for item in range(rounds + 1):  # the first one warms up
        for how in times:
            os.kill(job.process, signal.SIGCONT if how == "beside" else signal.SIGSTOP)
            for k in range(len(CLICKS)):
                time.sleep(THINKING)
                elapsed = click_ms(connection, request(url, CLICKS[: k + 1], f"{how} {item}"))
                times[how] += [elapsed] if item else []
    return times


def report(threads: int, times: dict[str, list[float]]) -> None:
    print(f"{len(times['held'])} warm clicks on 640 × 480 each, {threads} threads, median / 95th percentile")
    medians = {}
    for how, found in times.items():
        medians[how] = statistics.median(found)
        print(json.dumps({how: [round(medians[how]), round(statistics.quantiles(found, n=20)[-1])]}))
    print(f"beside / held, medians {medians['beside'] / medians['held']:.2f}")


if __name__ == "__main__":
    main()
