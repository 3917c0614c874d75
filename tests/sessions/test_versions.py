"""An object is finished on the version that it was begun with."""

from __future__ import annotations

import numpy as np
import pytest

from backend.segmentation.clicks import Click
from backend.sessions import MemoryStore, Sessions, Versions
from backend.sessions.refiner import Refiner
from backend.sessions.stores import Store
from tests.disc_painter import DiscPainter

IMAGE = np.zeros((48, 64, 3), np.uint8)
CLICKS = [("a", Click(10, 12, True)), ("b", Click(30, 20, True)), ("c", Click(14, 15, False))]


class Larger(DiscPainter):
    radius = 16


OLD, NEW = DiscPainter("old"), Larger("new")


def sessions(current: Refiner, notes: Store, *older: Refiner) -> Sessions:
    """A server that was just started with `current`: it knows no mask."""
    by_name = {refiner.version: refiner for refiner in older}
    return Sessions(current, MemoryStore(1 << 20, 60), versions=Versions(current, notes, by_name.get))


@pytest.fixture
def notes() -> Store:
    return MemoryStore(1 << 20, 60)


def alone(refiner: Refiner, count: int) -> np.ndarray:
    return Sessions(refiner, MemoryStore(1 << 20, 60)).mask("image", IMAGE, CLICKS[:count])


def test_an_open_object_is_finished_on_its_version(notes: Store):
    sessions(OLD, notes).mask("image", IMAGE, CLICKS[:2])
    deployed = sessions(NEW, notes, OLD)
    assert np.array_equal(deployed.mask("image", IMAGE, CLICKS), alone(OLD, 3))
    assert deployed.version_of(CLICKS) == "old"
    assert not np.array_equal(alone(OLD, 3), alone(NEW, 3))


@pytest.mark.parametrize("left", [CLICKS[:1], CLICKS[1:2], [("a", Click(12, 12, True))]])
def test_undone_deleted_and_dragged_clicks_leave_it_on_its_version(
    notes: Store, left: list[tuple[str, Click]]
):
    before = sessions(OLD, notes)
    for count in (1, 2):
        before.mask("image", IMAGE, CLICKS[:count])
    deployed = sessions(NEW, notes, OLD)
    deployed.mask("image", IMAGE, [*left, CLICKS[2]])
    assert deployed.version_of([CLICKS[2]]) == "old"


def test_a_new_object_gets_the_current_version(notes: Store):
    sessions(OLD, notes).mask("image", IMAGE, CLICKS[:1])
    deployed = sessions(NEW, notes, OLD)
    deployed.mask("image", IMAGE, [("z", CLICKS[0][1])])
    assert deployed.version_of([("z", CLICKS[0][1])]) == "new"


def test_a_server_that_is_behind_goes_on_with_a_newer_one(notes: Store):
    sessions(NEW, notes).mask("image", IMAGE, CLICKS[:2])
    behind = sessions(OLD, notes, NEW)
    assert np.array_equal(behind.mask("image", IMAGE, CLICKS), alone(NEW, 3))


def test_a_version_that_is_gone_is_replaced_by_the_current_one(
    notes: Store, caplog: pytest.LogCaptureFixture
):
    sessions(OLD, notes).mask("image", IMAGE, CLICKS[:2])
    deployed = sessions(NEW, notes)
    for _ in range(2):
        assert np.array_equal(deployed.mask("image", IMAGE, CLICKS), alone(NEW, 3))
    assert caplog.text.count("old is gone: objects begun with it go on with new") == 1


def test_few_older_versions_are_in_memory(notes: Store):
    loaded: list[str] = []

    def load(version: str) -> Refiner:
        loaded.append(version)
        return DiscPainter(version)

    versions = Versions(NEW, notes, load)
    for name in "abc":
        versions.keep(name, f"version {name}")
    for name in "abcbca":
        assert versions.of([name]).version == f"version {name}"
    assert loaded == ["version a", "version b", "version c", "version a"]
