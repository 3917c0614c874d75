from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from click99.segmentation.clicks import Click
from click99.segmentation.metrics import obedience
from click99.segmentation.views import (
    Look,
    Section,
    View,
    WholeView,
    WindowsView,
    ZoomView,
    force_discs,
    keep_asked,
    network_size,
    through,
    view_of,
)


def two_parts() -> np.ndarray:
    alpha = np.zeros((20, 20), np.float32)
    alpha[2:6, 2:6], alpha[10:15, 10:15], alpha[18, 18] = 0.9, 0.8, 0.3
    return alpha


def test_zoomed_drops_new_parts_without_a_positive_click():
    clicks = [Click(3, 3, True), Click(18, 1, False)]
    kept = ZoomView().obey(two_parts(), clicks, np.zeros((20, 20), np.float32))
    assert kept[2:6, 2:6].min() > 0.5
    assert not kept[10:15, 10:15].any()


def test_zoomed_keeps_parts_that_a_click_cuts_off():
    before = np.zeros((20, 20), np.float32)
    before[2:15, 2:15] = 1
    kept = ZoomView().obey(two_parts(), [Click(3, 3, True), Click(8, 8, False)], before)
    assert kept[2:6, 2:6].min() > 0.5
    assert kept[11:15, 11:15].min() > 0.5


@given(
    clicks=st.lists(st.builds(Click, st.integers(0, 29), st.integers(0, 19), st.booleans()), min_size=1),
    seed=st.integers(0, 99),
)
def test_zoomed_obeys_every_click_and_its_disc(clicks: list[Click], seed: int):
    clicks = list({(click.x, click.y): click for click in clicks}.values())  # one sign a pixel
    alpha = np.random.default_rng(seed).random((20, 30), np.float32)
    kept = ZoomView().obey(alpha, clicks, np.ones((20, 30), np.float32)) > 0.5
    assert obedience(kept, clicks, radius=0) == obedience(kept, clicks) == 1


def test_where_discs_overlap_the_nearer_click_decides():
    alpha = force_discs(np.full((9, 9), 0.5, np.float32), [Click(2, 4, True), Click(5, 4, False)])
    assert (alpha[4] > 0.5).tolist() == [True] * 4 + [False] * 5
    assert alpha[0, 0] == 0.5


def test_the_zoom_holds_mask_and_clicks_with_a_margin():
    mask = np.zeros((200, 320), np.float32)
    mask[50:100, 100:200] = 1
    (look,) = ZoomView(margin=0.2, grid=16).looks(mask, [Click(210, 60, False)])
    section = look.section
    assert section.left <= 100 - 0.2 * 111
    assert section.right >= 211 + 0.2 * 111
    assert section.top <= 40
    assert section.bottom >= 110
    assert section.left % 20 == 0


def test_the_zoom_stays_inside_the_image():
    (look,) = ZoomView().looks(np.ones((40, 60), np.float32), [Click(0, 0, True)])
    assert look.section == Section(0, 0, 60, 40)


def test_a_near_mask_reuses_the_same_box():
    first, second = np.zeros((2, 200, 320), np.float32)
    first[50:100, 100:200] = 1
    second[51:99, 101:199] = 1
    click = [Click(150, 70, True)]
    assert ZoomView().looks(first, click) == ZoomView().looks(second, click)


@pytest.mark.parametrize(
    ("height", "width", "side", "size"),
    [
        (480, 640, 448, (320, 448)),
        (640, 480, 448, (448, 320)),
        (1, 1000, 448, (32, 448)),
        (10, 10, 64, (64, 64)),
    ],
)
def test_network_sizes_are_multiples_of_32_of_the_same_shape(
    height: int, width: int, side: int, size: tuple[int, int]
):
    assert network_size(height, width, side) == size


@pytest.mark.parametrize(
    ("shape", "size"),
    [((321, 481), (352, 512)), ((480, 640), (480, 640)), ((1, 33), (32, 64)), ((3000, 4000), (768, 1024))],
)
def test_whole_stretches_up_to_multiples_of_32_and_shrinks_photographs(
    shape: tuple[int, int], size: tuple[int, int]
):
    previous = np.zeros(shape, np.float32)
    assert WholeView().looks(previous, ()) == [Look(Section(0, 0, shape[1], shape[0]), size)]


sides = st.integers(1, 70)


@given(sides, sides, st.data())
def test_whole_places_clicks_where_nearest_resizing_does(height: int, width: int, data: st.DataObject):
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    (look,) = WholeView().looks(np.zeros((height, width), np.float32), ())
    section, size = look.section, look.size
    drawn = np.zeros((height, width))
    drawn[y, x] = 1
    resized = cv2.resize(drawn, size[::-1], interpolation=cv2.INTER_NEAREST)
    placed = WholeView().place([Click(x, y, True)], section, size)
    assert {(px, py) for px, py, _ in placed} == {(px, py) for py, px in np.argwhere(resized).tolist()}


def test_no_click_is_lost_where_whole_shrinks():
    shape = (1500, 2000)
    (look,) = WholeView().looks(np.zeros(shape, np.float32), ())
    section, size = look.section, look.size
    for x in range(1000, 1010):
        ((px, py, positive),) = WholeView().place([Click(x, 700, False)], section, size)
        assert abs(px - x * size[1] / shape[1]) <= 1
        assert abs(py - 700 * size[0] / shape[0]) <= 1
        assert positive is False


