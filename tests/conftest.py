"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

# On a busy machine an example takes as long as it takes; in CI chance must not decide what lands.
settings.register_profile("click99", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("click99")
os.environ.setdefault("CLICK99_ENGINE", "eager")  # tests start hundreds of servers in new homes


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Training has the processor flush tiny numbers to zero, and sets threads; other tests of this process
    need them as they were."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="skip what is marked slow, with the reason")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is slow is skipped, or at least not traced: coverage costs a third of its time."""
    for item in items:
        if slow := item.get_closest_marker("slow"):
            skip = pytest.mark.skip(reason=": ".join(["slow", *slow.args]))
            item.add_marker(skip if config.getoption("fast") else pytest.mark.no_cover)
