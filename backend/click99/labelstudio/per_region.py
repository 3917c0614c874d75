"""What people filled in for a region, with Choices, Rating and the other controls of perRegion="true".

Label Studio keeps each as a result of its own, under the region's id, and puts an answer of that id in the
place of them all: what does not come with the answer is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Type -> the field of its value. The rest of such a value repeats the region's, as it was.
FIELDS = {
    "choices": "choices",
    "datetime": "datetime",
    "number": "number",
    "rating": "rating",
    "taxonomy": "taxonomy",
    "textarea": "text",
}


def filled_in(items: Iterable[Mapping[str, Any]], region: str) -> Iterator[dict[str, Any]]:
    """Of saved results, those of that region's id, as they go beside its next mask."""
    for item in items:
        field, value = FIELDS.get(str(item.get("type"))), item.get("value")
        if item.get("id") == region and isinstance(value, Mapping) and field in value:
            meta = {"meta": _own(item["meta"])} if "meta" in item else {}
            yield {**item, "value": {field: value[field]}, **meta}


def _own(meta: Any) -> dict[str, Any]:
    """What of a result's `meta` does not repeat the region's note and clicks."""
    own = meta if isinstance(meta, Mapping) else {}
    return {name: told for name, told in own.items() if name not in ("text", "clicks")}
