"""What is added to a label config, and that nothing else of it changes."""

from __future__ import annotations

from importlib.resources import files

import pytest

from click99.labelstudio.completed_config import completed
from click99.labelstudio.config_text import KINDS
from click99.labelstudio.errors import LabelConfigError
from click99.labelstudio.label_config import LabelConfig

IMAGE = '<Image name="photo" value="$image"/>'
LABELS = '<Label value="cat"/><Label value="&quot;dog&quot;"/>'
RECTANGLES = f'<RectangleLabels name="boxes" toName="photo">{LABELS}</RectangleLabels>'
BRUSH = f'<BrushLabels name="masks" toName="photo">{LABELS}</BrushLabels>'
CHOICES = '<Choices name="click" toName="photo"><Choice value="sharp"/></Choices>'


@pytest.mark.parametrize("kind", KINDS)
def test_what_answers_clicks_stays_as_it_is(kind: str):
    xml = (files("click99") / "label_config" / f"{kind}.xml").read_text()
    assert completed(xml) == xml


@pytest.mark.parametrize(
    ("inside", "labels", "added"),
    [
        (IMAGE + BRUSH, (), ["KeyPoint"]),
        (IMAGE + RECTANGLES, (), ["KeyPoint", "BrushLabels"]),
        (IMAGE + RECTANGLES, ("tree",), ["KeyPoint", "BrushLabels"]),
        (IMAGE, ("tree",), ["KeyPoint", "BrushLabels"]),
        (
            f'{IMAGE}{BRUSH}<KeyPointLabels name="kp" toName="photo">{LABELS}</KeyPointLabels>',
            (),
            ["KeyPoint"],
        ),
        (f'{IMAGE}<KeyPoint name="kp" toName="photo" smart="true"/>', ("tree",), ["BrushLabels"]),
        (IMAGE + CHOICES + BRUSH, (), ["KeyPoint"]),
        (f'<Image name="other" value="$other"/>{IMAGE}{BRUSH}', (), ["KeyPoint"]),
        (
            f'<Image name="other" value="$o"/>{IMAGE}<KeyPoint name="kp" toName="photo" smart="true"/>',
            ("tree",),
            ["BrushLabels"],
        ),
    ],
)
@pytest.mark.parametrize(
    "end",
    [
        "</View>",
        "\n</View>\n",
        "</View> <!-- the end, </View> -->\n",
        "</View >",
        "</View><?php ?>",
        "<View></View><!-- ü --></View><!-- b -->",
        "<View/>" + "<!-- x -->\n" * 40 + '<Header value="x"/></View>',
    ],
)
def test_what_is_missing_is_added_before_the_end(
    inside: str, labels: tuple[str, ...], added: list[str], end: str
):
    xml = f"<View>{inside}{end}"
    whole = completed(xml, labels)
    assert LabelConfig.parse(whole).problems() == []
    assert whole.startswith(f"<View>{inside}")
    assert [
        tag for tag in ("KeyPoint", "BrushLabels") if f"<{tag} " in whole.removeprefix(f"<View>{inside}")
    ] == added
    assert completed(whole) == whole, "once"


def test_the_labels_are_those_of_the_boxes_or_those_that_are_named():
    (brush,) = LabelConfig.parse(completed(f"<View>{IMAGE}{RECTANGLES}</View>")).outputs
    assert list(brush.labels or ()) == ["cat", '"dog"']
    (brush,) = LabelConfig.parse(completed(f"<View>{IMAGE}{RECTANGLES}</View>", ["a & b"])).outputs
    assert list(brush.labels or ()) == ["a & b"]


def test_a_name_that_is_taken_is_not_given_again():
    whole = completed(f"<View>{IMAGE}{CHOICES}{BRUSH}</View>")
    assert '<KeyPoint name="click-2"' in whole


@pytest.mark.parametrize(
    ("xml", "remedy"),
    [
        (f"<View>{BRUSH}</View>", "Add <Image"),
        (f"<View>{IMAGE}</View>", "--labels cat,dog"),
        ("<View>", "Mend it under Settings"),
        ("", "Mend it under Settings"),
        ("<View/>", "Add <Image"),
        (
            '<View><Repeater on="$p"><Image name="i{{idx}}" value="$p"/></Repeater></View>',
            "in there, by hand",
        ),
    ],
)
def test_what_can_not_be_completed_is_refused_with_a_remedy(xml: str, remedy: str):
    with pytest.raises(LabelConfigError, match=remedy):
        completed(xml)


def test_an_image_alone_is_refused_with_a_remedy():
    with pytest.raises(LabelConfigError, match="Put the Image in a View"):
        completed(IMAGE, ["cat"])


@pytest.mark.parametrize("labels", [["cat", ""], ["cat", "cat"]])
def test_labels_that_are_none_are_refused(labels: list[str]):
    with pytest.raises(ValueError, match="give none empty, each once"):
        completed(f"<View>{IMAGE}</View>", labels)
