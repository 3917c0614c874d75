"""State by click ids: only new clicks run, prefixes are found, and a replay gives the same mask."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN
from click99.sessions import MemoryStore, Sessions
from tests.disc_painter import DiscPainter

IMAGE = np.zeros((48, 64, 3), np.uint8)
CLICKS = [Click(10, 12, True, "a"), Click(30, 20, True, "b"), Click(14, 15, False, "c")]


def make(painter: DiscPainter | None = None, max_bytes: int = 1 << 20) -> tuple[Sessions, DiscPainter]:
    painter = painter or DiscPainter()
    return Sessions(painter, MemoryStore(max_bytes, 60)), painter


def test_only_the_new_click_is_run():
    sessions, painter = make()
    for k in range(1, 4):
        sessions.mask("image", IMAGE, CLICKS[:k])
        assert len(painter.steps) == k
    assert [len(clicks) for clicks in painter.steps] == [1, 2, 3]


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_undo_and_repeat_run_nothing(kept: int):
    sessions, painter = make()
    expected = [sessions.mask("image", IMAGE, CLICKS[:k]).alpha for k in (1, 2, 3)]
    assert np.array_equal(sessions.mask("image", IMAGE, CLICKS[:kept]).alpha, expected[kept - 1])
    assert len(painter.steps) == 3


def test_deleting_an_early_click_replays_from_before_it():
    sessions, painter = make()
    sessions.mask("image", IMAGE, CLICKS)
    without_second = [CLICKS[0], CLICKS[2]]
    mask = sessions.mask("image", IMAGE, without_second).alpha
    assert painter.steps[3:] == [(CLICKS[0], CLICKS[2])]
    assert np.array_equal(mask, make()[0].mask("image", IMAGE, without_second).alpha)


@pytest.mark.parametrize(
    ("image_key", "click"),
    [
        ("image", Click(11, 12, True, "a")),
        ("image", Click(10, 12, False, "a")),
        ("image", Click(10, 12, True, "z")),
        ("other image", Click(10, 12, True, "a")),
    ],
    ids=["moved", "sign", "id", "image"],
)
def test_any_difference_is_another_state(image_key: str, click: Click):
    sessions, painter = make()
    sessions.mask("image", IMAGE, CLICKS[:1])
    sessions.mask(image_key, IMAGE, [click])
    assert len(painter.steps) == 2


def test_another_model_version_knows_no_old_state():
    store = MemoryStore(1 << 20, 60)
    Sessions(DiscPainter("discs-1"), store).mask("image", IMAGE, CLICKS)
    newer = DiscPainter("discs-2")
    Sessions(newer, store).mask("image", IMAGE, CLICKS)
    assert len(newer.steps) == 3


clicks_strategy = st.lists(
    st.builds(Click, st.integers(0, 63), st.integers(0, 47), st.booleans()), min_size=1, max_size=6
)


@given(clicks_strategy, st.data())
def test_any_history_ends_in_the_mask_of_a_fresh_server(clicks: list[Click], data: st.DataObject):
    named = [replace(click, id=f"click {k}") for k, click in enumerate(clicks)]
    sessions, _ = make(max_bytes=data.draw(st.sampled_from([1, 10_000, 1 << 20])))
    for _ in range(3):
        chosen = [c for c in named if data.draw(st.booleans())]
        if chosen:
            sessions.mask("image", IMAGE, chosen)
    assert np.array_equal(
        sessions.mask("image", IMAGE, named).alpha, make()[0].mask("image", IMAGE, named).alpha
    )


def test_a_mask_cannot_be_damaged_by_its_reader():
    mask = make()[0].mask("image", IMAGE, CLICKS).alpha
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 1


def test_steps_that_are_found_and_that_run_are_counted():
    counted: list[tuple[int, int]] = []
    sessions = Sessions(DiscPainter(), MemoryStore(1 << 20, 60), lambda *steps: counted.append(steps))
    sessions.mask("image", IMAGE, CLICKS[:2])
    sessions.mask("image", IMAGE, CLICKS)
    assert counted == [(0, 2), (2, len(CLICKS) - 2)]


class SlowPainter(DiscPainter):
    """Notes when two steps overlap."""

    def __init__(self) -> None:
        super().__init__()
        self.alone = threading.Lock()
        self.overlapped = False

    def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
        self.overlapped |= not self.alone.acquire(blocking=False)
        time.sleep(0.005)
        self.alone.release()
        return super().refine(image, clicks, previous, image_key, prior)


def test_parallel_requests_for_one_object_compute_each_step_once():
    painter = SlowPainter()
    sessions, _ = make(painter)
    with ThreadPoolExecutor(8) as pool:
        masks = list(pool.map(lambda _: sessions.mask("image", IMAGE, CLICKS).alpha, range(8)))
    assert len(painter.steps) == 3
    assert not painter.overlapped
    assert all(np.array_equal(mask, masks[0]) for mask in masks)


def test_parallel_objects_wait_for_nobody_and_do_not_mix():
    together = threading.Barrier(6, timeout=30)

    class Patient(DiscPainter):
        """Goes on once a step of every object is in it."""

        def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
            together.wait()
            return super().refine(image, clicks, previous, image_key, prior)

    sessions, _ = make(Patient())
    objects = [[replace(c, x=c.x + k, id=f"{k}{c.id}") for c in CLICKS] for k in range(6)]
    with ThreadPoolExecutor(6) as pool:
        masks = list(pool.map(lambda clicks: sessions.mask("image", IMAGE, clicks).alpha, objects))
    for clicks, mask in zip(objects, masks, strict=True):
        assert np.array_equal(mask, make()[0].mask("image", IMAGE, clicks).alpha)


def test_a_version_of_two_networks_is_asked_which_one_answers():
    """About the whole image, also when the network is shown the part around a box alone."""

    class Pair(DiscPainter):
        def __init__(self) -> None:
            super().__init__("pair")
            self.other, self.asked = DiscPainter(), []

        def for_image(self, image: np.ndarray, image_key: str, project: str = "") -> DiscPainter:
            self.asked.append((image.shape, image_key, project))
            return self.other

    pair = Pair()
    sessions = Sessions(pair, MemoryStore(1 << 20, 60))
    sessions.warm("image", IMAGE, "7.1")
    clicked = sessions.mask("image", IMAGE, [Click(9, 9, True, "a")], project="7.1")
    boxed = sessions.mask("image", IMAGE, [], Box(4, 4, 20, 20, "b"), project="7.1")
    assert clicked.version == boxed.version == "pair"
    assert (pair.steps, pair.prepared, pair.other.prepared) == ([], [], ["image"])
    assert len(pair.other.steps) == 3
    assert set(pair.asked) == {(IMAGE.shape, "image", "7.1")}


def test_an_image_in_two_projects_is_answered_by_the_network_of_each():
    """Nothing of what one network made of the clicks goes into what the other makes of them."""

    class Learnt(DiscPainter):
        """Learnt from project 7: its discs are larger there."""

        def __init__(self) -> None:
            super().__init__("learnt")
            self.before = DiscPainter("learnt")
            self.radius = 20

        def learnt_from(self, project: str) -> bool:
            return project == "7.1"

        def for_image(self, image: np.ndarray, image_key: str, project: str = "") -> DiscPainter:
            return self if self.learnt_from(project) else self.before

    sessions = Sessions(Learnt(), MemoryStore(1 << 20, 60))
    clicks = [Click(9, 9, True, "a"), Click(30, 9, True, "b")]
    box = Box(4, 4, 60, 60, "c")
    for _ in range(2):  # the second time from what is kept
        here, there = (sessions.mask("image", IMAGE, clicks, project=name).alpha for name in ("7.1", "8.1"))
        assert (here > 0).sum() > (there > 0).sum()
        here, there = (sessions.mask("image", IMAGE, [], box, project=name).alpha for name in ("7.1", "8.1"))
        assert (here > 0).sum() > (there > 0).sum()
