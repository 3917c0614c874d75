"""Label configs: what answers a click, and messages that say what to add where something is missing."""

from __future__ import annotations

from typing import Any

import pytest

from click99.labelstudio.controls import Target
from click99.labelstudio.errors import LabelConfigError, PayloadError
from click99.labelstudio.label_config import LabelConfig

IMAGE = '<Image name="image" value="$image"/>'
BRUSH = '<BrushLabels name="brush" toName="image"><Label value="leaf"/><Label value="stem"/></BrushLabels>'
KEYPOINT = '<KeyPointLabels name="kp" toName="image" smart="true"><Label value="leaf"/></KeyPointLabels>'

DOTS = '<KeyPoint name="dots" toName="image" smart="true"/>'
DYNAMIC = '<BrushLabels name="brush" toName="image" value="$labels"/>'


def config(*parts: str) -> LabelConfig:
    return LabelConfig.parse(f"<View>{''.join(parts)}</View>")


def test_the_brush_label_of_the_same_name_answers():
    assert config(IMAGE, BRUSH, KEYPOINT).target("kp", "leaf") == Target("brush", "image", "leaf")
    assert config(IMAGE, BRUSH, KEYPOINT).problems() == []
    config(IMAGE, BRUSH, KEYPOINT).check()


def test_controls_may_be_anywhere_and_tags_in_any_case():
    nested = f"<Header value='x'/><View><View>{KEYPOINT}</View></View><!-- a comment -->"
    lower = BRUSH.replace("BrushLabels", "brushlabels")
    assert config(nested, lower, IMAGE).target("kp", "leaf").from_name == "brush"


def test_attributes_may_be_in_any_case():
    """As in the editor."""
    xml = (
        '<View><Image NAME="image" valuelist="$pages"/>'
        '<KeyPoint name="kp" toname="image" Smart="TRUE" smartonly="true"/>'
        '<BrushLabels name="brush" TONAME="image"><Label Value="cell"/></BrushLabels></View>'
    )
    config = LabelConfig.parse(xml)
    assert config.problems() == []
    assert config.keypoints[0].smart_only
    assert config.image_url({"pages": ["/a.png", "/b.png"]}, "image", 1) == "/b.png"
    assert config.target("kp", None).label == "cell"


def test_the_brush_of_the_same_image_answers():
    other = BRUSH.replace('"brush"', '"other"').replace('"image"', '"photo"')
    assert config(other, '<Image name="photo" value="$p"/>', IMAGE, BRUSH, KEYPOINT).target(
        "kp", "leaf"
    ) == Target("brush", "image", "leaf")


def test_of_several_brushes_the_one_with_the_label_answers():
    other = '<BrushLabels name="other" toName="image"><Label value="root"/></BrushLabels>'
    assert config(IMAGE, other, BRUSH, KEYPOINT).target("kp", "leaf").from_name == "brush"


def test_labels_with_an_alias_are_called_by_it():
    keypoint = KEYPOINT.replace('value="leaf"', 'value="leaf" alias="l"')
    brush = BRUSH.replace('value="leaf"', 'value="leaf" alias="blade"')
    assert config(IMAGE, BRUSH, keypoint).target("kp", "l").label == "leaf"
    assert config(IMAGE, brush, keypoint).target("kp", "l").label == "blade"


def test_more_labels_come_along_as_far_as_the_answer_s_control_has_them():
    keypoint = KEYPOINT.replace("</", '<Label value="stem" alias="s"/><Label value="root"/></', 1)
    target = config(IMAGE, BRUSH, keypoint).target("kp", "leaf", ["s", "root"])
    assert (target.label, target.more) == ("leaf", ("stem",))


def test_labels_from_the_task_are_taken_as_they_come():
    dynamic = [part.replace("toName", 'value="$labels" toName') for part in (KEYPOINT, BRUSH)]
    assert config(IMAGE, *dynamic).target("kp", "anything").label == "anything"


