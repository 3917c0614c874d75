"""Values as other programs leave them in a task: read as far as they make sense."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

# Far outside any image there is nothing to draw, and no room for overflows.
Percent = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


def name_of(value: Any) -> str:
    """An id or a name as text: some programs send numbers. Anything else is none: ""."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def names_of(value: Any) -> list[str]:
    """Those in a list; nothing else holds any."""
    return [name for name in map(name_of, value) if name] if isinstance(value, list) else []


def listed(value: Any) -> list[dict[str, Any]]:
    """One object or many; only objects count, and their ids are text."""
    items = value if isinstance(value, list) else [value]
    return [_with_id(item) for item in items if isinstance(item, dict)]


def _with_id(item: dict[str, Any]) -> dict[str, Any]:
    own = item.get("id")
    return item if isinstance(own, str) or own is None else {**item, "id": name_of(own)}


def objects(value: Any) -> list[dict[str, Any]]:
    """Only what is a list of objects counts: imports and other programs leave all kinds of things there."""
    return listed(value) if isinstance(value, list) else []


Name = Annotated[str, BeforeValidator(name_of)]
Names = Annotated[list[str], BeforeValidator(names_of)]
Objects = Annotated[list[Any], BeforeValidator(objects)]
