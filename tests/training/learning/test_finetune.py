"""`click99 finetune`: a decision, or plainly why there is none. Stopped, it goes on and loses nothing."""

from __future__ import annotations

import copy
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.cli import app
from click99.registry.gate_facts import challenger
from click99.registry.jobs import BusyError, Jobs
from click99.registry.versions import Registry, Version
from click99.segmentation.checkpoint import SHIPPED, load_checkpoint, load_generalist, save_checkpoint
from click99.segmentation.clicks import Click
from click99.segmentation.predictor import Predictor
from click99_training.base import open_base
from click99_training.datasets import shards
from click99_training.datasets.shards import open_snapshot
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning import finetune as module
from click99_training.learning.challenger import learnt_images
from click99_training.learning.finetune import finetune
from click99_training.learning.gate import Decision, decide
from click99_training.learning.progress import Progress
from click99_training.learning.run_start import FineTune
from click99_training.learning.shards import write_shards
from click99_training.learning.snapshots import seal
from click99_training.loop.average import mean_of
from click99_training.loop.stop_request import RunInterrupt
from click99_training.recipes import FINETUNE
from tests.registry.examples import STAND_IN, checkpoint
from tests.s3_server import S3Server
from tests.training.learning.comparisons import verdicts
from tests.training.rows import rows
from tests.training.snapshot import write_snapshot

pytestmark = pytest.mark.slow("fine-tunes")
SECONDS = 1.5
CPU = ("--device", "cpu", "--threads", "1")


@pytest.fixture
def asked(tmp_path: Path, whole: Path, snapshot: Path, data_folder: Path, monkeypatch) -> FineTune:
    small = replace(FINETUNE, crops=((64, 2, 1.0),))
    monkeypatch.setattr("click99_training.learning.fold_training.FINETUNE", small)
    return FineTune(
        out=tmp_path / "run",
        home=tmp_path / "home",
        minutes=SECONDS / 60,
        data=snapshot,
        pinned=whole,
        base_data=data_folder,
        device="cpu",
        threads=1,
    )


def never(folder: Path) -> None:
    raise AssertionError(f"{folder} is not to be collected: there is a snapshot")


def run(asked: FineTune) -> Decision:
    decision = finetune(asked, never, Console(quiet=True))
    assert decision
    return decision


def told(asked: FineTune) -> dict[str, Any]:
    return json.loads((asked.out / "progress.json").read_text())


def candidate(asked: FineTune) -> Version:
    return Registry.at(asked.home).get(told(asked)["candidate"])


def unsure(*_: Any) -> Decision:
    same = verdicts([1] * 6, [1] * 6)
    return decide(same, same, 6)


def test_a_run_ends_with_a_noted_decision(asked: FineTune):
    decision = run(asked)
    registry = Registry.at(asked.home)
    made = candidate(asked)
    assert made.parent == registry.of(asked.pinned or SHIPPED).name
    assert made.name.startswith("compact-")
    gate = made.facts["gate"]
    assert (gate["promoted"], gate["reason"]) == (decision.promoted, decision.reason)
    assert gate["gain"]["images"] == gate["collected"]["images"] == 6
    served = registry.served()
    assert (served.name if served else None) == (made.name if decision.promoted else None)
    assert told(asked) | {"message": ""} == {
        "phase": "done",
        "share": 1.0,
        "seconds_left": 0,
        "message": "",
        "candidate": made.name,
        "promoted": decision.promoted,
    }
    title = "Promoted" if decision.promoted else "Not promoted"
    assert f"<h1>{title}</h1>" in (asked.out / "curves.html").read_text()


