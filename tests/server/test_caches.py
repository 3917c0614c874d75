"""CLICK99_CACHE_MB bounds what is kept to be quick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from click99.labelstudio.regions import decoded
from click99.server.caches import FEATURES, PICTURES, TRY_PAGE, bound_masks
from click99.server.image_source import image_source
from click99.server.models import load_predictor
from click99.server.settings import Settings
from click99.sessions.recent_answers import unpacked
from tests.server.requests import Start, data_uri

MB = 2**20


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    bound_masks(Settings())


def test_all_shares_are_the_whole():
    bound_masks(Settings())
    shares = [share.of(Settings()) for share in (PICTURES, FEATURES, TRY_PAGE)]
    assert sum(shares) + decoded.most + unpacked.most == 1024 * MB


def test_a_server_bounds_decoded_masks(start: Start):
    start(cache_mb=16)
    assert (decoded.most, unpacked.most) == (2 * MB, MB)


@pytest.mark.parametrize(("cache_mb", "kept"), [(16, False), (64, True)])
def test_pictures_have_half_of_it(tmp_path: Path, cache_mb: int, kept: bool):
    source = image_source(Settings(home=tmp_path, cache_mb=cache_mb), None)
    five_megabytes = [np.full((1300, 1300, 3), value, np.uint8) for value in (7, 8)]
    first, second = (data_uri(cv2.imencode(".png", pixels)[1].tobytes()) for pixels in five_megabytes)
    before = source.get(first).pixels
    source.get(second)
    assert (source.get(first).pixels is before) == kept


def test_a_network_s_features_have_a_quarter(tmp_path: Path):
    assert load_predictor(Settings(home=tmp_path, cache_mb=16)).features.maxsize == 4 * MB
