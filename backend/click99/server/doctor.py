"""`click99 doctor`: a row for each thing that must be right before the first click, and its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from click99.server import own_checks
from click99.server.connection import Connection
from click99.server.finding import Finding, Severity
from click99.server.label_studio_checks import check_label_studio
from click99.server.settings import Settings

MARKS: dict[Severity, str] = {"ok": "[green]✓[/]", "hint": "[yellow]–[/]", "problem": "[red]✗[/]"}


def report(settings: Settings, console: Console) -> bool:
    """Print a table of `examine`; whether there was no problem."""
    table = Table("", "Check", "Finding", title="click99 doctor", title_justify="left")
    with console.status("Checking …"):
        findings = list(examine(settings))
    for finding in findings:
        table.add_row(MARKS[finding.severity], escape(finding.subject), escape(finding.detail))
    console.print(table)
    return all(finding.severity != "problem" for finding in findings)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, one after the other; nothing in Label Studio is changed."""
    yield own_checks.check_home(settings)
    yield from own_checks.check_unaccepted(settings)
    yield from own_checks.check_refusals(settings)
    yield from own_checks.check_redis(settings)
    yield from own_checks.check_record(settings)
    yield from own_checks.check_promoted(settings)
    yield from own_checks.check_network(settings)
    yield own_checks.check_server(settings)
    yield from own_checks.check_training(settings)
    client = Connection(settings).client
    if client is None:
        yield Finding("Label Studio", "hint", "unknown: set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY")
        return
    yield from check_label_studio(settings, client)
