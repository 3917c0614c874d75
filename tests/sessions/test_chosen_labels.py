"""Which label was chosen last, by what the canvas shows from click to click."""

from __future__ import annotations

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
        assert labels.last("task", shown) == last
    assert labels.last("another", {"a": DOG}) == DOG


def test_what_is_kept_may_be_damaged_and_has_an_end():
    store = MemoryStore(2**20, 60)
    labels = ChosenLabels(store)
    for value in (b"\xff", b"[]", b'{"labels": 3}', b'{"last": [4]}'):
        store.put("labels task", value)
        assert labels.last("task", {"a": CAT, "b": DOG}) == DOG
    for number in range(9 * KEPT_REGIONS):
        labels.last("task", {str(number): CAT})
    assert len(store.get("labels task") or b"") < 40 * KEPT_REGIONS
