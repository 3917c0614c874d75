"""A task's masks: one for each box and point, as one prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.image_cache import Image
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.payloads import ContextItem
from click99.labelstudio.predictions import MaskRegion
from click99.labelstudio.prompts import Prompt
from click99.labelstudio.region_types import write
from click99.labelstudio.regions import region_id, with_clicks
from click99.labelstudio.replies import as_results
from click99.sessions.sessions import Sessions
from click99.sessions.ways import Way


class Masks:
    """Makes them with a session's network, for an Image tag of a label config. tolerance: as of
    `region_types.write`. project: whose tasks they are, as the record calls it."""

    def __init__(
        self, sessions: Sessions, config: LabelConfig, tag: str, tolerance: float, project: str = ""
    ):
        self._sessions, self._config, self._tag, self._tolerance = sessions, config, tag, tolerance
        self._project = project

    def prediction(
        self, task: int | str, image: Image, items: Iterable[ContextItem]
    ) -> tuple[dict[str, Any], list[str]]:
        """What Label Studio keeps as a prediction, and of what was left out why. Its score, by which tasks
        can be sorted, is the mean of the masks' expected IoU; a result without masks has none."""
        result: list[Mapping[str, Any]] = []
        scores, left_out = [], []
        for number, item in enumerate(items):
            try:
                region, drawn_by = self._region(task, number, image, item)
            except LabelStudioError as error:
                left_out.append(f"task {task}, {item.label!r}: {error}")
                continue
            if not region.value.made_of:
                left_out.append(f"task {task}, {item.label!r}: the mask is empty")
                continue
            result += [_plain(each) for each in as_results(region, drawn_by)]
            scores.append(region.score)
        score = round(fmean(scores), 4) if scores else 0.0
        version = self._sessions.version_of(self._project)
        return {"result": result, "score": score, "model_version": version}, left_out

    def _region(
        self, task: int | str, number: int, image: Image, item: ContextItem
    ) -> tuple[MaskRegion, str]:
        height, width = image.pixels.shape[:2]
        target = self._config.holding(item.label or "", self._tag)
        prompt = Prompt([item], [number])
        box = prompt.box(height, width) if prompt.is_box else None
        way = Way(box, [] if box else prompt.clicks(height, width))
        answer = self._sessions.mask(image.key, image.pixels, way.clicks, way.start, project=self._project)
        region = MaskRegion(
            id=region_id(task, f"{item.id} {number}"),
            from_name=target.from_name,
            to_name=target.to_name,
            type=target.kind,
            original_width=width,
            original_height=height,
            score=answer.score,
            meta=with_clicks(None, way.noted, way.begun),
            value=write(answer.foreground, target.kind, [target.label], self._tolerance),
        )
        return region, target.drawn_by


def _plain(result: MaskRegion | dict[str, Any]) -> dict[str, Any]:
    return result.model_dump(exclude_none=True) if isinstance(result, MaskRegion) else result
