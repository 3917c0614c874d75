"""A label config that people have, with what clicks need added to it, and nothing taken away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, count
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from click99.labelstudio.config_text import check_labels
from click99.labelstudio.errors import LabelConfigError
from click99.labelstudio.label_config import LabelConfig

NAME = re.compile(r"""\bname\s*=\s*["']([^"']*)""", re.IGNORECASE)


def completed(xml: str, labels: Sequence[str] = ()) -> str:
    """`xml` itself when it answers clicks; else with a KeyPoint, a BrushLabels, or both before its end.

    labels: of the BrushLabels; none: those of the first control of the image that has some.

    Raises:
        LabelConfigError: what it lacks can't be added: an Image tag outside a Repeater, labels, or
            well-formed XML.
        ValueError: as of `check_labels`.
    """
    check_labels(labels)
    config = LabelConfig.parse(xml)
    if not config.problems():
        return xml
    image = _image(config)
    if not image:
        raise LabelConfigError("label_config", "no Image tag", 'Add <Image name="image" value="$image"/>')
    if image not in _names(xml):
        remedy = 'Add a KeyPoint with smart="true" and BrushLabels in there, by hand'
        raise LabelConfigError("label_config", "its Image is in a Repeater", remedy)
    added = _keypoint(xml, config, image) + _brush(xml, config, image, labels)
    end = _end(xml)
    whole = f"{xml[:end]}{added}{xml[end:]}"
    LabelConfig.parse(whole).check()
    return whole


def _image(config: LabelConfig) -> str:
    """Of several the one that clicks come from, or that has masks already."""
    smart = [control for control in config.keypoints if control.smart]
    named = [control.to_name for control in (*smart, *config.outputs) if control.to_name in config.images]
    return next(iter([*named, *config.images]), "")


def _end(xml: str) -> int:
    """Where the outermost tag's end begins, with its indent."""
    parser, ends = expat.ParserCreate("utf-8"), [0]
    parser.EndElementHandler = lambda name: ends.append(parser.CurrentByteIndex)
    parser.Parse(xml.encode(), True)
    before = xml.encode()[: ends[-1]].decode()
    if not xml.startswith("</", len(before)):
        raise LabelConfigError("label_config", "its outermost tag holds nothing", "Put the Image in a View")
    return len(before.rstrip(" \t"))


def _keypoint(xml: str, config: LabelConfig, image: str) -> str:
    if any(control.smart and control.to_name == image for control in config.keypoints):
        return ""
    name = quoteattr(_free(xml, "click"))
    return f'  <KeyPoint name={name} toName={quoteattr(image)} smart="true" smartOnly="true"/>\n'


def _brush(xml: str, config: LabelConfig, image: str, labels: Sequence[str]) -> str:
    if any(control.to_name == image for control in config.outputs):
        return ""
    controls = (*config.keypoints, *config.boxes)
    found = labels or next((list(each.labels) for each in controls if each.labels), [])
    if not found:
        problem = "no BrushLabels, BitmaskLabels or PolygonLabels, and no labels for one"
        raise LabelConfigError("label_config", problem, "Name them: --labels cat,dog")
    inside = "".join(f"    <Label value={quoteattr(label)}/>\n" for label in found)
    name, image = quoteattr(_free(xml, "brush")), quoteattr(image)
    return f'  <BrushLabels name={name} toName={image} smart="false">\n{inside}  </BrushLabels>\n'


def _free(xml: str, name: str) -> str:
    """A name that no tag has yet."""
    taken = _names(xml)
    others = (f"{name}-{k}" for k in count(2))
    return next(each for each in chain([name], others) if each not in taken)


def _names(xml: str) -> set[str]:
    return set(NAME.findall(xml))
