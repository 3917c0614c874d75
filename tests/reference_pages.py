"""What is made from the code: reference pages, and the settings that the Helm chart takes.

`python -m tests.reference_pages` writes them.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from typer.core import TyperGroup
from typer.main import get_group

from click99.cli import app
from click99.server.settings import Settings, variable

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/reference"
CHART_SCHEMA = ROOT / "docker/helm/values.schema.json"
OF_THE_CHART = ("host", "port", "home", "workers", "replicas")  # what it or the image sets, not a release
BOUNDS = ("type", "enum", "minimum", "exclusiveMinimum", "maximum")
MADE = "<!-- Made from the code by `python -m tests.reference_pages`. -->"

SETTINGS_HEAD = (
    "# Settings\n\n"
    "Each is an option of `click99 serve` and of the commands that [take the settings](commands.md), and an "
    "environment variable. Options win over variables, variables over defaults; a variable that is set but "
    "empty counts as unset. What becomes of a setting that goes: [compatibility](compatibility.md).\n\n"
    "| variable | option | default | meaning |\n|---|---|---|---|\n"
)
COMMANDS_HEAD = (
    "# Commands\n\n"
    "`click99 COMMAND --help` shows the same. *Settings*: it takes all [settings](settings.md), too, as "
    "options and as variables; its help names those that matter most to it. A failure that can be mended is "
    "one sentence on stderr, and exit code 2.\n\n"
)


def settings_page() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        option = f"--{name.replace('_', '-')}"
        rows.append(row(f"`{variable(name)}`", f"`{option}`", default(field.default), str(field.description)))
    return f"{SETTINGS_HEAD}{''.join(rows)}\n{MADE}\n"


def commands_page() -> str:
    sections = [section(name, command) for name, command in commands(get_group(app))]
    return "\n".join([COMMANDS_HEAD + sections[0], *sections[1:], f"{MADE}\n"])


def commands(group: TyperGroup, path: str = "click99") -> list[tuple[str, Any]]:
    """Every command with its whole name, those of groups too."""
    found = []
    for name, one in group.commands.items():
        whole = f"{path} {name}"
        found += commands(one, whole) if isinstance(one, TyperGroup) else [(whole, one)]
    return found


def section(name: str, command: Any) -> str:
    settings = {*Settings.model_fields} <= {parameter.name for parameter in command.params}
    own = [one for one in command.params if not (settings and one.name in Settings.model_fields)]
    arguments = [one for one in own if one.param_type_name == "argument"]
    usage = " ".join([name, *(words(one) for one in arguments), "[OPTIONS]" * bool(own or settings)])
    rows = "".join(row(f"`{words(one)}`", default_of(one), one.help or "") for one in own)
    table = f"\n| argument or option | default | meaning |\n|---|---|---|\n{rows}" if rows else ""
    *prose, last = paragraphs(command)
    told = re.sub(r"\(docs/(\S+\.md)\)", r"([more](../\1))", "\n\n".join(prose))
    return f"## `{usage}`\n\n{told}{' *Settings.*' * settings}\n\nExample: `{last}`\n{table}"


def paragraphs(command: Any) -> list[str]:
    """Of its help, a line each. The last one is an example."""
    return [" ".join(part.split()) for part in inspect.cleandoc(command.help).split("\n\n")]


def words(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        return max(parameter.opts, key=len)
    name = parameter.name.upper()
    name = f"{name}…" if parameter.nargs != 1 else name
    return name if parameter.required else f"[{name}]"


def default_of(parameter: Any) -> str:
    return "required" if parameter.required else default(parameter.default)


def default(value: Any) -> str:
    return "" if value is None or value is False or value == "" else f"`{value}`"


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def chart_schema() -> str:
    """The chart's own, with the settings as they are now."""
    schema = json.loads(CHART_SCHEMA.read_text())
    told = Settings.model_json_schema(by_alias=False)["properties"]
    settings = {variable(name): bounds(one) for name, one in told.items() if name not in OF_THE_CHART}
    settings[variable("threads")]["minimum"] = 1  # as many as the node's cores would starve other pods
    schema["properties"]["settings"]["properties"] = settings
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def bounds(field: dict[str, Any]) -> dict[str, Any]:
    """A field's JSON schema without its default, which stays click99's."""
    one = field | field.get("anyOf", [{}])[0]
    return {"description": field["description"]} | {name: one[name] for name in BOUNDS if name in one}


MADE_FILES = {
    FOLDER / "settings.md": settings_page,
    FOLDER / "commands.md": commands_page,
    CHART_SCHEMA: chart_schema,
}

if __name__ == "__main__":
    for file, made in MADE_FILES.items():
        file.write_text(made())
