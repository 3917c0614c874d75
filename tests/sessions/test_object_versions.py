"""An object is finished on the version that it was begun with."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN
from click99.sessions import MemoryStore, ObjectVersions, Sessions
from click99.sessions.refiner import Refiner
from click99.sessions.stores import Store
from tests.disc_painter import DiscPainter

IMAGE = np.zeros((48, 64, 3), np.uint8)
CLICKS = [Click(10, 12, True, "a"), Click(30, 20, True, "b"), Click(14, 15, False, "c")]


class Larger(DiscPainter):
    radius = 16


OLD, NEW = DiscPainter("old"), Larger("new")


def sessions(current: Refiner, notes: Store, *older: Refiner) -> Sessions:
    """A server that was just started with `current`: it knows no mask."""
    by_name = {refiner.version: refiner for refiner in older}
    return Sessions(current, MemoryStore(1 << 20, 60), versions=ObjectVersions(current, notes, by_name.get))


@pytest.fixture
def notes() -> Store:
    return MemoryStore(1 << 20, 60)


def alone(refiner: Refiner, count: int) -> np.ndarray:
    return Sessions(refiner, MemoryStore(1 << 20, 60)).mask("image", IMAGE, CLICKS[:count]).alpha


def test_an_open_object_is_finished_on_its_version(notes: Store):
    sessions(OLD, notes).mask("image", IMAGE, CLICKS[:2])
    deployed = sessions(NEW, notes, OLD)
    made = deployed.mask("image", IMAGE, CLICKS)
    assert np.array_equal(made.alpha, alone(OLD, 3))
    assert made.version == "old"
    assert not np.array_equal(alone(OLD, 3), alone(NEW, 3))


@pytest.mark.parametrize("left", [CLICKS[:1], CLICKS[1:2], [Click(12, 12, True, "a")]])
def test_undone_deleted_and_dragged_clicks_leave_it_on_its_version(notes: Store, left: list[Click]):
    before = sessions(OLD, notes)
    for count in (1, 2):
        before.mask("image", IMAGE, CLICKS[:count])
    deployed = sessions(NEW, notes, OLD)
    assert deployed.mask("image", IMAGE, [*left, CLICKS[2]]).version == "old"


def test_a_new_object_gets_the_current_version(notes: Store):
    sessions(OLD, notes).mask("image", IMAGE, CLICKS[:1])
    deployed = sessions(NEW, notes, OLD)
    assert deployed.mask("image", IMAGE, [replace(CLICKS[0], id="z")]).version == "new"


def test_a_server_that_is_behind_goes_on_with_a_newer_one(notes: Store):
    sessions(NEW, notes).mask("image", IMAGE, CLICKS[:2])
    behind = sessions(OLD, notes, NEW)
    assert np.array_equal(behind.mask("image", IMAGE, CLICKS).alpha, alone(NEW, 3))


def test_a_version_that_is_gone_is_replaced_by_the_current_one(
    notes: Store, caplog: pytest.LogCaptureFixture
):
    sessions(OLD, notes).mask("image", IMAGE, CLICKS[:2])
    deployed = sessions(NEW, notes)
    for _ in range(2):
        assert np.array_equal(deployed.mask("image", IMAGE, CLICKS).alpha, alone(NEW, 3))
    assert caplog.text.count("old is gone: objects begun with it go on with new") == 1


def test_an_object_whose_version_is_gone_stays_on_the_one_that_it_went_on_with(notes: Store):
    sessions(OLD, notes).mask("image", IMAGE, CLICKS[:2])
    sessions(NEW, notes).mask("image", IMAGE, CLICKS[:2])
    newest = sessions(DiscPainter("newest"), notes, OLD, NEW)
    assert newest.mask("image", IMAGE, CLICKS).version == "new"


def test_the_current_version_is_replaced_while_an_object_is_open(notes: Store):
    running = sessions(OLD, notes)  # it can load none: the old one stays in memory
    running.mask("image", IMAGE, CLICKS[:2])
    running.use(NEW)
    assert running.version == "new"
    assert np.array_equal(running.mask("image", IMAGE, CLICKS).alpha, alone(OLD, 3))
    new_object = [replace(CLICKS[0], id="z")]
    running.mask("image", IMAGE, new_object)
    running.use(OLD)
    assert running.mask("image", IMAGE, new_object).version == "new"
    running.use(OLD)
    assert (running.version, running.mask("image", IMAGE, CLICKS).version) == ("old", "old")


def test_what_is_warmed_is_the_current_version(notes: Store):
    first, second = DiscPainter("first"), DiscPainter("second")
    running = sessions(first, notes)
    running.use(second)
    running.warm("picture", IMAGE)
    assert (first.prepared, second.prepared) == ([], ["picture"])


def test_two_requests_about_a_new_object_get_the_same_version_while_it_is_replaced(notes: Store):
    """The first is still being answered by the old version when the new one comes and the second begins."""
    entered, go_on = threading.Event(), threading.Event()

    class Slow(DiscPainter):
        def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
            entered.set()
            assert go_on.wait(10)
            return super().refine(image, clicks, previous, image_key, prior)

    running = sessions(Slow("old"), notes)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(running.mask, "image", IMAGE, CLICKS[:1])
        assert entered.wait(10)
        running.use(NEW)
        second = pool.submit(running.mask, "image", IMAGE, CLICKS[:2])
        go_on.set()
        assert np.array_equal(first.result(10).alpha, alone(OLD, 1))
        assert np.array_equal(second.result(10).alpha, alone(OLD, 2))


def test_few_older_versions_are_in_memory(notes: Store):
    loaded: list[str] = []

    def load(version: str) -> Refiner:
        loaded.append(version)
        return DiscPainter(version)

    versions = ObjectVersions(NEW, notes, load)
    for name in "abcde":
        notes.put(f"version of {name}", f"version {name}".encode())
    for name in "abcdebcdea":
        assert versions.begin([name]).version == f"version {name}"
    assert loaded == [f"version {name}" for name in "abcdea"]


def test_projects_with_a_line_are_answered_by_its_version_and_others_by_the_common_one(notes: Store):
    line_of = {"3.17": "3+7", "7.18": "3+7"}.get
    versions = ObjectVersions(OLD, notes, line_of=lambda project: line_of(project, project))
    running = Sessions(OLD, MemoryStore(1 << 20, 60), versions=versions)
    assert running.mask("image", IMAGE, [replace(CLICKS[0], id="before")], project="3.17").version == "old"
    running.use(NEW, "3+7")
    for project, version in (("3.17", "new"), ("7.18", "new"), ("9.19", "old"), ("", "old")):
        made = running.mask("image", IMAGE, [replace(CLICKS[0], id=f"of {project}")], project=project)
        assert (made.version, running.version_of(project)) == (version, version)
    begun = [replace(CLICKS[0], id="before"), CLICKS[1]]
    assert running.mask("image", IMAGE, begun, project="3.17").version == "old", "it was begun with that"
    assert running.version == "old", "the common one stays"


def test_a_line_s_version_that_fell_out_of_memory_is_loaded_again(notes: Store):
    versions = ObjectVersions(OLD, notes, DiscPainter)
    for number in range(9):
        versions.use(DiscPainter(f"of {number}"), f"{number}")
    assert [versions.of(f"{number}").version for number in range(9)] == [f"of {n}" for n in range(9)]


@pytest.mark.parametrize("damaged", [b"\xff\xfe", b"no version", b"\x00"])
def test_a_damaged_note_makes_the_object_the_current_one_s(notes: Store, damaged: bytes):
    notes.put(f"version of {CLICKS[0].id}", damaged)
    assert sessions(NEW, notes).mask("image", IMAGE, CLICKS[:2]).version == "new"
    assert notes.get(f"version of {CLICKS[0].id}") == b"new"
