"""The project's label config: which control and label answer a click, and where the image is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, cast
from xml.etree import ElementTree

from click99.labelstudio.controls import Control, Target, controls, is_tag, known_names, name_in, outputs
from click99.labelstudio.errors import LabelConfigError, PayloadError
from click99.labelstudio.loose_values import VARIABLE, value_of
from click99.labelstudio.payloads import WITHOUT_LABELS
from click99.labelstudio.region_types import OF_ANY, REGION_TYPES, Kind
from click99.labelstudio.repeater import LONGEST, repeated
from click99.labelstudio.storage import ON_STORAGE

REPEATER = re.compile("<repeater", re.IGNORECASE)


@dataclass(frozen=True)
class LabelConfig:
    """keypoints: KeyPoint that are smart, and KeyPointLabels. boxes: Rectangle and RectangleLabels. Of each
    the smart ones come first. outputs: what can hold an answer, in the order of REGION_TYPES. images: the
    Image tags' names -> their value or valueList ("$image"). data: the task's; None: of no task."""

    keypoints: tuple[Control, ...]
    boxes: tuple[Control, ...]
    outputs: tuple[Control, ...]
    images: Mapping[str, str]
    data: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, xml: str, data: Mapping[str, Any] | None = None) -> LabelConfig:
        """LabelConfigError when it is not XML. data: the task's, which says how often Repeaters repeat, and
        may hold labels."""
        found = cls._parse(xml, data or {})
        return found if data is None else found._of_task(data)

    def _of_task(self, data: Mapping[str, Any]) -> LabelConfig:
        """With the labels that the task brings."""
        dots, boxes, masks = (
            tuple(control.of_task(data) for control in each)
            for each in (self.keypoints, self.boxes, self.outputs)
        )
        return replace(self, keypoints=dots, boxes=boxes, outputs=masks, data=data)

    @classmethod
    def _parse(cls, xml: str, data: Mapping[str, Any]) -> LabelConfig:
        if not REPEATER.search(xml):
            return cls._read(xml)
        try:
            return cls._read(ElementTree.tostring(repeated(_tree(xml), data), "unicode"))
        except RecursionError:
            raise LabelConfigError("label_config", "nested too deeply", "Mend it under Settings") from None

    @classmethod
    @lru_cache(maxsize=64)
    def _read(cls, xml: str) -> LabelConfig:
        """Cached: the same config arrives with every click."""
        root = _tree(xml)
        images = [tag for tag in root.iter() if is_tag(tag, "image")]
        fields = {tag.get("name", ""): tag.get("valuelist") or tag.get("value", "") for tag in images}
        found = controls(root)
        dots = [dot for dot in found["keypoint"] if dot.smart] + found["keypointlabels"]
        boxes = found["rectangle"] + found["rectanglelabels"]
        masks = tuple(control for kind in REGION_TYPES for control in outputs(found, kind))
        return cls(_smart_first(dots), _smart_first(boxes), masks, fields)

    def problems(self) -> list[LabelConfigError]:
        """All that interactive masks lack, each with the XML to add; empty when every label is answered."""
        try:
            keypoint = self._interactive()
            self._image_value(keypoint.to_name)
        except LabelConfigError as error:
            return [error]
        prompts = (keypoint, *(box for box in self.boxes if box.smart))
        asked = [(prompt.name, label) for prompt in prompts for label in _asked(prompt)]
        refusals = [self._refusal(name, label) for name, label in asked]
        return [error for error in (_not_smart(keypoint), *refusals) if error]

    def check(self) -> None:
        """Raises the first of `problems`."""
        for error in self.problems():
            raise error

    def _refusal(self, control: str, label: str | None) -> LabelConfigError | None:
        try:
            self.target(control, label)
        except LabelConfigError as error:
            return error

    def target(self, control: str, label: str | None, more: Sequence[str] = ()) -> Target:
        """The first of `targets`."""
        return self.targets(control, label, more)[0]

    def targets(
        self,
        control: str,
        label: str | None,
        more: Sequence[str] = (),
        chosen: Sequence[str] = (),
        image: str = "",
    ) -> list[Target]:
        """The controls and labels that can answer a click or a box, the one of a new object first; the
        others' regions may be refined. LabelConfigError if the config has none.

        control: the click's from_name, "": that of `image`, its to_name, which has the label. label: its
        first label, None: it has none; more: the others, left out where the control does not have them.
        chosen: the labels of the region that is selected; a new object goes where they are known. Other
        programs give clicks of controls without labels one: it counts as chosen.
        """
        prompt = self._prompt(control, label, image)
        if prompt.kind in WITHOUT_LABELS or label is None:
            if label is not None:
                self.holding(label, prompt.to_name)
            return self._of_any_label(prompt, chosen if label is None else [label, *more])
        value = _value(prompt.labels or {}, label) or (label if prompt.from_task else None)
        if value is None:
            tag = "KeyPointLabels" if prompt in self.keypoints else "RectangleLabels"
            problem = f"{tag} {control!r} has no label {label!r}, only {_names(prompt.labels)}"
            raise LabelConfigError("label_config", problem, f'Add <Label value="{label}"/> inside it')
        outputs, targets = self._outputs(prompt, label), []
        for output in outputs:
            if found := name_in(output.labels, label, value):
                others = (
                    name_in(output.labels, other, (prompt.labels or {}).get(other, other)) for other in more
                )
                beside = tuple(other for other in others if other)
                targets.append(_target(output, found, more=beside))
        if targets:
            return targets
        first = f"{outputs[0].tag} {outputs[0].name!r}"
        problem = f"{first} has no label {label!r}, only {_names(outputs[0].labels)}"
        remedy = f'Add <Label value="{value}"/> inside it'
        if outputs[0].from_task:
            remedy += f", or the label to {outputs[0].from_task.removeprefix('$')!r} of the task"
        raise LabelConfigError("label_config", problem, remedy)

    def holding(self, label: str, image: str) -> Target:
        """The image's first control that can hold a mask of that label; LabelConfigError when there is
        none."""
        outputs = [output for output in self.outputs if output.to_name == image]
        for output in outputs:
            if name := name_in(output.labels, label, label):
                return _target(output, name)
        known = ", ".join(f"{output.name!r}: {_names(output.labels)}" for output in outputs) or "none"
        problem = f"no control for masks has the label {label!r} (there: {known})"
        raise LabelConfigError("label_config", problem, f'Add <Label value="{label}"/> to a BrushLabels')

    def _of_any_label(self, prompt: Control, chosen: Sequence[str]) -> list[Target]:
        outputs, targets = self._outputs(prompt, "Object"), []
        for output in outputs:
            unknown = ["Object"] if self.data is None and output.from_task else []
            for label in [*(output.labels or output.own or unknown)][:1]:
                names = tuple(known_names(output.labels, chosen))  # other regions may be selected, too
                targets.append(_target(output, label, any_label=True, chosen=names))
        if targets:
            return sorted(targets, key=lambda target: not target.chosen)
        problem = f"{outputs[0].name!r} has no label of its own, and a click of {prompt.name!r} brings none"
        remedy = f'Add <Label value="Object"/> inside {outputs[0].name!r}'
        if outputs[0].from_task:
            remedy = f"Import the task with {outputs[0].from_task.removeprefix('$')!r}, a list of labels"
        raise LabelConfigError("label_config", problem, remedy)

    def _outputs(self, prompt: Control, label: str) -> list[Control]:
        """Those of the prompt's image, at least one. label: for the one to add where there is none."""
        if outputs := [output for output in self.outputs if output.to_name == prompt.to_name]:
            return outputs
        raise _no_output(prompt.to_name, label)

    def image_url(
        self, data: Mapping[str, Any], image: str | None = None, item_index: int | None = None
    ) -> str:
        """The address of a task's image.

        data: the task's. image: the Image tag's name (Target.to_name), None = the one to click on.
        item_index: which one of a list, None: the first.
        LabelConfigError without such a tag, PayloadError naming the task's field when it holds no text.
        """
        value = self._image_value(image or self._interactive().to_name)
        found, place = value_of(value, data), ""
        if isinstance(found, list):
            found, place = dict(enumerate(found)).get(item_index or 0), f"[{item_index or 0}]"
        if not isinstance(found, str) or not found:
            field = f"tasks[0].data.{(VARIABLE.findall(value) or [value])[0].removeprefix('$')}{place}"
            kind = "empty" if found == "" else f"{type(found).__name__} instead of an image's address"
            problem = "missing" if found is None else kind
            raise PayloadError(
                field, problem, f"Import the task with it, or change the Image tag's value={value!r}"
            )
        return found if ON_STORAGE.match(found) else re.sub("[\t\r\n]", "", found).strip()  # as browsers do

    def _interactive(self) -> Control:
        """The first smart keypoint control, else the first."""
        for keypoint in self.keypoints:
            return keypoint
        image = next(iter(self.images), "image")
        remedy = f'Add <KeyPoint name="click" toName="{image}" smart="true" smartOnly="true"/>'
        raise LabelConfigError("label_config", "no smart KeyPoint control", remedy)

    @cached_property
    def _prompts(self) -> Mapping[str, Control]:
        """By name; of several the first."""
        return {prompt.name: prompt for prompt in reversed((*self.keypoints, *self.boxes))}

    def _prompt(self, name: str, label: str | None, image: str = "") -> Control:
        if name in self._prompts:
            return self._prompts[name]
        prompts = (*self.keypoints, *self.boxes)
        there = [prompt for prompt in prompts if prompt.to_name == image] or prompts
        if not name and (found := [*_with_label(there, label), *self._without_labels(there, label)]):
            return found[0]
        if not name and label is not None and there:
            labels = ", ".join(f"{prompt.name!r}: {_names(prompt.labels)}" for prompt in there)
            problem = f"no control for clicks has the label {label!r} (there: {labels})"
            raise LabelConfigError("label_config", problem, f'Add <Label value="{label}"/> to one')
        known = ", ".join(repr(keypoint.name) for keypoint in self.keypoints) or "none"
        problem = f"no KeyPoint control {name!r} (there: {known})"
        remedy = f'Add <KeyPoint name="{name}" …/> or reload the page'
        raise LabelConfigError("label_config", problem, remedy)

    def _without_labels(self, prompts: Iterable[Control], label: str | None) -> list[Control]:
        """Those whose image has a control for masks with that label first."""
        images = {output.to_name for output in self.outputs if label and known_names(output.labels, [label])}
        bare = (prompt for prompt in prompts if prompt.kind in WITHOUT_LABELS)
        return sorted(bare, key=lambda prompt: prompt.to_name not in images)

    def _image_value(self, name: str) -> str:
        value = self.images.get(name)
        if not value:
            problem = f"no Image tag {name!r}" if value is None else f"Image {name!r} has no value"
            raise LabelConfigError("label_config", problem, f'Add <Image name="{name}" value="$image"/>')
        return value


