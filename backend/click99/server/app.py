"""The HTTP side: Label Studio's ML backend protocol on FastAPI (docs/reference/protocol.md).

Answers that need the network run in the thread pool. A click whose image must be fetched waits for it in no
thread. What Label Studio waits one to three seconds for (/setup, /webhook) has threads of its own. Nothing
that grows with a request's size runs on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, closing
from functools import partial
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse

from click99.annotations.recorder import Recorder
from click99.labelstudio.errors import ImageUnavailableError, LabelStudioError
from click99.labelstudio.images import Image
from click99.labelstudio.payloads import PredictRequest, SetupRequest, parse
from click99.labelstudio.predictions import PredictResponse
from click99.labelstudio.webhook import WebhookEvent
from click99.memory.memories import Memories
from click99.registry.jobs import Jobs
from click99.server.caches import TRY_PAGE, bound_masks
from click99.server.image_source import image_limits
from click99.server.middleware import (
    BasicAuth,
    Bodies,
    Body,
    LastResort,
    OwnOrigin,
    WebhookSecret,
    comes_from_loopback,
    presents,
    refusal,
    unauthorised,
)
from click99.server.models import load_served
from click99.server.openapi import describe
from click99.server.prometheus import Metrics
from click99.server.promotions import Follower
from click99.server.readiness import Readiness
from click99.server.recording import keep, record
from click99.server.refusals import Refusals
from click99.server.remembering import Remembering
from click99.server.request_id import RequestId
from click99.server.retraining import Retraining
from click99.server.saved_images import pictures
from click99.server.service import Service
from click99.server.settings import Settings
from click99.server.stats_page import add_stats_page
from click99.server.storage import open_database
from click99.server.sync import RegularSync
from click99.server.try_page import add_try_page, page, wants_page
from click99.server.watching import Watching
from click99.sessions.refiner import Refiner
from click99.stages import stage, watch
from click99.try_page.pictures import Pictures

log = logging.getLogger(__name__)


async def wait_for(image: Future[Image]) -> None:
    """Wait in no thread; when the server ends meanwhile, ImageUnavailableError."""
    try:
        await asyncio.wrap_future(image)
    except asyncio.CancelledError:
        raise ImageUnavailableError("image", "not fetched before click99 ended", "Click again") from None


def create_app(settings: Settings, predictor: Refiner | None = None, jobs: Jobs | None = None) -> FastAPI:
    """The server for these settings. predictor: what it starts with; None: the configured checkpoint, loaded
    here. jobs: its fine-tunes; None: those in CLICK99_HOME."""
    bound_masks(settings)
    database, metrics = open_database(settings), Metrics()
    recorder = Recorder(database, settings.home, metrics)
    predictor = predictor or load_served(settings)
    memories = Memories(database)
    service = Service(settings, predictor, metrics, partial(record, recorder), memories)
    retraining = Retraining(settings, database, jobs)
    watching = Watching(settings, database)
    metrics.add(retraining)
    metrics.add(watching)
    running = [  # from start to end; the last to start is the first to end
        closing(database),
        recorder,
        RegularSync(database, lambda: service.label_studio, settings.sync_minutes),
        retraining,
        watching,
        Follower(settings, service),
        Remembering(
            settings,
            database,
            memories,
            service.versions,
            service.image,
            lambda: service.clicked_at,
        ),
        closing(service),
        readiness := Readiness(lambda: service.refiner),
    ]
    app = FastAPI(title="click99", lifespan=lambda _: lifespan(running, service))
    app.state.service, app.state.bodies = service, Bodies(settings)
    add_routes(app, service, readiness, settings)
    if settings.try_page:
        kept = Pictures(settings.home, *image_limits(settings), TRY_PAGE.of(settings))
        add_try_page(app, kept, service.sessions)
    add_stats_page(app, settings, database, pictures(service.image), lambda: service.label_studio)
    add_training(app, recorder, service, retraining, "" if settings.webhook_secret else settings.credentials)
    add_middleware(app, settings, metrics)
    describe(app, settings)
    return app


@asynccontextmanager
async def lifespan(running: Iterable[AbstractContextManager], service: Service) -> AsyncIterator[None]:
    """What starts and ends with the server."""
    with ExitStack() as stack:
        for part in running:
            stack.enter_context(part)
        log.info("%s is ready for clicks", service.version)
        yield


def add_middleware(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """What stands before the endpoints, and how their errors are told."""
    credentials, refusals = settings.credentials, Refusals(settings.home)
    app.add_middleware(LastResort, metrics=metrics)
    app.add_middleware(OwnOrigin)
    if settings.webhook_secret:
        app.add_middleware(WebhookSecret, secret=settings.webhook_secret, credentials=credentials)
    if credentials:
        app.add_middleware(BasicAuth, credentials=credentials)
    app.add_middleware(RequestId)

    @app.exception_handler(LabelStudioError)
    async def explain(request: Request, error: LabelStudioError) -> JSONResponse:
        metrics.errors.labels(type(error).__name__).inc()
        log.warning("%s: %s", request.url.path, error)
        await run_in_threadpool(refusals.note, error)
        return refusal(error)


def add_routes(app: FastAPI, service: Service, readiness: Readiness, settings: Settings) -> None:
    """Every endpoint that Label Studio or an administrator calls."""

    @app.get("/", response_model=dict[str, str], responses={200: {"content": {"text/html": {}}}})
    async def root(request: Request) -> Response | dict[str, str]:
        return page() if settings.try_page and wants_page(request) else await health()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "UP", "model_class": "click99", "model_version": service.version}

    @app.get("/ready", response_model=dict[str, str])
    async def ready() -> JSONResponse:
        if readiness.problem:
            return JSONResponse({"status": "NOT READY", "detail": readiness.problem}, 503)
        return JSONResponse({"status": "READY"})

    @app.post("/setup")
    async def setup(request: Request, body: Body) -> dict[str, str]:
        from_loopback = comes_from_loopback(request.scope)
        told = await asyncio.to_thread(parse, SetupRequest, body)
        return {"model_version": await asyncio.to_thread(service.setup, told, from_loopback)}

    @app.post("/predict", response_model=PredictResponse)
    async def predict(body: Body) -> Response:
        with service.metrics.in_flight.track_inprogress(), watch(), stage("predict"):
            asked = await run_in_threadpool(read, body)
            if fetching := await run_in_threadpool(service.fetching, asked):
                with stage("fetch"):
                    await wait_for(fetching)
            return Response(await run_in_threadpool(answer, asked), media_type="application/json")

    def read(body: bytes) -> PredictRequest:
        asked = parse(PredictRequest, body)
        asked.check(settings.task_results, settings.object_clicks)
        return asked

    def answer(asked: PredictRequest) -> str:
        return service.predict(asked).model_dump_json()

    @app.get("/versions")
    @app.post("/versions")
    @app.api_route("/versions", methods=["GET", "POST"], include_in_schema=False)  # 405 tells them both
    async def versions() -> dict[str, list[str]]:
        return {"versions": [service.version]}

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def add_training(
    app: FastAPI, recorder: Recorder, service: Service, retraining: Retraining, credentials: str
) -> None:
    """Events, and what begins a fine-tune.

    credentials: "user:password" that Label Studio must present with its button's START_TRAINING, as it does,
    unlike with other events; "": it need not.
    """

    def begin(why: str, project: str = "") -> dict[str, str]:
        number, detail = retraining.begin(why, project)
        return {"status": "ok", "job": str(number), "detail": detail}

    @app.post("/webhook", response_model=dict[str, str])
    async def webhook(request: Request, body: Body) -> Response:
        event = await asyncio.to_thread(parse, WebhookEvent, body)
        log.info("Label Studio says %.60r", event.action)
        training = event.action == "START_TRAINING"
        if training and credentials and not presents(request.scope, credentials):
            return unauthorised()
        await asyncio.to_thread(keep, recorder, body)
        if not training:
            await asyncio.to_thread(service.look_at, event)
            return JSONResponse({"status": "ok"})
        project = next((str(project.id) for project in event.projects), "")
        why = f"Label Studio's button, project {project}" if project else "Label Studio's button"
        return JSONResponse(await asyncio.to_thread(begin, why, project))

    @app.post("/train")
    async def train(project: Annotated[str, Query(pattern=r"^[0-9]{0,18}$")] = "") -> dict[str, str]:
        return await asyncio.to_thread(begin, "POST /train", project)
