"""Real HTTP servers on loopback, standing in for Label Studio and for image hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from click99.labelstudio.images import ImageSource
from tests.labelstudio.site import Site, Source, running


@pytest.fixture
def new_site() -> Iterator[Callable[[], Site]]:
    with ExitStack() as sites:
        yield lambda: sites.enter_context(running())


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    return new_site()


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return lambda *args, **options: ImageSource(tmp_path, *args, **options)