def _with_label(prompts: Iterable[Control], label: str | None) -> Iterator[Control]:
    """Those that have it; None: all."""
    for prompt in prompts:
        if label is None or prompt.labels is None or _value(prompt.labels, label):
            yield prompt


def _tree(xml: str) -> ElementTree.Element:
    if len(xml) > LONGEST:
        raise LabelConfigError("label_config", f"{len(xml)} characters", f"Use at most {LONGEST}")
    if "<!DOCTYPE" in xml:  # with it come entities, which can blow up
        raise LabelConfigError("label_config", "it has a document type", "Remove <!DOCTYPE …>")
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as error:
        raise LabelConfigError("label_config", f"not XML ({error})", "Mend it under Settings") from None
    for tag in root.iter():  # the editor reads attributes, as tags, in any case
        tag.attrib = {name.lower(): value for name, value in tag.attrib.items()}
    return root


def _target(output: Control, label: str, **more: Any) -> Target:
    kind, drawn_by = cast(Kind, output.kind), output.drawn_by
    type = OF_ANY if drawn_by else kind
    value = (output.labels or {}).get(label)
    called = value if value != label else None
    more |= {"drawn_by": drawn_by, "called": called, "labels": output.labels}
    return Target(output.name, output.to_name, label, kind, type, **more)