@pytest.mark.parametrize(
    ("labels", "first"),
    [
        ([{"value": "leaf"}, {"value": "stem"}], "leaf"),
        ([{"value": "leaf", "alias": "l"}], "l"),
        (["leaf"], "leaf"),
    ],
)
def test_labels_from_the_task_answer_a_prompt_without_labels(labels: list[Any], first: str):
    xml = f"<View>{IMAGE}{DOTS}{DYNAMIC}</View>"
    assert LabelConfig.parse(xml).problems() == []
    assert LabelConfig.parse(xml, {"labels": labels}).target("dots", None).label == first


@pytest.mark.parametrize("labels", [None, [], "leaf", {"value": "leaf"}, [None], [{}], [{"value": {}}]])
def test_labels_that_the_task_lacks_are_named(labels: Any):
    found = LabelConfig.parse(f"<View>{IMAGE}{DOTS}{DYNAMIC}</View>", {"labels": labels})
    with pytest.raises(LabelConfigError, match=r"Import the task with 'labels', a list of labels"):
        found.target("dots", None)


def test_a_prompt_without_labels_is_answered_under_the_control_s_first():
    dots, boxes = (f'<{tag} name="{tag}" toName="image" smart="true"/>' for tag in ("KeyPoint", "Rectangle"))
    without = config(IMAGE, dots, boxes, BRUSH)
    assert without.problems() == []
    for name in ("KeyPoint", "Rectangle"):
        assert without.target(name, None) == Target("brush", "image", "leaf", any_label=True)


def test_a_keypoint_that_is_not_smart_is_an_annotation_of_its_own():
    dots = '<KeyPoint name="dots" toName="image"/>'
    (problem,) = config(IMAGE, dots, BRUSH).problems()
    assert "no smart KeyPoint control" in str(problem)
    assert config(IMAGE, dots, KEYPOINT, BRUSH).problems() == []


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([IMAGE], "no BitmaskLabels, BrushLabels or PolygonLabels control for the image 'image'"),
        ([IMAGE, BRUSH.replace("<Label value=", "<Choice value=")], "'brush' has no label of its own, and a"),
    ],
)
def test_a_prompt_without_labels_needs_a_label_in_the_answer_s_control(parts: list[str], message: str):
    (problem,) = config('<KeyPoint name="kp" toName="image" smart="true"/>', *parts).problems()
    assert message in str(problem)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([IMAGE, BRUSH], r'no smart KeyPoint control\. Add <KeyPoint .*toName="image" smart="true"'),
        (
            [IMAGE, KEYPOINT],
            r"no BitmaskLabels, .*the image 'image'\. Add <BrushLabels .*\"leaf\"/>",
        ),
        (
            [IMAGE, KEYPOINT, BRUSH.replace('"image"', '"photo"')],
            "no BitmaskLabels, BrushLabels or PolygonLabels control for the image 'image'",
        ),
        (
            [IMAGE, KEYPOINT, BRUSH.replace("leaf", "root")],
            r"BrushLabels 'brush' has no label 'leaf', only 'root', 'stem'\. Add <Label value=\"leaf\"/>",
        ),
        ([BRUSH, KEYPOINT], r"no Image tag 'image'\. Add <Image name=\"image\""),
        ([IMAGE, BRUSH, KEYPOINT.replace(' smart="true"', "")], r"'kp' is not smart\. Add smart=\"true\""),
        (
            ['<Image name="image"/>', BRUSH, KEYPOINT],
            r"Image 'image' has no value\. Add <Image name=\"image\"",
        ),
    ],
)
def test_what_is_missing_is_named_with_the_xml_to_add(parts: list[str], message: str):
    with pytest.raises(LabelConfigError, match=message):
        config(*parts).check()


def test_all_labels_without_an_answer_are_listed():
    more = KEYPOINT.replace("<Label", '<Label value="root"/><Label value="bark"/><Label')
    problems = config(IMAGE, BRUSH, more).problems()
    assert ["'root'" in str(problem) for problem in problems] == [True, False]
    assert "'bark'" in str(problems[1])


