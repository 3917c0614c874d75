"""Whatever comes, no 5xx: requests that are wrong in a few places; more of them: benchmarks/bench_fuzz.py."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.fuzzing import PICTURE, bent_bytes, mutated


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
