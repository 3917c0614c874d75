"""Settings and filters as options of commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from rich.markup import escape

from click99.server.settings import Settings, variable

# Settings by what a command is about: its help names those. `serve` and `doctor` name all.
RECORD = ("home", "database_url")
LABEL_STUDIO = ("label_studio_url", "label_studio_api_key")
PICTURES = (*LABEL_STUDIO, "label_studio_host", "allowed_hosts", "image_mb", "image_megapixels")
NETWORK = ("home", "registry_url", "model", "device", "threads")


def with_settings(*shown: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per setting, each with its environment variable and help text.

    What it takes besides the settings stay options of its own. shown: the settings that its help names, if
    not all; it takes the others, too.
    """

    assert {*shown} <= {*Settings.model_fields}, shown

    def given_settings(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        def run(**given: Any) -> None:
            options = {option.name: given.pop(option.name) for option in own}
            try:
                settings = Settings(**given)
            except ValidationError as error:
                raise ValueError("; ".join(map(explain, error.errors()))) from None
            command(settings, **options)

        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own]
            + [setting(name, field, shown) for name, field in Settings.model_fields.items()]
        )
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return given_settings


def setting(name: str, field: FieldInfo, shown: Sequence[str]) -> inspect.Parameter:
    """A setting as an option, shown after a command's own."""
    option = typer.Option(
        field.default,
        envvar=variable(name),
        help=escape(str(field.description)),
        rich_help_panel="Settings; the others: click99 serve --help" if shown else "Settings",
        hidden=bool(shown) and name not in shown,
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=option, annotation=field.annotation)


def explain(error: ErrorDetails) -> str:
    """One invalid setting: the variable's name where there is one, and what is wrong."""
    name = f"{variable(str(error['loc'][0]))}: " if error["loc"] else ""
    return name + error["msg"].removeprefix("Value error, ")


# Which saved masks a command is about.
OfProject = Annotated[str | None, typer.Option(help="Only this project.")]
OfLabel = Annotated[str | None, typer.Option(help="Only masks of this label.")]
OfAnnotator = Annotated[str | None, typer.Option(help="Only masks that this user saved (an id).")]
Since = Annotated[datetime | None, typer.Option(help="Only masks saved then or later (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only masks saved before (UTC).")]
Corrected = Annotated[bool, typer.Option("--corrected", help="Only masks that took more than one click.")]


def in_utc(time: datetime | None) -> datetime | None:
    """As it was typed, without a zone."""
    return time and time.replace(tzinfo=UTC)
