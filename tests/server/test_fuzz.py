"""Whatever comes, no 5xx, and nothing that the schema does not tell; more of it: benchmarks/bench_fuzz.py."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.fuzzing import PICTURE, bent_bytes, mutated
from tests.server.schema_fuzzing import try_schema


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    from click99.server.app import create_app
    from click99.server.settings import Settings
    from tests.disc_painter import DiscPainter

    home = tmp_path_factory.mktemp("fuzz")
    with TestClient(create_app(Settings(home=home, retrain_every=0), DiscPainter())) as client:
        assert client.post("/try/pictures", content=PICTURE).status_code == 200
        yield client


@pytest.mark.slow("hundreds of requests")
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))  # pyright: ignore[reportArgumentType]
@given(choice=st.randoms(use_true_random=False))
def test_no_request_is_answered_with_a_5xx(fuzzed: TestClient, choice: random.Random):
    path, sent = mutated(choice)
    reply = fuzzed.post(path, content=sent)
    assert reply.status_code < 500, f"{path}: {reply.text}\n{sent[:3000]}"


@pytest.mark.slow("many files")
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))  # pyright: ignore[reportArgumentType]
@given(choice=st.randoms(use_true_random=False))
def test_no_file_is_answered_with_a_5xx(fuzzed: TestClient, choice: random.Random):
    sent = bent_bytes(choice, PICTURE)
    reply = fuzzed.post("/try/pictures", content=sent)
    assert reply.status_code in (200, 422), f"{reply.text}\n{sent}"


@pytest.mark.slow("a thousand requests")
@pytest.mark.timeout(900)
def test_every_answer_is_as_the_schema_tells(tmp_path: Path):
    tried = try_schema(tmp_path, examples=5)
    assert not tried.problems, "\n\n".join(tried.problems)
    assert {200, 400, 404, 405, 422} <= tried.statuses.keys(), "each kind of answer was there to be judged"