@pytest.mark.parametrize(
    ("control", "label", "message"),
    [
        ("kp", "root", r"KeyPointLabels 'kp' has no label 'root', only 'leaf'\. Add <Label value=\"root\"/>"),
        ("dots", "leaf", r"no KeyPoint control 'dots' \(there: 'kp'\)"),
    ],
)
def test_clicks_that_the_config_does_not_know(control: str, label: str, message: str):
    with pytest.raises(LabelConfigError, match=message):
        config(IMAGE, BRUSH, KEYPOINT).target(control, label)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<View>",
        "no xml",
        "<View/><View/>",
        "<View>\x00</View>",
        '<View a="&nbsp;"/>',
        "<View>\ud800</View>",
    ],
)
def test_configs_that_are_no_xml(xml: str):
    with pytest.raises(LabelConfigError, match=r"^label_config: not XML"):
        LabelConfig.parse(xml)


def test_entities_are_refused_before_they_grow():
    bomb = "<!DOCTYPE v [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><View>&b;</View>"
    with pytest.raises(LabelConfigError, match="document type"):
        LabelConfig.parse(bomb)


def test_the_image_of_the_keypoints():
    both = ['<Image name="photo" value="$photo"/>', IMAGE, BRUSH, KEYPOINT]
    data = {"photo": "/p.png", "image": "/i.png"}
    assert config(*both).image_url(data) == "/i.png"
    assert config(*both).image_url(data, "photo") == "/p.png"


def test_an_image_inside_a_field():
    nested = IMAGE.replace("$image", "$pictures.front")
    assert config(nested, BRUSH, KEYPOINT).image_url({"pictures": {"front": "/f.png"}}) == "/f.png"


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("$images[0]", "/a.png"),
        ("$images[1]", "/b.png"),
        ("$pages[1].url", "/p1.png"),
        ("$pages[1].of.it", "/deep.png"),
        ("http://host/$file", "http://host/c.png"),
        ("http://host/$folder.name/$id/x.png", "http://host/f/7/x.png"),
        ("https://host/fixed.png", "https://host/fixed.png"),
        ("/data/upload/1/fixed.png", "/data/upload/1/fixed.png"),
        ("$picture.url", "/dotted.png"),
        ("$picture-1", "/dashed.png"),
        ("$größe.bild", "/groß.png"),
        ("$picture 1", "/blank.png"),
        ("$padded", "/padded.png"),
        ("$key", "s3://bucket/key "),
    ],
)
def test_a_value_is_read_as_the_editor_reads_it(value: str, url: str):
    data = {
        "images": ["/a.png", "/b.png"],
        "pages": [{"url": "/p0.png"}, {"url": "/p1.png", "of": {"it": "/deep.png"}}],
        **{"file": "c.png", "folder": {"name": "f"}, "id": 7, "größe": {"bild": "/groß.png"}},
        **{"picture.url": "/dotted.png", "picture": {"url": "/no.png"}, "picture-1": "/dashed.png"},
        "picture 1": "/blank.png",
        **{"padded": " /padded.png\n", "key": "s3://bucket/key "},
    }
    parsed = config(IMAGE.replace("$image", value), BRUSH, KEYPOINT)
    assert parsed.problems() == []
    assert parsed.image_url(data) == url


@pytest.mark.parametrize(
    ("value", "field"),
    [("$images[2]", r"images\[2\]"), ("$images.x", "images.x"), ("http://host/$lost/$file", "lost")],
)
def test_a_value_that_the_task_lacks_is_named(value: str, field: str):
    with pytest.raises(PayloadError, match=rf"^tasks\[0\]\.data\.{field}: missing"):
        config(IMAGE.replace("$image", value), BRUSH, KEYPOINT).image_url({"images": ["/a.png"], "file": "f"})


PAGES = """<Repeater on="$pages" indexFlag="{{idx}}"><Image name="page_{{idx}}" value="$pages[{{idx}}].url"/>
<KeyPoint name="kp_{{idx}}" toName="page_{{idx}}" smart="true"/>
<BrushLabels name="brush_{{idx}}" toName="page_{{idx}}"><Label value="leaf"/></BrushLabels></Repeater>"""
TWO = {"pages": [{"url": "/a.png"}, {"url": "/b.png"}]}


