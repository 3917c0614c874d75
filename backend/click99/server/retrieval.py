"""'Retrieve predictions' of the data manager: masks for tasks that bring boxes or points, made as by
`click99 preannotate`."""

from __future__ import annotations

import logging
import time

from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.images import ImageSource
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.payloads import PredictRequest, Task
from click99.labelstudio.predictions import Prediction
from click99.preannotate.masks import Masks
from click99.preannotate.prompts import of_task
from click99.sessions import Sessions

log = logging.getLogger(__name__)

SECONDS = 60.0  # after which no further task of a request is begun: Label Studio waits for 100


class Retrieval:
    """Answers tasks that are opened, or that come in a batch. tolerance: as of `region_types.write`."""

    def __init__(self, images: ImageSource, sessions: Sessions, tolerance: float):
        self._images, self._sessions, self._tolerance = images, sessions, tolerance

    def predictions(self, request: PredictRequest) -> list[list[Prediction]]:
        """Of each task none or one. Of what was left out, and why, the log tells; a second retrieval goes on
        with tasks that had no time."""
        end = time.monotonic() + SECONDS
        return [self._of(task, request) if time.monotonic() < end else [] for task in request.tasks]

    def _of(self, task: Task, request: PredictRequest) -> list[Prediction]:
        if task.annotations or task.drafts or not task.predictions:
            return []
        try:
            config = LabelConfig.parse(request.label_config, task.data)
            return self._made(task, config, request.project or "")
        except LabelStudioError as error:
            log.warning("task %.40s gets no prediction: %s", task.id, error)
            return []

    def _made(self, task: Task, config: LabelConfig, project: str) -> list[Prediction]:
        tag = next(iter(config.images), "")
        works = [{"created_at": work.updated_at, "result": work.items} for work in task.predictions]
        found = of_task({"predictions": works}, tag)
        if not found:
            return []
        image = self._images.get(config.image_url(task.data, tag), task.id)
        masks = Masks(self._sessions, config, tag, self._tolerance, project)
        made, left_out = masks.prediction(task.id, image, found)
        for message in left_out:
            log.warning("%s", message)
        return [Prediction.model_validate(made)] if made["result"] else []
