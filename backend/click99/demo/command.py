"""The command: start both programs, fill the project, say what to do, wait, end everything."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer
from filelock import FileLock, Timeout
from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from click99.demo.errors import DemoError
from click99.demo.label_studio import Account, start_label_studio
from click99.demo.pictures import pictures
from click99.demo.programs import HOST, Program, free_port
from click99.demo.project import add_pictures, connect, find_or_create
from click99.labelstudio.client import Client


def demo(
    folder: Path = typer.Option(Path(".demo"), help="Keeps data and logs; delete it to start anew."),
    label_studio: str = typer.Option("label-studio", help="The label-studio program, by name or path."),
) -> None:
    """Start Label Studio with sample pictures and click99 connected to it, until Ctrl-C.

    click99 demo --label-studio ~/label-studio/bin/label-studio
    """
    console = Console()
    try:
        with ExitStack() as stack:
            run(folder.resolve(), label_studio, console, stack)
    except KeyboardInterrupt:
        console.print("The demo has ended.")


def run(folder: Path, label_studio: str, console: Console, stack: ExitStack) -> None:
    """The demo, until KeyboardInterrupt or an error; `stack` ends what was started."""
    pictures()  # they may be missing: to be said before anything starts
    folder.mkdir(parents=True, exist_ok=True)
    stack.enter_context(alone_in(folder))
    stack.enter_context(ended_by_signals())
    account = Account.kept_in(folder / "login.json")
    studio = stack.enter_context(start_label_studio(label_studio, account, free_port(8080), folder))
    click99 = stack.enter_context(start_click99(studio, account, free_port(9090), folder))
    project = prepare(studio, click99, account, console)
    console.print(Panel(guide(f"{studio.url}/projects/{project}/data", account), title="Ready", expand=False))
    console.print(f"Ctrl-C ends both. Logs and data: {folder}", soft_wrap=True)
    console.print("For click99 stats, finetune and others, first, in another terminal:")
    console.print(exports(surroundings(studio.url, account, folder)), soft_wrap=True, highlight=False)
    while True:
        studio.check()
        click99.check()
        time.sleep(1)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """DemoError when another demo runs in `folder`: two Label Studios must not share one database."""
    try:
        lock = FileLock(folder / "lock").acquire(blocking=False)
    except Timeout as held:
        raise DemoError(f"A demo already runs in {folder}: end it, or choose another --folder.") from held
    with lock:
        yield


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal raise KeyboardInterrupt as Ctrl-C does; a second one changes nothing."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(*_: object) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [signal.signal(number, end) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def surroundings(studio: str, account: Account, folder: Path) -> dict[str, str]:
    """The variables by which any command of click99 finds the demo."""
    return {
        "CLICK99_HOME": str(folder / "click99"),
        "LABEL_STUDIO_URL": studio,
        "LABEL_STUDIO_API_KEY": account.token,
    }


def exports(variables: dict[str, str]) -> str:
    """For a shell."""
    return "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())


def start_click99(studio: Program, account: Account, port: int, folder: Path) -> Program:
    """`click99 serve` for that Label Studio."""
    command = [sys.executable, "-m", "click99.cli", "serve", "--host", HOST, "--port", str(port)]
    environment = os.environ | surroundings(studio.url, account, folder)
    environment |= {"CLICK99_BASIC_AUTH_USER": "", "CLICK99_BASIC_AUTH_PASSWORD": ""}
    return Program("click99", command, port, folder / "click99.log", environment)


def prepare(studio: Program, click99: Program, account: Account, console: Console) -> int:
    """Wait for both programs and fill the project, showing how far it is -> the project's id."""
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        for program, seconds, hint in ((studio, 600, ", the first time a minute or two"), (click99, 120, "")):
            task = progress.add_task(f"{program.name} starts{hint}", total=1)
            program.wait_until_up(seconds)
            progress.update(task, completed=1)
        task = progress.add_task("Project with sample pictures", total=1)
        client = Client(studio.url, account.token, timeout=60)
        project = find_or_create(client)
        add_pictures(client, project)
        connect(client, project, click99.url)
        progress.update(task, completed=1)
    return project


def guide(address: str, account: Account) -> Table:
    """What to open and the gestures to know."""
    table = Table.grid(padding=(0, 3))
    rows = {
        "Open": address,
        "Log in": f"{account.email}   password: {account.password}",
        "Once": 'Open a picture, switch on "Auto-Annotation" below it, press M: the pink dots in the toolbar',
        "Click": "Click the object: a mask appears; more clicks improve it",
        "Alt+click": "Alt+click what the mask should leave out (background)",
        "Ctrl": "Hold it, too, to click on a mask that was kept; without it the mask is selected, until Esc",
        "1, 2, 3": "Another label: click the kept mask, press its key, Esc",
        "✓": "Below the picture: keep the mask. Auto-Accept, beside it, keeps every mask. Then Submit",
    }
    for name, text in rows.items():
        table.add_row(f"[bold]{name}[/bold]", text)
    return table
