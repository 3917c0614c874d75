"""The commands `click99 models …`, for people; servers and fine-tunes use `versions.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from click99.registry.diff import WeightChange, facts_of, moved
from click99.registry.gate_facts import challenger, gate_facts, trials_told
from click99.registry.job import Job
from click99.registry.jobs import Jobs
from click99.registry.lines import GROUP, PROJECTS, lines_of, named, taught_by
from click99.registry.versions import Registry, RegistryError, Version
from click99.registry.watched import IMAGES, WatchedVersion, watch_facts, watched

models = typer.Typer(
    no_args_is_help=True,
    help="Model versions: what there is, what is served, and the fine-tunes that make new ones.",
)

Home = Annotated[Path, typer.Option(envvar="CLICK99_HOME", help="Folder of the record and the models.")]
Url = Annotated[
    str, typer.Option(envvar="CLICK99_REGISTRY_URL", help="Where machines share their model versions.")
]
Project = Annotated[str, typer.Option(help="Whose line of versions, by number; unset: the common one.")]
Pin = Annotated[
    Path | None, typer.Option(envvar="CLICK99_MODEL", help="The checkpoint that servers are pinned to.")
]
HOME = Path("~/.click99")
DECIDED = {"person": "by hand", "gate": "by the gate", "watch": "by the watch"}


@models.command("list")
def list_versions(home: Home = HOME, registry_url: Url = "", model: Pin = None) -> None:
    """Show every version, the oldest first, and which one is served.

    click99 models list --home ~/.click99
    """
    registry = Registry.pulled(_there(home), registry_url)
    lines = [registry] if model else lines_of(registry)
    served = {line.chosen(model).name for line in lines}
    shown = {version.name: version for version in [registry.chosen(model), *registry.all()]}
    table = Table("", "version", "added", "trained from", "gate", "taught by")
    for version in sorted(shown.values(), key=lambda version: version.made_at):
        mark, taught = "→" if version.name in served else "", version.facts.get(PROJECTS)
        facts = version.parent or "–", verdict(version), named(str(taught)) if taught else "–"
        table.add_row(mark, version.name, _time(version.made_at), *map(escape, facts))
    Console().print(table)
    for line in lines:
        for told in _standing(line, model):
            Console().print(escape(told), soft_wrap=True)


@models.command()
def show(
    name: Annotated[str, typer.Argument(help="A version's name; unset: the served one.")] = "",
    home: Home = HOME,
    registry_url: Url = "",
    model: Pin = None,
) -> None:
    """Show all that is known of a version.

    click99 models show compact-1f0c9a2b
    """
    registry = Registry.pulled(_there(home), registry_url)
    version = _named(registry, name, model)
    table = Table("")
    table.add_column(version.name, overflow="fold")
    size = f"{version.path.stat().st_size / 1e6:.1f} MB" if version.path.is_file() else "deleted"
    for fact, value in facts_of(version).items():
        table.add_row(fact, escape(value))
    for move in registry.pointer().moves:
        if move.version == version.name:
            table.add_row(f"promoted {_time(move.at)}", escape(f"{move.why} ({DECIDED[move.by]})"))
    table.add_row("SHA-256", version.sha256)
    table.add_row(f"file ({size})", escape(str(version.path)))
    Console().print(table)


@models.command()
def promote(
    version: Annotated[str, typer.Argument(help="A version's name, or a .safetensors file to add as one.")],
    why: Annotated[str, typer.Option(help="Kept with the decision.")] = "by hand",
    project: Project = "",
    home: Home = HOME,
    registry_url: Url = "",
    model: Pin = None,
) -> None:
    """Serve a version. Running servers follow within seconds; objects in progress end on the one before.

    What a project that has a line of its own taught is served there.

    click99 models promote runs/mine/compact.safetensors --why "better on nuclei"
    """
    registry = Registry.pulled(home, registry_url)
    chosen = registry.add(Path(version)) if version.endswith(".safetensors") else registry.get(version)
    line = registry.of_line(_line(registry, project) or str(chosen.facts.get("line", "")))
    before = line.chosen().name
    _tell(line.promote(chosen.name, why).name, before, line, model)


@models.command()
def rollback(project: Project = "", home: Home = HOME, registry_url: Url = "", model: Pin = None) -> None:
    """Serve the version that was served before.

    click99 models rollback
    """
    registry = Registry.pulled(home, registry_url)
    line = registry.of_line(_line(registry, project))
    before = line.chosen().name
    _tell(line.rollback().name, before, line, model)


@models.command()
def diff(
    one: Annotated[str, typer.Argument(help="A version's name.")],
    other: Annotated[str, typer.Argument(help="Another's; unset: ONE and what it was trained from.")] = "",
    home: Home = HOME,
    registry_url: Url = "",
    model: Pin = None,
) -> None:
    """Show what tells two versions apart: facts, gate figures, and how far the weights moved.

    click99 models diff compact-1f0c9a2b compact-7e4d21c0
    """
    registry = Registry.pulled(_there(home), registry_url)
    new = _named(registry, other or one, model)
    if not other and new.parent is None:
        raise RegistryError(f"{one} was trained from no version: name another one to compare it with")
    old = _named(registry, one if other else str(new.parent), model)
    Console().print(_facts_table(old, new))
    Console().print(_moved_table(moved(old, new), f"From {old.name} to {new.name}"))


def verdict(version: Version) -> str:
    """The gate's decision and its clicks to 90 % IoU on collected images, as far as they were noted."""
    gate = gate_facts(version)
    if not gate:
        return "–"
    return gate.decided + (f", {gate.clicks[0]:.2f} → {gate.clicks[1]:.2f} clicks" if gate.clicks else "")


