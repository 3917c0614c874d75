"""A click's way: decode → the object's state → pixels → only the new clicks → brush RLE.

Used by `app.py` over HTTP and by `backend/label_studio_ml.py` inside label-studio-ml.

Locks. A `Service` is called from many threads. The network's lock (in `Sessions`) admits one step at a time,
clicks and warm-ups alike; no image is fetched or mask encoded under it. The image source and the mask store
guard themselves; under the network's lock only the store's is taken, never the other way round.

Lifetimes. Service, predictor, caches: the process. A mask: CLICK99_STATE_MINUTES after its last use, within
CLICK99_STATE_MB; a forgotten one is replayed. A request's own data: the request. Nothing a request brings is
kept outside these caches, so a bad one leaves no trace. Requests that are answered at the same time know of
each other (`InFlight`): a superseded one runs no further network step and is answered with no region, which
nobody sees.

Failure codes (`{"detail": "field: problem. remedy"}`, logged once):
    400  the body is not JSON, or not what Label Studio sends (`PayloadError`)
    401  basic auth is on and was not presented
    413  the body is larger than `app.MAX_BODY` (`BodyTooLargeError`)
    422  every other `LabelStudioError`: label config, image address, image, Label Studio's API
    500  a defect of click99: `detail` holds an id, the log has the traceback under it
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from backend.labelstudio.boxes import BoxDrawn, PixelBox, box_drawn
from backend.labelstudio.client import Client
from backend.labelstudio.errors import LabelStudioError
from backend.labelstudio.images import Image, ImageSource
from backend.labelstudio.label_config import LabelConfig, Target
from backend.labelstudio.outputs import FOREGROUND, write
from backend.labelstudio.payloads import (
    Context,
    MaskRegion,
    MaskValue,
    Prediction,
    PredictRequest,
    PredictResponse,
    SetupRequest,
    WebhookEvent,
    click_group,
)
from backend.segmentation.clicks import Click
from backend.server.canvas import Canvas, Question, region_id
from backend.server.connection import Connection
from backend.server.metrics import Metrics
from backend.server.models import keep_model, load_older, load_predictor
from backend.server.overlap import Overlap
from backend.server.settings import Settings
from backend.server.unaccepted import Notes, explain
from backend.server.unaccepted import unaccepted as find_unaccepted
from backend.sessions import DiskStore, MemoryStore, RedisStore, Sessions, Versions
from backend.sessions.answers import Answers
from backend.sessions.boxes import Box
from backend.sessions.in_flight import InFlight
from backend.sessions.objects import Object
from backend.sessions.refiner import Refiner
from backend.sessions.sessions import SupersededError
from backend.sessions.stores import Store

log = logging.getLogger(__name__)

VERSIONS_BYTES = 4 * 2**20  # some tens of thousands of clicks
OnAnswer = Callable[[Question, Object, np.ndarray, str], None]  # mask: bool [H, W]; the model version
WARM_QUEUE = 4  # images waiting to be warmed; more are left to their first click


class Service:
    """Answers Label Studio's requests. Thread-safe."""

    def __init__(self, settings: Settings, predictor: Refiner, metrics: Metrics | None = None):
        self.metrics = metrics or Metrics()
        self._connection = Connection(settings)
        self._images = ImageSource(settings.home, settings.hosts, self._connection.client)
        store = open_store(settings, self.metrics)
        versions = Versions(predictor, open_versions(settings, store), partial(load_older, settings))
        self._sessions = Sessions(
            predictor, store, self.metrics.cache_hits.inc, settings.near_percent / 100, versions
        )
        self.metrics.serves(predictor.version)
        self._canvas = Canvas(Answers(store), Overlap(lambda: self._connection.client))
        self._in_flight = InFlight()
        self._notes = Notes(settings.home)
        self._polygon_tolerance = settings.polygon_tolerance
        self._warming = ThreadPoolExecutor(1, thread_name_prefix="warm")
        self._warm_slots = threading.BoundedSemaphore(WARM_QUEUE)
        self.on_answer: OnAnswer = lambda question, found, mask, version: None

    @classmethod
    def load(cls, settings: Settings) -> Service:
        """A service with the configured checkpoint, read here. CheckpointError: see `Predictor.load`."""
        predictor = load_predictor(settings)
        keep_model(settings, predictor.version)
        return cls(settings, predictor)

    @property
    def version(self) -> str:
        """The model version, as Label Studio shows it beside predictions."""
        return self._sessions.version

    def use(self, predictor: Refiner) -> None:
        """Answer with this network from now on; objects in progress are finished on theirs."""
        before = self.version
        self._sessions.use(predictor)
        self.metrics.serves(predictor.version, before)
        log.info("%s answers from now on, instead of %s", predictor.version, before)

    @property
    def label_studio(self) -> Client | None:
        """The Label Studio that is served, None while it is unknown."""
        self._connection.look_again()
        return self._connection.client

    def close(self) -> None:
        """Drop what has not been warmed yet."""
        self._warming.shutdown(wait=False, cancel_futures=True)

    def setup(self, request: SetupRequest, from_loopback: bool) -> str:
        """Label Studio introduces itself. Returns the model version; loads and fetches nothing."""
        if self._connection.introduce(request, from_loopback) and self._connection.client:
            self._images.use_label_studio(self._connection.client)
        return self.version

    def note(self, event: WebhookEvent) -> None:
        """Label Studio tells of something: whether an annotation lost a mask is looked at, in milliseconds.

        Label Studio waits for it while the annotator does, one second at most.
        """
        if not (event.annotation and event.task and event.project and event.project.label_config):
            return
        number, items = event.annotation.id, event.annotation.items
        config = LabelConfig.parse(event.project.label_config)
        if not isinstance(number, int):
            return
        if lost := find_unaccepted(items, config, event.task.id):
            self.metrics.unaccepted.inc()
            log.warning(explain(event, lost))
            self._notes.lost(number)
        else:
            self._notes.whole(number)

    def predict(self, request: PredictRequest) -> PredictResponse:
        """One interactive click, or, without context, the opening of tasks.

        Opening has no prediction to give: an empty list of predictions per task, which Label Studio stores
        nothing of (a prediction with an empty result becomes an empty tab, no results at all an error).
        """
        if self._connection.look_again() and self._connection.client:
            self._images.use_label_studio(self._connection.client)
        if request.context is None:
            if len(request.tasks) == 1:  # someone opens a task; more: a batch from the data manager
                self._canvas.opened(request)
                self._warm_later(request)
            return PredictResponse(results=[[] for _ in request.tasks])
        start = time.perf_counter()
        prediction = self._click(request, request.context, start)
        self.metrics.seconds.observe(time.perf_counter() - start)
        self.metrics.clicks.inc()
        return PredictResponse(results=[prediction])

    def _click(self, request: PredictRequest, context: Context, asked: float) -> Prediction:
        group = box_drawn(context.result) or click_group(context.result)
        config = LabelConfig.parse(request.label_config)
        target = config.target(group.control, group.label)
        image = self._images.get(config.image_url(request.task.data, target.to_name))
        height, width = image.pixels.shape[:2]
        if isinstance(group, BoxDrawn):
            return self._answer_box(request, target, image, group.pixels(height, width), asked)
        clicks = [(c.id, Click(c.x, c.y, c.positive)) for c in group.pixels(height, width)]
        question = Question(request, target, clicks, (height, width), asked)
        try:
            return self._answer(question, image)
        except SupersededError:
            self.metrics.superseded.inc()
            return Prediction(result=[], model_version=self.version, score=0.0)

    def _answer_box(
        self, request: PredictRequest, target: Target, image: Image, box: PixelBox, asked: float
    ) -> Prediction:
        """A box begins a new object. Clicks refine its mask once that is accepted."""
        area = Box(box.left, box.top, box.right, box.bottom)
        clicks = [(box.id, area.centre)]
        question = Question(request, target, clicks, image.pixels.shape[:2], asked)
        alpha = self._sessions.box_mask(image.key, image.pixels, box.id, area)
        return self._prediction(question, Object(region_id(request.task.id, box.id), None, clicks), alpha)

    def _answer(self, question: Question, image: Image) -> Prediction:
        with self._in_flight.answering(question.key, question.clicks) as superseded:
            found = self._canvas.object_of(question, self._sessions.near(image.pixels))
            alpha = self._sessions.mask(image.key, image.pixels, found.clicks, found.start, superseded)
        return self._prediction(question, found, alpha)

    def _prediction(self, question: Question, found: Object, alpha: np.ndarray) -> Prediction:
        inside = alpha > FOREGROUND
        value = write(inside, question.target, self._polygon_tolerance)
        self._canvas.remember(question, found, inside)
        score = round(float(alpha[inside].mean()) / 255, 4) if inside.any() else 0.0
        region = self._region(found.id, question, value, score)
        # An outline cannot be of nothing: such an answer only takes the one before away.
        version = self._sessions.version_of(found.clicks)
        self.on_answer(question, found, inside, version)
        return Prediction(result=[region] if value.made_of else [], model_version=version, score=score)

    def _region(self, region: str, question: Question, value: MaskValue, score: float) -> MaskRegion:
        target, (height, width) = question.target, question.shape
        return MaskRegion(
            id=region,
            from_name=target.from_name,
            to_name=target.to_name,
            type=target.kind,
            original_width=width,
            original_height=height,
            score=score,
            meta=question.meta(region),
            value=value,
        )

    def _warm_later(self, request: PredictRequest) -> None:
        """Fetch and encode the task's image in the background, unless too many wait already."""
        if not self._warm_slots.acquire(blocking=False):
            return
        done = self._warming.submit(self._warm, request)
        done.add_done_callback(lambda _: self._warm_slots.release())

    def _warm(self, request: PredictRequest) -> None:
        try:
            url = LabelConfig.parse(request.label_config).image_url(request.task.data)
            image = self._images.get(url)
            self._sessions.warm(image.key, image.pixels)
        except LabelStudioError as error:  # the first click will fail with it, too
            log.warning("Task %s is not ready for clicks: %s", request.task.id, error)
        except Exception:
            log.exception("Task %s could not be warmed", request.task.id)


def open_store(settings: Settings, metrics: Metrics) -> Store:
    """Where state is kept between clicks: in Redis when there is one, else in the process."""
    max_bytes, max_age_s = settings.state_mb * 2**20, settings.state_minutes * 60
    if settings.redis_url:
        return RedisStore(settings.redis_url, max_bytes, max_age_s, metrics.redis_losses.inc)
    return MemoryStore(max_bytes, max_age_s)


def open_versions(settings: Settings, store: Store) -> Store:
    """Where it is noted what open objects run on: it must outlive a restart, which deploys a new version."""
    if settings.redis_url:
        return store
    return DiskStore(settings.home / "versions.sqlite", VERSIONS_BYTES, settings.state_minutes * 60)
