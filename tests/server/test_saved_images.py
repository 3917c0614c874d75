"""The image of a saved object, fetched as for a click."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from click99.annotations.database import Database, sqlite_url
from click99.annotations.saved_masks import MaskFilter, SavedMask, saved_masks
from click99.labelstudio.errors import ImageUnavailableError
from click99.server.saved_images import address, saved_images
from click99.server.settings import Settings
from tests.annotations.examples import brush_item, keep, saved
from tests.labelstudio.site import picture, running


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., SavedMask]:
    """found(**data): an object in a task of that data."""

    def found(**data: object) -> SavedMask:
        database = Database(sqlite_url(tmp_path))
        event = json.loads(saved(brush_item())) | {"task": {"id": 3, "data": data}}
        keep(database, json.dumps(event).encode())
        with database.reading() as session:
            (each,) = saved_masks(session, MaskFilter())
        return each

    return found


def test_it_comes_from_label_studio(found: Callable[..., SavedMask], tmp_path: Path):
    with running() as site:
        site.serve("/data/upload/a.png", picture(10, 6))
        images = saved_images(
            Settings(home=tmp_path, label_studio_url=site.url, label_studio_api_key="0" * 40)
        )
        assert images(found(image="/data/upload/a.png")).shape == (6, 10, 3)


@pytest.mark.parametrize(("images", "count"), [([], 0), (["/a.png", "/b.png"], 2)])
def test_a_task_of_another_number_of_images_has_none(
    found: Callable[..., SavedMask], images: list[str], count: int
):
    with pytest.raises(ImageUnavailableError, match=f"task 3: it has {count} images"):
        address(found(images=images))
