"""The project's label config: which brush control and label answer a keypoint, and where the image is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """Where the answer to a click goes. from_name: the BrushLabels control; to_name: the Image tag."""

    from_name: str
    to_name: str
    label: str


@dataclass(frozen=True)
class LabelConfig:
    """Parsed label config."""

    @classmethod
    def parse(cls, xml: str) -> LabelConfig:
        """LabelConfigError when it is not XML. Cached: the same config arrives with every click."""
        raise NotImplementedError

    def check(self) -> None:
        """LabelConfigError naming the first thing missing for interactive masks, and the XML to add."""
        raise NotImplementedError

    def target(self, control: str, label: str) -> Target:
        """The brush control and label for a click on keypoint `control` with `label`; LabelConfigError if none."""
        raise NotImplementedError

    def image_url(self, data: Mapping[str, Any], image: str | None = None) -> str:
        """The address of the image in a task's data. image: the Image tag's name (Target.to_name), None = the one
        that the first keypoint control is for. LabelConfigError / PayloadError naming tasks[0].data.KEY."""
        raise NotImplementedError
