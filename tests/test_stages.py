"""Stages add up for whoever watches, through threads, too."""

from __future__ import annotations

import contextvars
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from click99.stages import stage, watch


def test_stages_add_up():
    with watch() as times:
        for _ in range(2):
            with stage("click"):
                time.sleep(0.01)
        with stage("encode"):
            pass
    assert times.keys() == {"click", "encode"}
    assert 0.02 <= times["click"] < 5


def test_a_watch_inside_another_is_the_same():
    with watch() as outer:
        with stage("fetch"):
            pass
        with watch() as inner, stage("click"):
            pass
        assert inner is outer
    assert outer.keys() == {"fetch", "click"}


def test_a_thread_counts_for_who_hands_it_the_work():
    with watch() as times, ThreadPoolExecutor(1) as pool, stage("queue"):
        pool.submit(contextvars.copy_context().run, enter, "click").result()
    assert times.keys() == {"queue", "click"}


def enter(name: str) -> None:
    with stage(name):
        pass


def test_what_fails_is_measured_and_nobody_need_watch():
    with watch() as times, pytest.raises(ZeroDivisionError), stage("click"):
        raise ZeroDivisionError
    assert times.keys() == {"click"}
    enter("click")
    assert times.keys() == {"click"}