def test_the_candidate_has_learnt_and_keeps_the_network_before(asked: FineTune, whole: Path):
    asked = replace(asked, minutes=0.1)  # of which a busy machine leaves some
    run(asked)
    made = candidate(asked).path
    learnt = [load_checkpoint(asked.out / f"fold-{k}" / "learnt.safetensors") for k in (1, 2)]
    generalist, mean = load_generalist(made), mean_of(learnt, learnt[0].config).half().float()
    assert generalist
    assert same(load_checkpoint(made), mean)
    assert not same(*learnt)
    assert not same(load_checkpoint(made), load_checkpoint(whole))
    assert same(generalist.network, load_checkpoint(whole))


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_what_it_did_not_learn_from_is_answered_as_before(asked: FineTune, whole: Path):
    """The base set is of other pictures than the corrected ones: bit for bit the old masks."""
    run(asked)
    before, after = (Predictor.load(path, "cpu") for path in (whole, candidate(asked).path))
    assert asked.base_data
    assert asked.data
    (photo, *_), (corrected, *_) = open_base(asked.base_data).train, open_snapshot(asked.data)
    assert after.for_image(corrected.image, corrected.name) is after
    old, new = (
        each.for_image(photo.image, photo.name).refine(photo.image, [Click(9, 9, True)], None, photo.name)
        for each in (before, after)
    )
    np.testing.assert_array_equal(new, old)


