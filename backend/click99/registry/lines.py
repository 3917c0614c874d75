"""Which projects teach one another, and which line of versions they follow.

Projects that teach one another are a group: Label Studio's numbers joined by +, "" for all projects that
there are. The first group that teaches follows the common line, which also answers whoever has none; every
other one follows a line of its own, called as the group is.
"""

from __future__ import annotations

import re

from click99.registry.versions import Registry, Version

ALL = "all"
GROUP = re.compile(r"[0-9]{1,18}(\+[0-9]{1,18})*")
PROJECTS = "projects"  # the fact that says which group taught a version


def group_of(project: str, lines: str) -> str:
    """The group that a project is of. "" if it is none that can teach: not one of Label Studio's numbers.

    project: as the record calls it, by number, or several numbers joined by +. lines: CLICK99_LINES.
    """
    name = project.partition(".")[0]
    if lines == ALL or not GROUP.fullmatch(name):
        return ""
    wanted = set(name.split("+"))
    groups = [group.strip() for group in lines.split(",")]
    return next((group for group in groups if wanted <= set(group.split("+"))), name)


def line_of(registry: Registry, group: str) -> Registry:
    """The registry with the pointer that a group follows, or will once it is taught."""
    owner = _owner(registry)
    is_common = not (group and owner) or owner in group.split("+") or group in owner.split("+")
    return registry.of_line("" if is_common and group not in registry.lines() else group)


def start_of(line: Registry) -> Version:
    """What the training of a line's next version begins at.

    Of a new line it is what no project has taught: what was promoted by hand on the common one, or the
    shipped version.
    """
    from click99.segmentation.checkpoint import SHIPPED

    if not line.line or line.pointer().stack:
        return line.chosen()
    promoted = line.of_line("").pointer().stack
    untaught = {each.name: each for each in line.all() if "gate" not in each.facts and each.path.is_file()}
    return next((untaught[name] for name in reversed(promoted) if name in untaught), line.of(SHIPPED))


def lines_of(registry: Registry) -> list[Registry]:
    """The common line and the others, those of groups whose versions have not been promoted yet, too."""
    judged = {str(version.facts.get("line", "")) for version in registry.all()}
    return [registry.of_line(line) for line in sorted({"", *registry.lines(), *judged})]


def taught_by(line: Registry, lines: str) -> str:
    """The group that teaches a line; "": all projects together, or none yet. lines: CLICK99_LINES."""
    return "" if lines == ALL else line.line or _owner(line)


def named(group: str) -> str:
    """A group for people."""
    return f"project {group.replace('+', ' and ')}" if group else "all projects"


def _owner(registry: Registry) -> str:
    """The group that taught the common line first."""
    taught = (version.facts for version in registry.all() if not version.facts.get("line"))
    return next((str(facts[PROJECTS]) for facts in taught if facts.get(PROJECTS)), "")
