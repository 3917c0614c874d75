"""What is remembered of the answers given last, also when it is damaged."""

from __future__ import annotations

import json
import time
import zlib
from base64 import b64encode
from dataclasses import replace

import numpy as np
import pytest

from click99.labelstudio.prompts import Screen
from click99.labelstudio.regions import Region
from click99.sessions import MemoryStore, recent_answers
from click99.sessions.recent_answers import AnsweredRegion, RecentAnswers
from click99.sessions.stores import Store

SCREEN = Screen(frozenset("ab"), frozenset(), "draft 1", "ann")
ANSWER = AnsweredRegion(Region("r", 2, 3, np.eye(5, 7, dtype=bool)), "cell", SCREEN, refines=True)
KEYS = ("answers task", "openings task")


@pytest.fixture
def store() -> Store:
    return MemoryStore(1 << 20, 60)


def test_an_answer_comes_back_as_it_was(store: Store):
    RecentAnswers(store).remember("task", ANSWER)
    (kept,) = RecentAnswers(store).of("task")
    assert (kept.region.id, kept.region.top, kept.region.left) == ("r", 2, 3)
    assert np.array_equal(kept.region.pixels, ANSWER.region.pixels)
    assert (kept.label, kept.screen, kept.refines, kept.guessed) == ("cell", SCREEN, True, False)


def changed(value: bytes, **parts: object) -> bytes:
    return json.dumps([json.loads(value)[0] | parts]).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value[:-5],
        lambda value: b"\xff" + value,
        lambda value: b"5",
        lambda value: b"[5]",
        lambda value: b"[{}]",
        lambda value: b'{"id": 1}',
        lambda value: changed(value, bits="AAAA"),
        lambda value: changed(value, bits=5),
        lambda value: changed(value, shape=[5]),
        lambda value: changed(value, shape=[-5, 7]),
        lambda value: changed(value, pending=None),
        lambda value: changed(value, pending=[["a"]]),
        lambda value: changed(value, shape=[500, 700]),
        lambda value: changed(value, corner=[0.5, "x"]),
        lambda value: changed(value, id=7),
        lambda value: changed(value, label=None),
        lambda value: b"[" * 100_000,
    ],
)
def test_what_is_damaged_counts_as_absent_and_is_made_anew(store: Store, damage):
    answers = RecentAnswers(store)
    answers.remember("task", ANSWER)
    store.put(KEYS[0], damage(store.get(KEYS[0])))
    assert answers.of("task") == []
    answers.remember("task", ANSWER)
    assert len(answers.of("task")) == 1


def test_the_smallest_masks_take_no_more_room_than_meant():
    kept = recent_answers.unpacked
    kept.clear()
    pixels = recent_answers._pixels(b64encode(zlib.compress(b"\xff")).decode(), 1, 8)
    assert pixels.all()
    assert kept.size > 500  # as measured, beside eight bytes of pixels


def test_pixels_that_are_damaged_cost_no_other_answer(store: Store):
    answers = RecentAnswers(store)
    answers.remember("task", ANSWER)
    store.put(KEYS[0], changed(store.get(KEYS[0]) or b"", bits="AAAA"))
    other = replace(ANSWER, screen=Screen(frozenset("c"), frozenset(), "draft 1", "ann"))
    answers.remember("task", other)
    (found,) = answers.of("task")
    assert found.screen.pending == {"c"}
    assert not found.region.pixels.flags.writeable  # others get the same


@pytest.mark.parametrize("damaged", [b"", b"\xff", b"[1, 2", b"5", b"null", b'["now"]', b'{"a": 1}'])
def test_damaged_openings_count_as_none(store: Store, damaged: bytes):
    answers = RecentAnswers(store)
    store.put(KEYS[1], damaged)
    assert not answers.alone("task")
    answers.opened("task")
    assert answers.alone("task")


@pytest.mark.parametrize("minutes", [-5, 5])
def test_two_who_open_it_at_servers_whose_clocks_differ_are_two(
    store: Store, minutes: float, monkeypatch: pytest.MonkeyPatch
):
    one, other, now = RecentAnswers(store), RecentAnswers(store), time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    one.opened("task")
    assert one.alone("task")
    monkeypatch.setattr(time, "time", lambda: now + 60 * minutes)
    other.opened("task")
    assert not other.alone("task")
    monkeypatch.setattr(time, "time", lambda: now)
    assert not one.alone("task")


def test_openings_while_a_clock_was_ahead_do_not_count(store: Store):
    store.put(KEYS[1], json.dumps([time.time() + 1e8] * 2).encode())
    answers = RecentAnswers(store)
    assert not answers.alone("task")
    answers.opened("task")
    assert answers.alone("task")