def _there(home: Path) -> Path:
    """For what only reads. RegistryError: nobody has made that folder."""
    if not home.expanduser().exists():
        raise RegistryError(f"{home} is not there. Name the server's CLICK99_HOME (--home)")
    return home


def _named(registry: Registry, name: str, model: Path | None) -> Version:
    """A version that was added, or the served one; "": the served one."""
    if name:
        with suppress(RegistryError):
            return registry.get(name)
    served = registry.chosen(model)
    return served if name in ("", served.name) else registry.get(name)


def _line(registry: Registry, project: str) -> str:
    """The line of a project, by number: one that there is, or a new one. "": the common one.

    RegistryError when it is no number.
    """
    if project and not GROUP.fullmatch(project):
        raise RegistryError(f"--project {project}: give Label Studio's number, as its address shows it")
    members, there = {*project.split("+")}, [line.line for line in lines_of(registry) if line.line]
    is_common = not members.isdisjoint(taught_by(registry, "").split("+"))
    return next((line for line in there if members <= {*line.split("+")}), "" if is_common else project)


def _standing(line: Registry, model: Path | None) -> Iterator[str]:
    """What is served, who challenges it, and how it is watched."""
    served, whose = line.chosen(model), f" in {named(line.line)}" if line.line else ""
    yield f"→ {served.name} is served{whose}: {_why_served(line, model)}."
    if challenging := challenger(line, served):
        yield f"{challenging.name} challenges it: {challenging.facts['gate'].get('reason', '')}"
        yield trials_told(challenging)
    if not model and (now := watched(line)):
        yield _how_watched(now)


def _why_served(line: Registry, model: Path | None) -> str:
    if model:
        return f"servers are pinned to {model}"
    if moves := line.pointer().moves:
        return f"{moves[-1].why}, {_time(moves[-1].at)} UTC"
    return "nothing that it taught is better yet" if line.line else "it is the shipped one"


def _how_watched(now: WatchedVersion) -> str:
    told = watch_facts(now.version).get("problem") or watch_facts(now.version).get("said")
    how = f"{now.version.name} is watched against {now.before}: every {IMAGES} images annotated with it"
    return f"{how} judge both. " + (f"So far: {told}." if told else "None has yet.")


def _tell(name: str, before: str, line: Registry, model: Path | None) -> None:
    whose = f" in {named(line.line)}" if line.line else ""
    typer.echo(
        f"{name} is served{whose} now, instead of {before}."
        if name != before
        else f"{name} is served{whose} already."
    )
    if not line.line and (others := ", ".join(map(named, line.lines()))):
        typer.echo(f"Not in {others}: what is served there stays. Choose it there: --project", err=True)
    if model:
        typer.echo(f"But CLICK99_MODEL pins servers to {model}: unset it for them to follow.", err=True)


def _time(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _facts_table(old: Version, new: Version) -> Table:
    facts = facts_of(old), facts_of(new)
    table = Table("", old.name, new.name)
    for name in dict.fromkeys([*facts[0], *facts[1]]):
        values = [escape(side.get(name, "–")) for side in facts]
        table.add_row(name, *values, style="dim" if values[0] == values[1] else "")
    return table


def _moved_table(parts: list[WeightChange], title: str) -> Table:
    table = Table("", "weights", "of them changed", "|change| / |before|", "largest", title=title)
    for part in parts:
        changed = f"{part.moved / part.weights:.1%}"
        table.add_row(part.part, f"{part.weights:,}", changed, f"{part.share:.3%}", f"{part.largest:.2g}")
    return table


@models.command("jobs")
def list_jobs(home: Home = HOME) -> None:
    """Show the fine-tunes, those by hand too, the oldest first, and how they ended.

    click99 models jobs
    """
    found = Jobs.at(_there(home)).all()
    if not found:
        typer.echo("No job was started yet.")
        return
    table = Table("", "state", "started", "by")
    table.add_column("how it stands", overflow="fold")
    for job in found:
        table.add_row(
            str(job.number), standing(job), _time(job.started_at), escape(job.why), escape(job.message)
        )
    Console().print(table)


@models.command()
def cancel(
    number: Annotated[int | None, typer.Argument(help="A job; unset: the running one.")] = None,
    home: Home = HOME,
) -> None:
    """Stop a fine-tune. `click99 finetune --out` with its folder goes on from there.

    click99 models cancel 3
    """
    typer.echo(f"Job {Jobs.at(home).cancel(number).number} is told to stop.")


def standing(job: Job) -> str:
    """Its state, and how far it is: "running, 40%, 6 min left"."""
    if job.state != "running":
        return job.state
    share, left = job.share, job.seconds_left
    return f"running, {share:.0%}" + (f", {max(1, round(left / 60))} min left" if left else "")
