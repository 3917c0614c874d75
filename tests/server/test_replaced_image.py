"""A file is replaced while its task is worked on: the next object is masked on what is there now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.labelstudio.site import Site, running
from tests.server.requests import Start, body, encoded, keypoint

LARGER = (80, 48)


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as one:
        yield one


def test_another_size_is_no_error_of_the_annotator(start: Start, site: Site):
    server, url = start(allowed_hosts=site.host), site.serve("/a.png", encoded())
    assert server.post("/predict", json=body([keypoint("a", 20, 20)], url)).status_code == 200
    site.serve("/a.png", encoded(*LARGER))
    reply = server.post("/predict", json=body([keypoint("b", 70, 20, size=LARGER)], url))
    (region,) = reply.json()["results"][0]["result"]
    assert (region["original_width"], region["original_height"]) == LARGER
    old = server.post("/predict", json=body([keypoint("c", 20, 20)], url))
    assert old.status_code == 400, "this page still shows what is there no longer"
    assert "Reload the task" in old.json()["detail"]


def test_the_same_size_is_another_picture(start: Start, site: Site):
    server, url = start(allowed_hosts=site.host), site.serve("/a.png", encoded(), headers={"ETag": "1"})
    opened = body([], url) | {"params": None}
    for asked in (opened, body([keypoint("a", 20, 20)], url)):
        assert server.post("/predict", json=asked).status_code == 200
    for other in (2, 3):
        site.serve("/a.png", encoded(format="BMP"), headers={"ETag": str(other)})
        assert server.post("/predict", json=body([keypoint("b", 20, 20)], url)).status_code == 200
        assert site.answered[-1] == 200
