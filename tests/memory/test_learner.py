"""What an accepted mask teaches, and how it is judged whether that helps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from click99.annotations import answered_clicks
from click99.annotations.database import Database
from click99.annotations.masks import Bits
from click99.annotations.tables import LessonRow, MaskRow
from click99.labelstudio import brush
from click99.labelstudio.errors import ImageUnavailableError
from click99.labelstudio.images import Image
from click99.memory.learner import Learner
from click99.memory.memories import Memories
from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN
from tests.annotations.examples import NOON, PROJECT_KEY, answered_click, keep, saved
from tests.map_painter import HEIGHT, WIDTH, MapPainter, roads

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SHAPE = (HEIGHT, WIDTH)


class Pictures:
    """Of tasks by their number; those in `gone` can't be had."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.asked: list[str] = []

    def __call__(self, url: str, task: str) -> Image:
        self.asked.append(task)
        if task in self.gone:
            raise ImageUnavailableError("image", "gone", "Bring it back")
        return Image(f"picture {task}", roads(int(task))[0])


@pytest.fixture
def pictures() -> Pictures:
    return Pictures()


@pytest.fixture
def memories(database: Database) -> Memories:
    return Memories(database)


@pytest.fixture
def learner(database: Database, memories: Memories, pictures: Pictures) -> Learner:
    return Learner(database, memories, pictures)


def accept(database: Database, task: int, mask: np.ndarray | None = None, label: str = "road") -> None:
    """The picture's stripes are clicked and accepted."""
    truth = roads(task)[1] if mask is None else mask
    y, x = np.argwhere(truth if truth.any() else ~truth)[0]
    click = answered_click([], f"r{task}", task=str(task), label=label, mask=Bits.pack(truth))
    with database.writing() as session:
        told = {**click.__dict__, "clicks": [Click(int(x), int(y), True, f"c{task}")]}
        answered_clicks.write(session, type(click)(**told))
    rle = brush.encode(truth.view(np.uint8) * np.uint8(255))
    item: dict[str, Any] = {"id": f"r{task}", "type": "brushlabels", "origin": "prediction"}
    item |= {"original_height": truth.shape[0], "original_width": truth.shape[1]}
    item["value"] = {"format": "rle", "rle": rle, "brushlabels": [label]}
    keep(database, saved(item, number=task, task=task, minute=task).replace(b'"id": 3', b'"id": %d' % task))


def lessons(database: Database) -> dict[str, LessonRow]:
    """By region."""
    with database.reading() as session:
        rows = list(session.scalars(select(LessonRow)))
        session.expunge_all()
    return {row.region: row for row in rows}


def prior(memories: Memories, label: str = "road", project: str = PROJECT_KEY):
    return memories.prior(project, label, SHAPE, ())


def test_the_map_is_used_once_it_has_helped_often_enough(
    database: Database, learner: Learner, memories: Memories
):
    painter = MapPainter()
    used = []
    for task in range(1, 6):
        accept(database, task)
        assert learner.catch_up(painter) == 1
        used.append(prior(memories).discriminant is not None)
    assert used == [False, False, True, True, True]
    found = lessons(database)
    assert found["r1"].plain is None
    assert found["r5"].choice == "map"
    assert found["r5"].with_map == pytest.approx(1)
    assert (found["r5"].plain or 1) < 0.5


def test_other_projects_and_labels_know_nothing_of_it(
    database: Database, learner: Learner, memories: Memories
):
    for task in range(1, 5):
        accept(database, task)
    learner.catch_up(MapPainter())
    assert prior(memories) != UNKNOWN
    assert prior(memories, "river") == prior(memories, project="2.1") == UNKNOWN


def test_a_mask_is_judged_by_what_was_known_before_its_task(
    database: Database, learner: Learner, memories: Memories
):
    accept(database, 1)
    accept(database, 1)
    learner.catch_up(MapPainter())
    assert all(lesson.plain is None for lesson in lessons(database).values())


@pytest.mark.parametrize("shown", ["nothing", "everything", "one pixel"])
def test_masks_of_nothing_of_everything_and_of_a_pixel_have_a_size_and_no_look(
    database: Database, learner: Learner, memories: Memories, shown: str
):
    mask = np.full(SHAPE, shown == "everything")
    mask[5, 5] |= shown == "one pixel"
    accept(database, 1, mask)
    assert learner.catch_up(MapPainter()) == 1
    assert lessons(database)["r1"].moments is None
    accept(database, 2)
    assert learner.catch_up(MapPainter()) == 1


def test_a_picture_that_cannot_be_had_is_tried_again_later(
    database: Database, learner: Learner, memories: Memories, pictures: Pictures
):
    pictures.gone.add("1")
    accept(database, 1)
    accept(database, 2)
    assert learner.catch_up(MapPainter()) == 1
    learner.catch_up(MapPainter())
    assert pictures.asked.count("1") == 1
    pictures.gone.clear()
    assert Learner(database, memories, pictures).catch_up(MapPainter()) == 1


@pytest.mark.parametrize("png", [b"", b"rubbish"])
def test_a_damaged_mask_holds_up_no_other(database: Database, learner: Learner, png: bytes):
    accept(database, 1)
    with database.writing() as session:
        for mask in session.scalars(select(MaskRow)):
            mask.png = png
    accept(database, 2)
    assert learner.catch_up(MapPainter()) == 1
    assert list(lessons(database)) == ["r2"]


def test_a_network_that_fails_at_one_mask_learns_from_the_others(
    database: Database, learner: Learner, caplog: pytest.LogCaptureFixture
):
    class Failing(MapPainter):
        def evidence(self, image: np.ndarray, image_key: str) -> np.ndarray | None:
            if image_key == "picture 1":
                raise RuntimeError("out of memory")
            return super().evidence(image, image_key)

    accept(database, 1)
    accept(database, 2)
    assert learner.catch_up(Failing()) == 1
    assert "Nothing is learnt from region 'r1': out of memory" in caplog.text


def test_a_picture_of_another_size_teaches_nothing(database: Database, learner: Learner):
    accept(database, 1, np.ones((5, 5), bool))
    assert learner.catch_up(MapPainter()) == 0


def test_another_version_learns_for_itself(database: Database, learner: Learner, memories: Memories):
    for task in range(1, 5):
        accept(database, task)
    learner.catch_up(MapPainter("one"))
    assert prior(memories) != UNKNOWN
    memories.refresh("two")
    assert prior(memories) == UNKNOWN
    assert learner.catch_up(MapPainter("two")) == 4
    discriminant = prior(memories).discriminant
    assert discriminant
    assert discriminant.network == "two"


def test_where_first_clicks_are_right_anyway_nothing_changes(
    database: Database, learner: Learner, memories: Memories
):
    """Discs on noise are just what the painter answers."""
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    for task in range(1, 7):
        disc = rows**2 + (columns - 20) ** 2 < MapPainter.radius**2
        accept(database, task, disc)
    learner.catch_up(MapPainter())
    assert prior(memories).discriminant is None


def test_clicks_come_first(database: Database, memories: Memories, pictures: Pictures):
    accept(database, 1)
    assert Learner(database, memories, pictures, pause=lambda: False).catch_up(MapPainter()) == 0


@pytest.mark.slow("forty masks")
def test_forty_masks_later_it_is_as_quick(database: Database, learner: Learner, memories: Memories):
    for task in range(1, 41):
        accept(database, task)
    assert learner.catch_up(MapPainter()) == 40
    assert NOON + timedelta(minutes=40) == max(row.saved_at for row in lessons(database).values())