def test_whole_keeps_only_parts_with_a_positive_click():
    clicks = [Click(3, 3, True), Click(11, 11, False)]
    fed_back = WholeView().before(two_parts(), clicks)
    np.testing.assert_array_equal(np.argwhere(fed_back), np.argwhere(two_parts()[:6, :6]))
    answer = WholeView().obey(two_parts(), clicks, np.zeros((20, 20), np.float32))
    assert answer[3, 3] == 1
    assert not answer[10:].any()


def test_without_a_positive_click_all_parts_stay():
    np.testing.assert_array_equal(keep_asked(two_parts(), [Click(0, 0, False)]), two_parts())


def test_the_previous_mask_is_not_written_to():
    previous = two_parts()
    WholeView().before(previous, [Click(3, 3, True)])
    np.testing.assert_array_equal(previous, two_parts())


def nothing(shape: tuple[int, int]) -> np.ndarray:
    return np.zeros(shape, np.float32)


def test_the_first_click_is_looked_at_through_ever_smaller_squares():
    first, *squares = WindowsView().looks(nothing((3000, 4000)), [Click(2500, 700, True)])
    assert (first.section, first.anew) == (Section(0, 0, 4000, 3000), False)
    assert [max(look.section.shape) for look in squares] == [2000, 1000, 500, 250, 125]
    assert all(look.anew for look in squares)
    for look in squares:
        assert look.section.left <= 2500 < look.section.right
        assert look.section.top <= 700 < look.section.bottom


@given(
    height=st.integers(1, 3000),
    width=st.integers(1, 30000),
    places=st.lists(st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)), min_size=1, max_size=4),
)
def test_every_square_holds_every_click_and_stays_inside(height: int, width: int, places: list):
    clicks = [Click(int(x * width), int(y * height), True) for x, y in places]
    for look in WindowsView().squares((height, width), clicks, max(height, width)):
        section = look.section
        assert 0 <= section.left < section.right <= width
        assert 0 <= section.top < section.bottom <= height
        assert all(
            section.left <= c.x < section.right and section.top <= c.y < section.bottom for c in clicks
        )


def test_clicks_close_together_in_a_mask_that_reaches_far_ask_anew():
    everything = np.ones((2000, 3000), np.float32)
    close = [Click(1500, 1000, True), Click(1500, 940, False)]
    assert any(look.anew for look in WindowsView().looks(everything, close))
    fitting = np.zeros((2000, 3000), np.float32)
    fitting[950:1050, 1450:1550] = 1
    assert [look.anew for look in WindowsView().looks(fitting, close)] == [False]


def test_a_smaller_window_must_be_surely_better():
    view, click = WindowsView(), Click(1500, 1000, True)
    looks = view.looks(nothing((2000, 3000)), [click])
    assert view.choose(looks[:3], [0.7, 0.72, 0.6]) == 0
    assert view.choose(looks[:3], [0.6, 0.71, 0.73]) == 1
    assert view.choose(looks[:3], [0.2, 0.5, 0.9]) == 2


def test_a_mask_gives_way_only_where_far_more_is_expected_of_another():
    view, close = WindowsView(), [Click(1500, 1000, True), Click(1500, 940, False)]
    looks = view.looks(np.ones((2000, 3000), np.float32), close)
    assert view.choose(looks[:3], [0.9, 1.0, 1.0]) == 0
    assert view.choose(looks[:3], [0.3, 0.5, 0.8]) == 2


@pytest.mark.parametrize("signs", [(True,), (False,), (False, True), (True, True)])
def test_a_person_s_mask_is_never_asked_for_anew_by_a_click_that_adds(signs: tuple[bool, ...]):
    clicks = [Click(1500 + 40 * k, 1000, sign) for k, sign in enumerate(signs)]
    assert not any(look.anew for look in WindowsView().looks(np.ones((2000, 3000), np.float32), clicks))


def test_the_box_of_a_small_mask_in_a_large_picture_is_close():
    mask = np.zeros((3000, 4000), np.float32)
    mask[1000:1060, 2000:2060] = 1
    (look,) = WindowsView().looks(mask, [Click(2030, 1030, True), Click(2070, 1030, False)])
    assert max(look.section.shape) < 130
    assert max(ZoomView().looks(mask, [Click(2030, 1030, True)])[0].section.shape) > 500


@pytest.mark.parametrize(("among", "lead"), [(False, 0.1), (True, 0.03)])
def test_the_whole_image_has_a_lead_only_where_the_head_does_not_know_it(among: bool, lead: float):
    looks = view_of("windows", among).looks(np.zeros((300, 400), np.float32), [Click(300, 80, True)])
    assert {look.hurdle for look in looks} == {lead}


@pytest.mark.parametrize(("name", "view"), [("zoomed", ZoomView), ("whole", WholeView)])
def test_a_view_by_its_name(name: str, view: type[View]):
    assert type(view_of(name, among=False)) is view


def test_a_look_sees_its_part_of_a_coarse_grid():
    rng = np.random.default_rng(0)
    small = rng.random((6, 8), np.float32)
    everywhere = cv2.resize(small, (160, 120), interpolation=cv2.INTER_LINEAR)
    looks = [Look(Section(0, 0, 160, 120), (120, 160)), Look(Section(40, 16, 104, 80), (64, 64))]
    for look in looks:
        assert np.abs(through(look, small, (120, 160)) - everywhere[look.section.area]).max() < 0.03
    twice = through(Look(looks[1].section, (128, 128)), small, (120, 160))
    halved = cv2.resize(twice, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(halved - everywhere[looks[1].section.area]).max() < 0.03
