"""A hundred thousand wrong requests to a server in this process: 5xx, the slowest one, growth.

    python -m tests.benchmarks.bench_fuzz [--requests 100000] [--seed 0]
    python -m tests.benchmarks.bench_fuzz --examples 60

The requests of tests/server/fuzzing.py, and one in ten a damaged picture for the try page, in each format
that can be written here. The network is a stand-in that paints discs. A request that takes a minute ends the
run. Exit code 1 if any was answered with a 5xx.

--examples: requests that schemathesis draws from the server's schema instead, for each operation so many,
beside the edges. Exit code 1 if an answer is not as the schema tells.
"""

from __future__ import annotations

import argparse
import logging
import random
import re
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient

from click99.server.app import create_app
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.server.fuzzing import PICTURE, bent_bytes, mutated
from tests.server.schema_fuzzing import FILES, try_schema

PATIENCE = 60  # seconds
LOOKS = 50  # at the memory


def resident() -> float:
    """MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def request(choice: random.Random) -> tuple[str, bytes]:
    if choice.random() < 0.1:
        return "/try/pictures", bent_bytes(choice, choice.choice(FILES))
    return mutated(choice)


def by_schema(examples: int) -> int:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        tried = try_schema(Path(home), examples)
    print(*tried.problems, sep="\n\n")
    took, by_status = time.monotonic() - begun, dict(sorted(tried.statuses.items()))
    print(f"{tried.statuses.total()} requests in {took:.0f} s; by status {by_status}")
    print(f"{len(tried.problems)} not as told")
    return 1 if tried.problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--examples", type=int, default=0)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if asked.examples:
        return by_schema(asked.examples)
    choice = random.Random(asked.seed)
    codes, slowest, failed = Counter[int](), (0.0, b""), 0
    megabytes: list[tuple[int, float]] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        app = create_app(Settings(home=Path(home), retrain_every=0), DiscPainter())
        with TestClient(app, raise_server_exceptions=False) as client:
            client.post("/try/pictures", content=PICTURE)
            for number in range(asked.requests):
                path, sent = request(choice)
                signal.alarm(PATIENCE)
                started = time.perf_counter()
                reply = client.post(path, content=sent)
                slowest = max(slowest, (time.perf_counter() - started, f"{path} {sent[:300]!r}".encode()))
                codes[reply.status_code] += 1
                if reply.status_code >= 500:
                    failed += 1
                    print(f"{reply.status_code} {path} {reply.text}\n{sent[:3000]!r}", flush=True)
                if number % max(1, asked.requests // LOOKS) == 0:
                    megabytes.append((number, resident()))
            signal.alarm(0)
    half = megabytes[len(megabytes) // 2 :]
    numbers, sizes = zip(*half, strict=True)
    slope = 10_000 * float(np.polyfit(numbers, sizes, 1)[0]) if len(half) > 1 else 0.0
    took, by_status = time.monotonic() - begun, dict(sorted(codes.items()))
    print(f"{asked.requests} requests in {took:.0f} s; by status {by_status}")
    print(f"slowest {slowest[0]:.2f} s: {slowest[1].decode()}")
    told = ", ".join(f"{size:.0f}" for _, size in megabytes[:: max(1, LOOKS // 10)])
    print(f"resident, MB: {told}; second half {slope:+.1f} MB per 10,000 requests")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