def test_what_is_not_surely_better_can_be_served_by_hand(
    asked: FineTune, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(module, "judge", unsure)
    assert finetune(asked, never, Console(width=60))
    to_promote = f"click99 models promote {candidate(asked).name}\n"
    assert f"To serve it all the same: {to_promote}" in capsys.readouterr().out


def test_what_is_better_is_served(
    asked: FineTune, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Against a network that has lost its decoder anything is better: the pointer moves."""
    network = load_checkpoint(asked.pinned or SHIPPED)
    worse = asked.home / "worse.safetensors"
    with torch.no_grad():
        for weight in network.decoder.parameters():
            weight.mul_(0)
    save_checkpoint(network, worse)
    good = load_checkpoint(asked.pinned or SHIPPED)
    monkeypatch.setattr(
        "click99_training.learning.fold_training.load_checkpoint", lambda path: copy.deepcopy(good)
    )
    decision = finetune(replace(asked, pinned=worse), never, Console(width=1000))
    assert decision
    assert decision.promoted, decision.reason
    served = Registry.at(asked.home).served()
    assert served
    assert served.facts["gate"]["promoted"]
    page = Path(served.facts["page"])
    assert page == asked.home / "bought" / f"{served.name}.html"
    assert f"<h1>What {served.name} bought" in page.read_text()
    printed = capsys.readouterr().out
    assert f"CLICK99_MODEL pins servers to {worse}" in printed
    assert f"What it bought: {page}" in printed


def test_what_a_person_chose_while_it_ran_stays(
    asked: FineTune, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is promoted by accident: it was not judged against that."""
    registry = Registry.at(asked.home)
    own, other = replace(asked, pinned=None), checkpoint(tmp_path / "other.safetensors")
    registry.promote(registry.add(whole).name, "first")

    def judge_meanwhile(*_: Any) -> Decision:
        registry.promote(registry.add(other).name, "a person knows better")
        return decide(verdicts([5] * 6, [1] * 6), verdicts([1] * 12, [1] * 12), 6)

    monkeypatch.setattr(module, "judge", judge_meanwhile)
    decision = run(own)
    assert not decision.promoted
    assert "was chosen meanwhile" in decision.reason
    assert registry.chosen().name.startswith("other-")
    assert (told(own)["promoted"], challenger(registry, registry.chosen())) == (False, None)
    gate = candidate(own).facts["gate"]
    assert (gate["promoted"], gate["challenges"]) == (False, False)


def test_it_learns_from_a_bucket_and_is_known_on_other_machines(
    asked: FineTune, snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What it learnt from, too, so that the watch there can tell which images are new to it."""
    impatient = shards.PATIENCE | {"retries": {"total_max_attempts": 1}}
    monkeypatch.setattr(shards, "PATIENCE", impatient)
    with S3Server() as s3:
        s3.set_variables(monkeypatch)
        s3.bucket("finetuned")  # moto keeps those of a process
        write_shards(snapshot, "s3://finetuned/cells")
        s3.trouble = "503"
        told_to = ["--out", str(asked.out), "--home", str(asked.home), "--model", str(asked.pinned)]
        refused = CliRunner().invoke(app, ["finetune", "--data", "s3://finetuned/cells", *told_to])
        assert refused.exit_code == 2
        assert refused.stderr.startswith("Error: s3://finetuned/cells gives no shards (")
        s3.trouble = ""
        run(replace(asked, data="s3://finetuned/cells", registry_url="s3://finetuned/models"))
        made = Registry.pulled(tmp_path / "elsewhere", "s3://finetuned/models").get(told(asked)["candidate"])
    assert made.facts["snapshot"] == "s3://finetuned/cells"
    assert learnt_images(made) == set(SnapshotDataset(snapshot).images)


class StoppedAt(Progress):
    """As if SIGTERM came at the first word of a phase."""

    phase = ""

    def tell(self, phase: str, *args: Any, **facts: Any) -> None:
        self.asked_to_stop |= phase == self.phase
        super().tell(phase, *args, **facts)


@pytest.mark.parametrize("phase", ["collecting", "training", "gate"])
def test_a_stopped_run_goes_on(asked: FineTune, phase: str, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as stopping:
        stopping.setattr(StoppedAt, "phase", phase)
        stopping.setattr(module, "Progress", StoppedAt)
        with pytest.raises(RunInterrupt):
            finetune(asked, never, Console(quiet=True))
    assert Registry.at(asked.home).served() is None
    before = told(asked)
    assert before["phase"] == phase
    assert run(asked)
    assert told(asked)["phase"] == "done"


def test_time_before_the_stop_counts(asked: FineTune, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(StoppedAt, "phase", "gate")
    monkeypatch.setattr(module, "Progress", StoppedAt)
    with pytest.raises(RunInterrupt):
        run(asked)
    for fold in ("fold-1", "fold-2"):
        state = torch.load(asked.out / fold / "last.pt", weights_only=True)
        assert 0.4 * SECONDS <= state["seconds"] < 0.4 * SECONDS + 10
        assert state["done"] >= 2


def test_one_runs_at_a_time(asked: FineTune, tmp_path: Path):
    """By hand as in the background: neither begins while the other runs."""
    jobs = Jobs(Jobs.at(asked.home).folder, (*STAND_IN, "--end", "wait"))
    number = jobs.start("a button").number
    with pytest.raises(BusyError, match="job 1 is running already"):
        run(asked)
    jobs.cancel(number)
    while jobs.running():
        time.sleep(0.02)
    run(asked)
    by_hand = jobs.get(2)
    assert (by_hand.why, by_hand.folder.resolve()) == ("by hand", asked.out)
    assert by_hand.state in ("promoted", "not promoted")


def test_a_run_that_is_over_is_not_begun_again(asked: FineTune):
    run(asked)
    assert not [*asked.out.rglob("last.pt"), *asked.out.rglob("candidate.safetensors")]
    with pytest.raises(ValueError, match=r"is over .* Choose another --out"):
        run(asked)


def test_a_run_goes_on_with_its_own_settings_only(asked: FineTune, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "train", lambda *_: (_ for _ in ()).throw(RunInterrupt))
    with pytest.raises(RunInterrupt):
        run(asked)
    with pytest.raises(ValueError, match="other settings"):
        run(replace(asked, minutes=5))


def test_a_refusal_is_told_and_forgotten(asked: FineTune, tmp_path: Path):
    """Who annotates some more and gives the same command is heard."""
    images = [4]

    def collect(folder: Path) -> None:
        write_snapshot(folder, images=images[0])

    own = replace(asked, data=None)
    with pytest.raises(ValueError, match=r"only 4 images .* Annotate 2 more"):
        finetune(own, collect, Console(quiet=True))
    (job,) = Jobs.at(asked.home).all()
    assert (job.state, job.message[:13]) == ("refused", "only 4 images")
    assert "<h1>Fine-tuning: Not begun</h1>" in (asked.out / "curves.html").read_text()
    images[0] = 6
    assert finetune(own, collect, Console(quiet=True))


def test_a_run_of_an_older_click99_is_not_gone_on_with(asked: FineTune):
    asked.out.mkdir()
    old = {"snapshot": str(asked.data), "parent": "compact-1", "minutes": 15, "base_data": None}
    (asked.out / "run.json").write_text(json.dumps(old))
    with pytest.raises(ValueError, match=r"an older click99 began that fine-tune\. Choose another --out"):
        run(asked)


def test_an_edited_snapshot_is_refused(asked: FineTune, snapshot: Path):
    (snapshot / "train" / "more.png").touch()
    with pytest.raises(ValueError, match=r"more\.png was added by hand"):
        run(asked)


def test_masks_that_do_not_decode_are_named(asked: FineTune, tmp_path: Path):
    broken = write_snapshot(tmp_path / "broken", images=13)
    for mask in list(broken.glob("*/masks/*.png"))[:7]:
        mask.chmod(0o644)
        mask.write_bytes(b"no image")
    (broken / "manifest.json").chmod(0o644)
    (broken / "clicks.jsonl").chmod(0o644)
    (broken / "manifest.json").unlink()
    seal(broken)
    with pytest.raises(ValueError, match="most of the data cannot be used") as error:
        run(replace(asked, data=broken))
    assert "7 skipped" in str(error.value)


def test_a_full_disk_leaves_the_last_checkpoint_whole(asked: FineTune, monkeypatch: pytest.MonkeyPatch):
    """The state takes 60 MB; with 20 MB allowed to a file, the second save breaks off in the middle."""
    with monkeypatch.context() as stopping:
        stopping.setattr(StoppedAt, "phase", "training")
        stopping.setattr(module, "Progress", StoppedAt)
        with pytest.raises(RunInterrupt):
            finetune(asked, never, Console(quiet=True))
    before = (asked.out / "fold-1" / "last.pt").read_bytes()
    with limited_files(20 * 2**20), pytest.raises(OSError, match="the same command goes on"):
        run(asked)
    assert (asked.out / "fold-1" / "last.pt").read_bytes() == before
    assert not list(asked.out.rglob(".*.unfinished"))
    assert run(asked)


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Inside, no file of this process grows beyond that many bytes (EFBIG where a full disk gives ENOSPC)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def command(asked: FineTune, *options: str) -> list[str]:
    paths = {"--data": asked.data, "--out": asked.out, "--model": asked.pinned}
    return ["finetune", *(word for name, path in paths.items() for word in (name, str(path))), *options]


def test_sigterm_stops_the_command_cleanly(asked: FineTune, tmp_path: Path):
    env = {**os.environ, "CLICK99_HOME": str(tmp_path / "home"), "CLICK99_BASE_DATA": str(asked.base_data)}
    process = subprocess.Popen(
        [sys.executable, "-m", "click99.cli", *command(asked, "--minutes", "5", *CPU)],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 100
    while not (asked.out / "progress.json").exists() or told(asked)["phase"] != "training":
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGTERM)  # as `timeout` does: the crop workers hear it, too
    _, said = process.communicate(timeout=100)
    assert process.returncode == 1
    told_so = said.partition("To go on: click99 ")[2].splitlines()[0]
    again = replace(asked, home=tmp_path / "home", minutes=5)
    assert told_so == again.command().removeprefix("click99 ")
    assert [job.state for job in Jobs.at(tmp_path / "home").all()] == ["cancelled"]
    assert (asked.out / "fold-1" / "last.pt").exists()


def test_two_processes_learn_together(asked: FineTune, tmp_path: Path):
    env = {**os.environ, "CLICK99_HOME": str(tmp_path / "home"), "CLICK99_BASE_DATA": str(asked.base_data)}
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "click99.cli"]
    ran = subprocess.run(
        [sys.executable, *torchrun, *command(asked, "--minutes", "0.02", "--threads", "1")],
        env=env | {"OMP_NUM_THREADS": "1", "CLICK99_DEVICE": "cpu"},  # two processes cannot share one GPU
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("Gate: ") == 1
    assert told(asked)["phase"] == "done"
    assert [job.state for job in Jobs.at(tmp_path / "home").all()] in (["promoted"], ["not promoted"])
    logged = rows(asked.out / "fold-2" / "log.csv")
    assert int(logged[-1]["images"]) % 8 == 0  # four a process


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Database(sqlite_url(tmp_path)).reading()
    monkeypatch.setenv("CLICK99_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["finetune", "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert "nothing to collect: the record has no saved mask" in result.stderr
    shutil.rmtree(tmp_path / "run")
