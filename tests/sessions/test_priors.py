"""An object keeps what was known when it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99.segmentation.discriminant import Discriminant
from click99.segmentation.predictor import Predictor
from click99.segmentation.prior import UNKNOWN, Prior
from click99.sessions import MemoryStore, Priors, Sessions
from click99.sessions.corrections import Start
from click99.sessions.stores import Store
from tests.disc_painter import DiscPainter
from tests.seeing_network import seeing_network

IMAGE = np.zeros((48, 64, 3), np.uint8)
CLICKS = [Click(10, 12, True, "a"), Click(30, 20, True, "b"), Click(14, 15, False, "c")]
SMALL, LARGE = Prior((90, 110)), Prior((2000,))


class SizedPainter(DiscPainter):
    """Its first disc is as large as what is known."""

    def refine(self, image, clicks: Sequence[Click], previous, image_key, prior: Prior = UNKNOWN):
        self.radius = 12 if previous is not None or not prior.areas else round(np.sqrt(prior.areas[0]))
        return super().refine(image, clicks, previous, image_key, prior)


@pytest.fixture
def notes() -> Store:
    return MemoryStore(1 << 20, 60)


def server(notes: Store) -> Sessions:
    """One that was just started: it knows no mask."""
    return Sessions(SizedPainter(), MemoryStore(1 << 20, 60), priors=Priors(notes))


def test_what_is_known_makes_the_first_mask(notes: Store):
    small, large = (
        server(MemoryStore(1 << 20, 60)).mask("i", IMAGE, CLICKS[:1], prior=lambda s=s: s)
        for s in (SMALL, LARGE)
    )
    assert small.foreground.sum() < large.foreground.sum()


@pytest.mark.parametrize("later", [LARGE, UNKNOWN])
def test_undo_redo_and_a_restart_give_the_same_masks_whatever_is_accepted_meanwhile(
    notes: Store, later: Prior
):
    running = server(notes)
    before = [running.mask("i", IMAGE, CLICKS[:count], prior=lambda: SMALL).alpha for count in (1, 2, 3)]
    for sessions in (running, server(notes)):
        for count in (2, 1, 3):
            again = sessions.mask("i", IMAGE, CLICKS[:count], prior=lambda: later).alpha
            assert np.array_equal(again, before[count - 1])


def test_an_object_that_began_with_nothing_goes_on_with_nothing(notes: Store):
    before = server(notes).mask("i", IMAGE, CLICKS[:1]).alpha
    assert np.array_equal(server(notes).mask("i", IMAGE, CLICKS[:1], prior=lambda: LARGE).alpha, before)


def test_an_object_is_known_by_any_of_its_clicks(notes: Store):
    for count in (1, 2):
        server(notes).mask("i", IMAGE, CLICKS[:count], prior=lambda: SMALL)
    expected = server(MemoryStore(1 << 20, 60)).mask("i", IMAGE, CLICKS[1:], prior=lambda: SMALL).alpha
    assert np.array_equal(server(notes).mask("i", IMAGE, CLICKS[1:], prior=lambda: LARGE).alpha, expected)


def test_a_new_object_begins_with_what_is_known_now(notes: Store):
    server(notes).mask("i", IMAGE, CLICKS[:1], prior=lambda: SMALL)
    other = server(notes).mask("i", IMAGE, [replace(CLICKS[0], id="z")], prior=lambda: LARGE)
    assert other.foreground.sum() > 1000


@pytest.mark.parametrize("damaged", [b"", b"[0]", b'{"a": 1}', b"\xff", b'["x"]'])
def test_what_is_damaged_is_made_anew_of_what_is_known(notes: Store, damaged: bytes):
    before = server(notes).mask("i", IMAGE, CLICKS[:1], prior=lambda: SMALL).alpha
    notes.put("prior of a", damaged)
    assert np.array_equal(server(notes).mask("i", IMAGE, CLICKS[:1], prior=lambda: SMALL).alpha, before)


def test_a_mask_to_start_from_says_enough(notes: Store):
    start = Start(np.ones((48, 64), bool), None)
    made = [
        server(notes).mask("i", IMAGE, CLICKS[:1], start, lambda prior=prior: prior).alpha
        for prior in (SMALL, LARGE)
    ]
    assert np.array_equal(made[0], made[1])


def test_all_clicks_of_a_network_that_sees_likeness_are_exact_on_every_server(notes: Store):
    """Undone, redone, replayed by another worker, with other things accepted meanwhile."""
    rng = np.random.default_rng(0)
    image, predictor = rng.integers(0, 256, (48, 64, 3), np.uint8), Predictor(seeing_network(), "seeing")
    known, later = (
        Prior((), Discriminant(rng.normal(0, 0.5, 153).astype("<f4").tobytes(), "seeing")) for _ in range(2)
    )

    def worker(notes: Store) -> Sessions:
        predictor.features.clear()
        return Sessions(predictor, MemoryStore(1 << 20, 60), priors=Priors(notes))

    running, counts = worker(notes), (1, 2, 3)
    before = [running.mask("i", image, CLICKS[:count], prior=lambda: known).alpha for count in counts]
    for sessions in (running, worker(notes)):
        for count in (2, 1, 3):
            again = sessions.mask("i", image, CLICKS[:count], prior=lambda: later).alpha
            assert np.array_equal(again, before[count - 1])
    for other in (later, UNKNOWN):
        sessions = worker(MemoryStore(1 << 20, 60))
        assert not np.array_equal(sessions.mask("i", image, CLICKS, prior=lambda o=other: o).alpha, before[2])