@pytest.mark.parametrize(
    "xml", [PAGES, PAGES.replace(' indexFlag="{{idx}}"', ""), PAGES.replace("{{idx}}", "#")]
)
def test_a_repeater_has_controls_for_each_page(xml: str):
    repeated = LabelConfig.parse(f"<View>{xml}</View>", TWO)
    assert repeated.problems() == []
    for number, url in enumerate(("/a.png", "/b.png")):
        assert repeated.target(f"kp_{number}", None) == Target(
            f"brush_{number}", f"page_{number}", "leaf", any_label=True
        )
        assert repeated.image_url(TWO, f"page_{number}") == url
    with pytest.raises(LabelConfigError, match="no KeyPoint control 'kp_2'"):
        repeated.target("kp_2", None)


def test_tasks_have_pages_of_their_own():
    one = {"pages": TWO["pages"][:1]}
    assert len(LabelConfig.parse(f"<View>{PAGES}</View>", TWO).images) == 2
    assert len(LabelConfig.parse(f"<View>{PAGES}</View>", one).images) == 1
    assert LabelConfig.parse(f"<View>{PAGES}</View>").problems() == [], "checked without a task"


def test_a_repeater_in_a_repeater():
    inner = PAGES.replace("$pages", "$books[{{book}}].pages").replace('"page_', '"page_{{book}}_')
    xml = f'<View><Repeater on="$books" indexFlag="{{{{book}}}}">{inner}</Repeater></View>'
    books = {"books": [TWO, {"pages": [{"url": "/c.png"}]}]}
    assert LabelConfig.parse(xml, books).images == {
        f"page_{book}_{page}": f"$books[{book}].pages[{page}].url" for book, page in ((0, 0), (0, 1), (1, 0))
    }


@pytest.mark.slow("a million characters")
@pytest.mark.parametrize("inside", [PAGES, "", f'<Image name="{"{{idx}}" * 1000}"/>'])
def test_a_repeater_has_an_end(inside: str):
    for _ in range(6):
        inside = f'<Repeater on="$pages" indexFlag="x">{inside}</Repeater>'
    with pytest.raises(LabelConfigError, match="more than 1048576 characters"):
        LabelConfig.parse(f"<View>{inside}</View>", {"pages": [{"url": "/a.png"}] * 1000})


def test_a_repeater_without_a_bottom():
    deep = f"{'<Repeater>' * 5000}{'</Repeater>' * 5000}"
    with pytest.raises(LabelConfigError, match="nested too deeply"):
        LabelConfig.parse(deep)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, r"^tasks\[0\]\.data\.image: missing\. .*value='\$image'"),
        ({"image": None}, "missing"),
        ({"image": ""}, "empty"),
        ({"image": {"url": "/a.png"}}, "dict instead of"),
    ],
)
def test_tasks_without_an_image(data: dict[str, Any], message: str):
    with pytest.raises(PayloadError, match=message):
        config(IMAGE, BRUSH, KEYPOINT).image_url(data)


@pytest.mark.parametrize(
    ("told", "url"),
    [
        (" /a b.png\n", "/a b.png"),
        ("http://host/\r\n\ta.png", "http://host/a.png"),
        ("s3://b/a\tb ", "s3://b/a\tb "),
    ],
)
def test_blanks_in_an_address_are_read_as_in_browsers(told: str, url: str):
    """A key in a bucket may hold any."""
    assert config(KEYPOINT, BRUSH, IMAGE).image_url({"image": told}) == url


@pytest.mark.parametrize(("item_index", "url"), [(None, "/a.png"), (0, "/a.png"), (1, "/b.png")])
def test_a_tag_may_show_a_list_of_images(item_index: int | None, url: str):
    several = config(IMAGE.replace("value=", "valueList="), BRUSH, KEYPOINT)
    assert several.problems() == []
    assert several.image_url({"image": ["/a.png", "/b.png"]}, "image", item_index) == url


@pytest.mark.parametrize(
    ("images", "item_index"), [(["/a.png"], 1), (["/a.png"], -1), ([], None), ([3], None)]
)
def test_an_image_that_is_not_in_the_list_is_named(images: list[Any], item_index: int | None):
    several = config(IMAGE.replace("value=", "valueList="), BRUSH, KEYPOINT)
    with pytest.raises(PayloadError, match=rf"tasks\[0\]\.data\.image\[{item_index or 0}\]: "):
        several.image_url({"image": images}, "image", item_index)
