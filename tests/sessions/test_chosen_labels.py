"""Which label was chosen last, by what the canvas shows from click to click."""

from __future__ import annotations

import pytest

from click99.sessions.chosen_labels import KEPT_REGIONS, ChosenLabels
from click99.sessions.stores import MemoryStore

CAT, DOG, COW = ["cat"], ["dog"], ["cow"]


def test_what_is_new_or_other_than_before_was_chosen():
    labels = ChosenLabels(MemoryStore(2**20, 60))
    for shown, last in [
        ({}, []),
        ({"a": CAT, "b": DOG}, DOG),
        ({"a": CAT, "b": DOG}, DOG),
        ({"a": COW, "b": DOG}, COW),
        ({"a": COW, "b": []}, COW),
        ({"a": COW, "b": DOG, "c": CAT}, CAT),
        ({"a": COW}, CAT),
        ({"a": COW, "c": CAT}, CAT),
        ({"a": ["dog", "cat"]}, ["dog", "cat"]),
        ({}, []),
    ]:
        assert labels.last("task", "", shown) == last
    assert labels.last("another", "", {"a": DOG}) == DOG


@pytest.mark.parametrize("person", ["", "ann"])
def test_what_was_answered_was_not_chosen(person: str):
    """Before the first draft nobody is named."""
    labels = ChosenLabels(MemoryStore(2**20, 60))
    labels.answered("task", "", "a", CAT)
    labels.answered("task", person, "b", CAT)
    assert labels.last("task", person, {"a": DOG, "b": CAT}) == DOG
    assert labels.last("task", person, {"a": COW, "b": CAT}) == COW
    labels.answered("task", person, "c", DOG)  # that of a region that was selected
    assert labels.last("task", person, {"a": COW, "b": CAT, "c": DOG}) == DOG


def test_the_first_draft_names_a_person():
    labels = ChosenLabels(MemoryStore(2**20, 60))
    for region in "ab":
        labels.answered("task", "", region, CAT)
    assert labels.last("task", "ann", {"a": DOG, "b": CAT}) == DOG


def test_what_is_kept_may_be_damaged_and_has_an_end():
    store = MemoryStore(2**20, 60)
    labels = ChosenLabels(store)
    for value in (b"\xff", b"[]", b'{"labels": 3}', b'{"last": [4]}'):
        store.put("labels task ann", value)
        assert labels.last("task", "ann", {"a": CAT, "b": DOG}) == DOG
    for number in range(9 * KEPT_REGIONS):
        labels.last("task", "ann", {str(number): CAT})
    assert len(store.get("labels task ann") or b"") < 40 * KEPT_REGIONS
