"""A thread that looks again and again."""

from __future__ import annotations

import logging
import threading

import pytest

from click99.labelstudio.errors import ApiError
from click99.server.poller import Poller
from tests.waiting import until


class Looks(Poller):
    """Counts them, and raises what it is given, one at a look."""

    def __init__(self, *errors: Exception, every: float = 0.001, first: float | None = None):
        super().__init__("looks", every, "nothing is looked at", first)
        self.errors, self.count = list(errors), 0

    def look(self) -> None:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)


def test_what_goes_wrong_is_logged_and_it_goes_on(caplog: pytest.LogCaptureFixture):
    with Looks(OSError("no disk"), ApiError("GET /api", "gone", "Start it"), KeyError("defect")) as looks:
        until(lambda: looks.count > 3)
    told = [(record.levelno, record.exc_info is not None) for record in caplog.records]
    assert told == [(logging.WARNING, False), (logging.WARNING, False), (logging.ERROR, True)]
    assert all("nothing is looked at" in record.getMessage() for record in caplog.records)
    assert "no disk" in caplog.text


def test_the_first_look_has_a_time_of_its_own():
    with Looks(every=1000, first=0) as looks:
        until(lambda: looks.count == 1)


def test_once_closed_it_looks_no_more():
    looks = Looks()
    with looks:
        until(lambda: looks.count)
        assert "looks" in {thread.name for thread in threading.enumerate()}
    until(lambda: "looks" not in {thread.name for thread in threading.enumerate()})
