"""Whole requests, grown from the recorded ones by mutation."""

from __future__ import annotations

import copy
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.server.requests import IMAGE, body, encoded, keypoint

RECORDED = Path(__file__).parents[1] / "payloads"
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 0.5, 127.5, 1e76, -1e76, 1e308, 10**18, 10**300, "nan", "1e999", "7"),
    *("", "x", "\x00", "\n\x1b[31m", "é" * 9, "x" * 5000, "$image", "../../etc", "http://[", "data:,"),
    *([], [None], ["x"], [[]], [1e308] * 3, {}, {"a": 1}, {"id": []}, {"counts": "ab", "size": [1, 1]}),
]
DEEDS = ["odd", "odd", "odd", "bend", "bend", "drop", "swap", "again"]
PICTURE = encoded()


def recorded() -> Iterator[tuple[str, Any]]:
    """Path and body; their picture is one that can be read."""
    for file in sorted(RECORDED.glob("*_*.json")):
        text = file.read_text().replace("/data/upload/1/0a1b2c3d-leaf.png", IMAGE)
        yield f"/{file.name.partition('_')[0]}", json.loads(text)
    box = {"x": 10, "y": 10, "width": 30, "height": 30, "rotation": 5, "rectanglelabels": ["cell"]}
    yield "/predict", body([keypoint("a", 20, 20), {"type": "rectanglelabels", "value": box}])
    opened = body(None)
    found = [{"id": "b", "type": "rectanglelabels", "to_name": "image", "value": box}, keypoint("a", 20, 20)]
    opened["tasks"][0]["predictions"] = [{"id": 1, "result": found, "created_at": "2026-01-01"}]
    yield "/predict", opened
    prompts = [{"id": "prompt-1", "left": 9, "top": 9, "right": 30, "bottom": 30}]
    prompts += [{"id": "prompt-2", "x": 20, "y": 20, "positive": True}]
    yield "/try/masks", {"picture": hashlib.sha256(PICTURE).hexdigest(), "prompts": prompts}


SEEDS = list(recorded())


def places(value: Any, parent: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every container and key in it; of long lists of numbers the first ones only."""
    if parent is not None:
        yield parent, key
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for number, (name, part) in enumerate(list(inner)):
        if number < 8 or not isinstance(part, int):
            yield from places(part, value, name)


def mutated(choice: random.Random) -> tuple[str, bytes]:
    """Path and body of a request that is wrong in up to four places. The event that starts a training stays
    out."""
    path, seed = choice.choice(SEEDS)
    whole = copy.deepcopy(seed)
    for _ in range(choice.randint(1, 4)):
        found = list(places(whole))
        if not found:
            break
        mutate(choice, *choice.choice(found), found)
    if isinstance(whole, dict) and whole.get("action") == "START_TRAINING":
        whole["action"] = "ANNOTATION_CREATED"
    return path, json.dumps(whole).encode()


def mutate(choice: random.Random, parent: Any, key: Any, found: list[tuple[Any, Any]]) -> None:
    deed = choice.choice(DEEDS)
    if deed == "drop":
        del parent[key]
    elif deed == "again" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif deed == "swap":
        other, name = choice.choice(found)
        parent[key] = copy.deepcopy(other[name]) if name in other or isinstance(other, list) else None
    elif deed == "bend" and isinstance(parent[key], str | list):
        parent[key] = bent(choice, parent[key])
    else:
        parent[key] = copy.deepcopy(choice.choice(ODD))


def bent(choice: random.Random, value: str | list[Any]) -> Any:
    """A text or a list with one part changed, put in or left out: label configs, pictures, run lengths."""
    at, length = choice.randint(0, len(value)), choice.choice((0, 1, 1, 50))
    part = choice.choice(("<", ">", '"', "/", "$", "A", "\ud83d", "")) if isinstance(value, str) else None
    middle: Any = part if isinstance(value, str) else choice.choice(([], [255], [0] * 9, [None]))
    return value[:at] + middle + value[at + length :]


def bent_bytes(choice: random.Random, data: bytes) -> bytes:
    """A file with one part changed, put in or left out."""
    at, length = choice.randint(0, len(data)), choice.choice((0, 1, 4, 50, len(data)))
    return data[:at] + choice.randbytes(choice.choice((0, 1, 4, 9))) + data[at + length :]
