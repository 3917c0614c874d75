"""Which of the requests that are answered at the same time is pointless by now."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99.sessions import MemoryStore, Sessions
from click99.sessions.requests_in_flight import RequestsInFlight
from click99.sessions.sessions import SupersededError
from tests.disc_painter import DiscPainter

A, B, C = [Click(10 * k, 10, True, name) for k, name in enumerate("abc")]
B_MOVED = Click(12, 30, True, "b")


@pytest.mark.parametrize(
    ("earlier", "later", "superseded"),
    [
        ([A], [A, B], True),
        ([A, B], [A, B_MOVED], True),
        ([A, B], [A, C], True),
        ([A, B], [A, B], False),
        ([A, B], [A], False),  # the later one was overtaken on its way
    ],
    ids=["one more click", "a drag", "undone and clicked elsewhere", "sent twice", "overtaken"],
)
def test_a_request_that_was_overtaken_is_superseded(
    earlier: list[Click], later: list[Click], superseded: bool
):
    in_flight = RequestsInFlight()
    with in_flight.answering("object", earlier) as first, in_flight.answering("object", later) as second:
        assert first() == superseded
        assert second() == (later == [A] and len(earlier) == 2)


def test_other_objects_and_the_past_do_not_count():
    in_flight = RequestsInFlight()
    with in_flight.answering("object", [A, B]):
        pass
    with in_flight.answering("object", [A]) as one, in_flight.answering("another", [A, B]):
        assert not one()


def test_an_answered_newer_request_still_counts_while_an_older_one_waits():
    in_flight = RequestsInFlight()
    with ExitStack() as waiting:
        older = waiting.enter_context(in_flight.answering("object", [A]))
        with in_flight.answering("object", [A, B]):
            pass
        assert older()


def test_superseded_work_runs_no_further_step():
    painter, image = DiscPainter(), np.zeros((48, 64, 3), np.uint8)
    sessions = Sessions(painter, MemoryStore(1 << 20, 60))
    with pytest.raises(SupersededError):
        sessions.mask("image", image, [A, B, C], superseded=lambda: len(painter.steps) == 2)
    assert len(painter.steps) == 2
    sessions.mask("image", image, [A, B, C])
    assert len(painter.steps) == 3, "what was run is kept for the newer request"
