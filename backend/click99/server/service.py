"""All that Label Studio asks of click99; a click's way is in `answering.py`.

Used by `app.py` over HTTP and by `backend/click99/label_studio_ml.py` inside label-studio-ml.

Locks. A `Service` is called from many threads. The network's lock (turns.py) admits one pass of a
stream at a time, clicks and warm-ups alike; no image is fetched, cut or scaled and no mask made or encoded
under it. An object's lock (in `Sessions`) admits one step of it at a time; the network's is taken under it,
never the other way round. The image source, the mask store and the features guard themselves; nothing is
taken under their locks.

Lifetimes. Service, predictor, caches: the process. A mask: CLICK99_STATE_MINUTES after its last use, within
CLICK99_STATE_MB; a forgotten one is replayed. A request's own data: the request. Nothing a request brings is
kept outside these caches, the answers given last and the record, so a bad one leaves no trace. Requests that
are answered at the same time know of each other (`RequestsInFlight`): a superseded one runs no further
network step and is answered with no region, which nobody sees.
"""

from __future__ import annotations

import logging
import re
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from click99.annotations.damaged_annotations import DamagedAnnotations
from click99.labelstudio.client import Client
from click99.labelstudio.damage import damage
from click99.labelstudio.doubled import explain_doubled
from click99.labelstudio.errors import LabelConfigError
from click99.labelstudio.images import Image
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.payloads import EVENTS, PROMPTS, PredictRequest, SetupRequest, Work
from click99.labelstudio.predictions import Prediction, PredictResponse, Status
from click99.labelstudio.project_settings import ProjectSettings
from click99.labelstudio.prompts import read_subject
from click99.labelstudio.region_types import REGION_TYPES
from click99.labelstudio.regions import made_from
from click99.labelstudio.unaccepted import explain
from click99.labelstudio.webhook import WebhookEvent
from click99.memory.memories import Memories
from click99.registry.lines import group_of
from click99.server.answering import Answering, OnAnswer
from click99.server.click_log import log_click
from click99.server.connection import Connection
from click99.server.image_source import image_source
from click99.server.models import load_older, load_served
from click99.server.prometheus import Metrics
from click99.server.remembering import Recall
from click99.server.retrieval import Retrieval
from click99.server.settings import Settings
from click99.server.storage import open_lasting_store, open_store
from click99.server.warming import Warming
from click99.sessions import ObjectVersions, Priors, Sessions
from click99.sessions.chosen_labels import ChosenLabels
from click99.sessions.recent_answers import RecentAnswers
from click99.sessions.refine_or_new import ObjectFinder
from click99.sessions.refiner import Refiner
from click99.sessions.sessions import SupersededError
from click99.stages import watch

log = logging.getLogger(__name__)

NUMBER = re.compile(r"[0-9]{1,18}")  # an annotation's


