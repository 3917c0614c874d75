"""What is regular is done by one of several workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from click99.annotations.database import Database
from click99.annotations.schedule import claim
from tests.annotations.examples import NOON

HOUR = timedelta(hours=1)


def due(database: Database, now: datetime, name: str = "sync") -> bool:
    with database.writing() as session:
        return claim(session, name, HOUR, now)


def test_it_is_due_at_first_and_after_its_time(database: Database):
    after = [timedelta(0), HOUR / 2, HOUR, HOUR * 1.5, HOUR * 2]
    assert [due(database, NOON + passed) for passed in after] == [True, False, True, False, True]
    assert due(database, NOON, "something else")


@pytest.mark.parametrize("first", [True, False])
def test_of_workers_that_ask_at_once_one_does_it(database: Database, first: bool):
    if not first:
        assert due(database, NOON)
    with ThreadPoolExecutor(2) as pool:
        told = [*pool.map(lambda _: due(database, NOON + HOUR), range(2))]
    assert sorted(told) == [False, True]


def test_what_was_begun_while_a_clock_was_ahead_is_due(database: Database):
    assert due(database, NOON.replace(year=2029))
    assert due(database, NOON)
    assert not due(database, NOON)