def _value(labels: Mapping[str, str], label: str) -> str | None:
    """Of the label called so; other programs call it by its value, where it has an alias."""
    return labels.get(label) or (label if label in labels.values() else None)


def _asked(prompt: Control) -> Sequence[str | None]:
    """The labels that its clicks or boxes come with."""
    return [None] if prompt.kind in WITHOUT_LABELS else list(prompt.labels or ())


def _smart_first(controls: list[Control]) -> tuple[Control, ...]:
    return tuple(sorted(controls, key=lambda control: not control.smart))


def _names(labels: Mapping[str, str] | None) -> str:
    return ", ".join(repr(name) for name in labels or {}) or "none"


def _not_smart(keypoint: Control) -> LabelConfigError | None:
    if keypoint.smart:
        return None
    remedy = f'Add smart="true" smartOnly="true" to <KeyPointLabels name="{keypoint.name}">'
    return LabelConfigError("label_config", f"KeyPointLabels {keypoint.name!r} is not smart", remedy)


def _no_output(image: str, label: str) -> LabelConfigError:
    tag = f'<BrushLabels name="brush" toName="{image}"><Label value="{label}"/></BrushLabels>'
    *tags, last = (kind.tag for kind in REGION_TYPES.values())
    problem = f"no {', '.join(tags)} or {last} control for the image {image!r}"
    return LabelConfigError("label_config", problem, f"Add {tag}")