class Service:
    """Answers Label Studio's requests. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        predictor: Refiner,
        metrics: Metrics | None = None,
        on_answer: OnAnswer = lambda question, found, way, mask, version: None,
        memories: Memories | None = None,
    ):
        """memories: of what was accepted in projects, None: there are none."""
        self.metrics = metrics or Metrics()
        self._connection = Connection(settings)
        self._images = image_source(settings, self._connection.client)
        store = open_store(settings, self.metrics)
        lasting = open_lasting_store(settings, store)
        self.versions = ObjectVersions(
            predictor, lasting, partial(load_older, settings), partial(group_of, lines=settings.lines)
        )
        self.sessions = Sessions(
            predictor,
            store,
            self.metrics.steps,
            settings.near_percent / 100,
            self.versions,
            Priors(lasting),
            settings.clean_percent / 100,
        )
        self.metrics.serves({predictor.version})
        self._recent_answers = RecentAnswers(lasting)
        projects = ProjectSettings(lambda: self._connection.client)
        objects = ObjectFinder(self._recent_answers, projects, ChosenLabels(lasting))
        self._answering = Answering(
            self._images,
            self.sessions,
            objects,
            on_answer,
            settings.polygon_tolerance,
            settings.overlap,
            Recall(settings, memories, self.metrics.begun),
        )
        self._warming = Warming(self._images, self.sessions)
        self._retrieval = Retrieval(self._images, self.sessions, settings.polygon_tolerance)
        self._damaged = DamagedAnnotations(settings.home)
        self.clicked_at = 0.0  # when a click was answered last, by `time.monotonic`

    @classmethod
    def load(cls, settings: Settings) -> Service:
        """A service with the configured checkpoint, read here. CheckpointError: see `Predictor.load`."""
        return cls(settings, load_served(settings))

    @property
    def version(self) -> str:
        """The model version, as Label Studio shows it beside predictions."""
        return self.sessions.version

    @property
    def refiner(self) -> Refiner:
        """What new objects run on."""
        return self.versions.current

    def version_of(self, line: str) -> str:
        """What a line's new objects run on."""
        return self.versions.lines.get(line, self.version)

    def use(self, predictor: Refiner, line: str = "") -> None:
        """Answer with this network from now on, or a line's projects; objects in progress are finished on
        theirs."""
        before, whose = self.version_of(line), f" project {line}" if line else ""
        self.sessions.use(predictor, line)
        self.metrics.serves({*self.versions.lines.values()}, before)
        log.info("%s answers%s from now on, instead of %s", predictor.version, whose, before)

    @property
    def label_studio(self) -> Client | None:
        """The Label Studio that is served, None while it is unknown."""
        self._connection.look_again()
        return self._connection.client

    def image(self, address: str, task: str) -> Image:
        """A picture by its address in that task; LabelStudioError when it can't be had."""
        return self._images.get(address, task)

    def close(self) -> None:
        """Drop what has not been warmed yet."""
        self._warming.close()

    def setup(self, request: SetupRequest, from_loopback: bool) -> str:
        """Label Studio introduces itself. Returns the model version; loads nothing."""
        if self._connection.introduce(request, from_loopback) and self._connection.client:
            self._images.use_label_studio(self._connection.client)
        return self.version

    def look_at(self, event: WebhookEvent) -> None:
        """Label Studio tells of something: what an annotation's masks took is counted, and whether it lost
        one, or holds one twice, looked at; in milliseconds.

        Label Studio waits for it while the annotator does, one second at most. A label config that can't be
        read tells nothing of damage.
        """
        if event.action == "ANNOTATION_CREATED":
            for item in (item for annotation in event.annotations for item in annotation.items):
                if clicks := len(made_from(item)):
                    self.metrics.clicks_to_accept.observe(clicks)
        data = {task.id: task.data for task in event.tasks}
        for xml in [project.label_config for project in event.projects if project.label_config]:
            for annotation in event.annotations:
                if annotation.task and NUMBER.fullmatch(annotation.id):
                    with suppress(LabelConfigError):
                        self._look_for_damage(annotation, LabelConfig.parse(xml, data.get(annotation.task)))

    def _look_for_damage(self, annotation: Work, config: LabelConfig) -> None:
        found = damage(annotation.items, config, annotation.task)
        if found.clicks:
            self.metrics.unaccepted.inc()
            log.warning(explain(annotation, found.clicks))
        if found.doubled:
            self.metrics.doubled.inc()
            log.warning(explain_doubled(annotation, found.doubled))
        if found:
            self._damaged.add(int(annotation.id))
        else:
            self._damaged.remove(int(annotation.id))

    def fetching(self, request: PredictRequest) -> Future[Image] | None:
        """While a click's image must be fetched: the wait for it, so that nobody waits in a thread.

        With the first click on an object its host is asked whether the image has changed.
        None: `predict` does not wait. LabelStudioError: as `predict`.
        """
        self._find_label_studio()
        if request.context is None or request.event or request.asks_nothing:
            return None
        prompt, _, url = read_subject(request)
        begins = len(prompt.items) == 1
        return self._images.fetching(url, request.task.id, prompt.size, anew=begins)

    def _find_label_studio(self) -> None:
        if self._connection.look_again() and self._connection.client:
            self._images.use_label_studio(self._connection.client)

    def _status(self, request: PredictRequest, event: str) -> Status:
        """What newer clients ask instead of a mask. Nothing is held for one, so a release drops nothing."""
        if event == "prewarm" and request.tasks:
            self._warming.later(request)
        told = {"capabilities": {"prompts": list(PROMPTS), "outputs": list(REGION_TYPES)}}
        return Status(value={"status": EVENTS[event]} | told.get(event, {}))

    def predict(self, request: PredictRequest) -> PredictResponse:
        """One interactive click, or, without context, the opening of tasks, or their retrieval.

        Tasks that bring boxes or points get masks. Others have no prediction: an empty list of them per task,
        which Label Studio stores nothing of (a prediction with an empty result becomes an empty tab, no
        results at all an error).
        """
        self._find_label_studio()
        if request.event:
            return PredictResponse(results=[self._status(request, request.event)])
        if request.asks_nothing:
            return PredictResponse(results=[self._nothing()])
        if request.context is None:
            if len(request.tasks) == 1:  # someone opens a task; more: a batch from the data manager
                self._recent_answers.opened(request.task_name)
                self._warming.later(request)
            return PredictResponse(results=[*self._retrieval.predictions(request)])
        return PredictResponse(results=[self._answer(request)])

    def _nothing(self) -> Prediction:
        """No region."""
        return Prediction(result=[], model_version=self.version, score=0.0)

    def _answer(self, request: PredictRequest) -> Prediction:
        """A click's, measured and logged."""
        start = time.perf_counter()
        with watch() as stages:
            try:
                prediction = self._answering.answer(request)
            except SupersededError:
                self.metrics.superseded.inc()
                return self._nothing()
        self.clicked_at = time.monotonic()
        self.metrics.answered(time.perf_counter() - start, stages)
        log_click(request, prediction, stages)
        return prediction
