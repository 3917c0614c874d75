"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("click99", deadline=None)  # on a busy machine an example takes as long as it takes
settings.load_profile("click99")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="skip what is marked slow, with the reason")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is slow is skipped, or at least not traced: coverage costs a third of its time."""
    for item in items:
        if slow := item.get_closest_marker("slow"):
            skip = pytest.mark.skip(reason=": ".join(["slow", *slow.args]))
            item.add_marker(skip if config.getoption("fast") else pytest.mark.no_cover)
