from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from click99_training.evaluation.prefetch import ahead


def test_items_keep_their_order():
    assert list(ahead(range(50))) == list(range(50))
    assert list(ahead([])) == []


def test_the_next_item_is_made_while_one_is_in_use():
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    for item in ahead(items()):
        if item == 1:
            assert made.wait(timeout=10)


def test_an_error_comes_where_its_item_would_have():
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("a broken file")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="a broken file"):
        next(coming)
