"""The clicks that a mask was made from, noted in its region's `meta`.

Label Studio keeps a region's `meta` in drafts, annotations and exports, and shows people only its text. So
whoever reads a region knows which clicks are part of it: after a restart, too, or on another server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from click99.labelstudio.click_group import PixelClick

CLICKS = TypeAdapter(frozenset[PixelClick])


def with_clicks(meta: Any, clicks: Iterable[PixelClick]) -> dict[str, Any]:
    """A region's `meta` with these clicks, and what people have noted there before."""
    return {**(meta if isinstance(meta, Mapping) else {}), "clicks": [list(click) for click in clicks]}


def made_from(item: Mapping[str, Any]) -> frozenset[PixelClick]:
    """The clicks that a region, as it is saved, was made from; empty for one that is not click99's."""
    try:
        return CLICKS.validate_python(item["meta"]["clicks"])
    except (ValidationError, KeyError, TypeError):
        return frozenset()
