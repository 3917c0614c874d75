"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("click99", deadline=None)  # on a busy machine an example takes as long as it takes
settings.load_profile("click99")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="skip what is marked slow, with the reason")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items if config.getoption("fast") else []:
        if slow := item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason=": ".join(["slow", *slow.args])))
