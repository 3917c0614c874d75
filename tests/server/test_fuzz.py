"""Whole requests, grown from the recorded ones by mutation: whatever comes, no 5xx."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.requests import IMAGE, body, keypoint

RECORDED = Path(__file__).parents[1] / "payloads"
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 0.5, 127.5, 1e76, -1e76, 1e308, 10**18, 10**300, "nan", "1e999", "7"),
    *("", "x", "\x00", "\n\x1b[31m", "é" * 9, "x" * 5000, "$image", "../../etc", "http://[", "data:,"),
    *([], [None], ["x"], [[]], [1e308] * 3, {}, {"a": 1}, {"id": []}, {"counts": "ab", "size": [1, 1]}),
]


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


SEEDS = list(recorded())


def places(value: Any, parent: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every container and key in it; of long lists of numbers the first ones only."""
    if parent is not None:
        yield parent, key
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for number, (name, part) in enumerate(list(inner)):
        if number < 8 or not isinstance(part, int):
            yield from places(part, value, name)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    path, seed = draw(st.sampled_from(SEEDS))
    whole = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 4))):
        found = list(places(whole))
        if not found:
            break
        parent, key = found[draw(st.integers(0, len(found) - 1))]
        deed = draw(st.sampled_from(["odd", "odd", "odd", "drop", "swap", "again"]))
        if deed == "drop":
            del parent[key]
        elif deed == "again" and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        elif deed == "swap":
            other, name = found[draw(st.integers(0, len(found) - 1))]
            parent[key] = copy.deepcopy(other[name]) if name in other or isinstance(other, list) else None
        else:
            parent[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return path, whole


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from click99.server.app import create_app
    from click99.server.settings import Settings
    from tests.disc_painter import DiscPainter

    home = tmp_path_factory.mktemp("fuzz")
    with TestClient(create_app(Settings(home=home, retrain_every=0), DiscPainter())) as client:
        yield client


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))  # pyright: ignore[reportArgumentType]
@given(sent=mutated())
def test_no_request_is_answered_with_a_5xx(fuzzed: TestClient, sent: tuple[str, Any]):
    path, whole = sent
    if isinstance(whole, dict) and whole.get("action") == "START_TRAINING":
        return
    reply = fuzzed.post(path, content=json.dumps(whole).encode())
    assert reply.status_code < 500, f"{path}: {reply.text}\n{json.dumps(whole)[:3000]}"
