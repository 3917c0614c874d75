"""Values as other programs leave them in a task: read as far as they make sense."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

Model = TypeVar("Model", bound=BaseModel)

# Far outside any image there is nothing to draw, and no room for overflows.
Percent = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a character, alone or with its other half
VARIABLE = re.compile(r"\$[\w[\].{}]+")  # in a label config; the editor's, which knows ASCII only


def read_json(model: type[Model], body: bytes) -> Model:
    """As `model_validate_json`, also where text holds half a character, as programs leave it that cut emoji:
    that is read as "?". A mark of the order of bytes before the text is no part of it."""
    body = body.removeprefix(BOM_UTF8)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
            raise
        return model.model_validate_json(_without_halves(body))


def _without_halves(body: bytes) -> bytes:
    """Itself where it has none, or is no JSON."""
    if not HALF.search(body):
        return body
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return body


def name_of(value: Any) -> str:
    """An id or a name as text: some programs send numbers. Anything else is none: ""."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def names_of(value: Any) -> list[str]:
    """Those in a list, or one alone; nothing else holds any."""
    return [name for name in map(name_of, value if isinstance(value, list) else [value]) if name]


def listed(value: Any) -> list[dict[str, Any]]:
    """One object or many; only objects count, and their ids are text."""
    items = value if isinstance(value, list) else [value]
    return [_with_id(item) for item in items if isinstance(item, dict)]


def _with_id(item: dict[str, Any]) -> dict[str, Any]:
    own = item.get("id")
    return item if isinstance(own, str) or own is None else {**item, "id": name_of(own)}


def items_of(value: Any) -> Any:
    """Those of a list; null has none."""
    return [] if value is None else value


def objects(value: Any) -> list[dict[str, Any]]:
    """Only what is a list of objects counts: imports and other programs leave all kinds of things there."""
    return listed(value) if isinstance(value, list) else []


def fields(value: Any) -> dict[str, Any]:
    """Only an object has any."""
    return value if isinstance(value, dict) else {}


def value_of(text: str, data: Mapping[str, Any]) -> Any:
    """What an attribute of a label config stands for in a task, as the editor reads it; None: it has none.

    "$image" is a field of any kind, "$pages[1].url" a part of one, "http://host/$file" a text with one in it,
    and anything else itself. A field's own name may hold dots, and whatever else the editor does not read.
    """
    if text.startswith("$") and text[1:] in data:
        return data[text[1:]]
    if VARIABLE.fullmatch(text):
        return _part(data, text[1:])
    parts = [name_of(_part(data, variable[1:])) for variable in VARIABLE.findall(text)]
    return "".join(map("".join, zip(VARIABLE.split(text), [*parts, ""], strict=True))) if all(parts) else None


def _part(data: Mapping[str, Any], path: str) -> Any:
    if path in data:
        return data[path]
    found: Any = data
    for key in re.findall(r"[^.[\]]+", path):
        if isinstance(found, list):
            found = found[int(key)] if key.isdecimal() and int(key) < len(found) else None
        else:
            found = found.get(key) if isinstance(found, Mapping) else None
    return found


def size_of(value: Any) -> Any:
    """Of an image; 0 and "" tell none."""
    return value or None


def which_of(value: Any) -> Any:
    """Of several; "" tells none."""
    return None if value == "" else value


Text = str | float | None  # what is read as a name, as the schema tells it
Name = Annotated[str, BeforeValidator(name_of, Text)]
Which = Annotated[int | None, BeforeValidator(which_of)]
Size = Annotated[int | None, BeforeValidator(size_of), AfterValidator(size_of)]  # "0" is 0 only then
Names = Annotated[list[str], BeforeValidator(names_of, Text | list[Text])]
Objects = Annotated[list[Any], BeforeValidator(objects)]
