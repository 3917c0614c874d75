"""A click's way: decode → the object's state → pixels → only the new clicks → encode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from click99.labelstudio.boxes import BoxDrawn, box_drawn
from click99.labelstudio.click_group import click_group
from click99.labelstudio.images import Image, ImageSource
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.outputs import FOREGROUND, write
from click99.labelstudio.payloads import Context, PredictRequest
from click99.labelstudio.predictions import MaskRegion, MaskValue, Prediction
from click99.segmentation.clicks import Click
from click99.server.canvas import Canvas, Question, region_id
from click99.sessions import Sessions
from click99.sessions.boxes import Box
from click99.sessions.in_flight import InFlight
from click99.sessions.refine_or_new import ClickedObject
from click99.sessions.sessions import VersionedMask

OnAnswer = Callable[[Question, ClickedObject, np.ndarray, str], None]  # mask: bool [H, W]; the model version


class Answering:
    """Answers clicks and boxes. Thread-safe. on_answer is told of each answer."""

    def __init__(self, images: ImageSource, sessions: Sessions, canvas: Canvas, polygon_tolerance: float):
        """polygon_tolerance: in thousandths of the image's long side."""
        self._images, self._sessions, self._canvas = images, sessions, canvas
        self._polygon_tolerance = polygon_tolerance
        self._in_flight = InFlight()
        self.on_answer: OnAnswer = lambda question, found, mask, version: None

    def answer(self, request: PredictRequest, context: Context) -> Prediction:
        """The mask after all pending clicks. LabelStudioError when the request, its label config or its image
        is wrong; SupersededError when a newer request has answer this one pointless."""
        asked = time.perf_counter()
        prompt = box_drawn(context.result) or click_group(context.result)
        config = LabelConfig.parse(request.label_config)
        target = config.target(prompt.control, prompt.label, prompt.more)
        target = replace(target, item_index=prompt.item_index)
        image = self._images.get(config.image_url(request.task.data, target.to_name, target.item_index))
        height, width = image.pixels.shape[:2]
        if isinstance(prompt, BoxDrawn):
            name, *ends = prompt.pixels(height, width)
            box = Box(*ends)
            question = Question(request, target, [(name, box.centre)], (height, width), asked)
            return self._answer_box(question, box, image)
        clicks = [(c.id, Click(c.x, c.y, c.positive)) for c in prompt.pixels(height, width)]
        return self._answer_clicks(Question(request, target, clicks, (height, width), asked), image)

    def _answer_clicks(self, question: Question, image: Image) -> Prediction:
        with self._in_flight.answering(question.key, question.clicks) as superseded:
            found = self._canvas.object_of(question, self._sessions.near(image.pixels))
            answer = self._sessions.mask(image.key, image.pixels, found.clicks, found.start, superseded)
        return self._prediction(question, found, answer)

    def _answer_box(self, question: Question, box: Box, image: Image) -> Prediction:
        """A box begins a new object; clicks refine its mask."""
        ((name, _),) = question.clicks
        new = ClickedObject(region_id(question.request.task.id, name), None, question.clicks)
        return self._prediction(question, new, self._sessions.box_mask(image.key, image.pixels, name, box))

    def _prediction(self, question: Question, found: ClickedObject, answer: VersionedMask) -> Prediction:
        inside = answer.alpha > FOREGROUND
        value = write(inside, question.target.kind, question.labels(found.id), self._polygon_tolerance)
        self._canvas.remember(question, found, inside)
        score = round(float(answer.alpha[inside].mean()) / 255, 4) if inside.any() else 0.0
        region = _region(found.id, question, value, score)
        self.on_answer(question, found, inside, answer.version)
        # An outline cannot be of nothing: such an answer only takes the one before away.
        result = [region, *question.beside(found.id)] if value.made_of else []
        return Prediction(result=result, model_version=answer.version, score=score)


def _region(region: str, question: Question, value: MaskValue, score: float) -> MaskRegion:
    target, (height, width) = question.target, question.shape
    return MaskRegion(
        id=region,
        from_name=target.from_name,
        to_name=target.to_name,
        type=target.kind,
        original_width=width,
        original_height=height,
        item_index=target.item_index,
        score=score,
        meta=question.meta(region),
        value=value,
    )
