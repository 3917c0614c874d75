"""schemathesis on the schema that a server tells: the edges of what each operation takes, drawn requests, and
chains of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.python.asgi import shutdown_lifespans

from click99.registry.jobs import Jobs
from click99.server.app import create_app
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.server.fuzzing import bent_bytes
from tests.server.requests import encoded

USER, PASSWORD = "ann", "secret"
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
FILES = [encoded(format=format) for format in FORMATS]
CHAINS = 5  # of requests, each with what the one before answered; more send the same again
OFF = {"enabled": False}
# What no schema can say of a body that it describes.
UNSAID = [
    # Read as far as it makes sense: other programs leave all kinds of things in tasks.
    {"include-path": ["/predict", "/setup", "/webhook"], "checks": {"negative_data_rejection": OFF}},
    # Whether a task has a picture, and what lies inside it.
    {
        "include-path": ["/predict", "/try/masks", "/try/pictures/{picture}"],
        "checks": {"positive_data_acceptance": OFF},
    },
    # Parameters that it does not know are passed over.
    {"include-path": "/train", "generation": {"allow-extra-parameters": False}},
    # Whether bytes are a picture.
    {
        "include-path": "/try/pictures",
        "checks": {"positive_data_acceptance": OFF, "negative_data_rejection": OFF},
    },
]


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """Files in each format that can be written here, whole and damaged."""
    file, choice = draw(st.sampled_from(FILES)), draw(st.integers(0))
    return bent_bytes(Random(choice), file) if choice % 8 else file


schemathesis.openapi.media_type("image/*", pictures())


@dataclass
class Tried:
    """statuses: of all answers. problems: what is against the schema, each with a command that sends it."""

    statuses: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, scenario: ScenarioRecorder) -> None:
        replies = [each.response for each in scenario.interactions.values()]
        self.statuses.update(reply.status_code for reply in replies if reply)
        for check in (check for checks in scenario.checks.values() for check in checks):
            if found := check.failure_info:
                told = f"{check.name}: {found.failure.title}\n{found.failure.message}\n{found.code_sample}"
                self.problems.append(f"{scenario.label}: {told}")


def try_schema(home: Path, examples: int) -> Tried:
    """So many drawn requests for each operation, beside the edges, to a server that asks for a password. Its
    fine-tunes do nothing."""
    settings = Settings(
        home=home, retrain_every=0, basic_auth_user=USER, basic_auth_password=PASSWORD, webhook_secret="hush"
    )
    app = create_app(settings, DiscPainter(), Jobs(home / "jobs", ("true",)))
    tried = Tried()
    try:
        for event in happening(app, examples):
            if isinstance(event, events.ScenarioFinished):
                tried.add(event.recorder)
            elif isinstance(event, events.NonFatalError):
                tried.problems.append(f"{event.label}: {event.info.format()}")
            elif isinstance(event, events.Interrupted):
                tried.problems.append("interrupted: what was sent until then is counted")
            elif isinstance(event, events.FatalError):
                raise event.exception
    finally:
        shutdown_lifespans()
    return tried


def happening(app: FastAPI, examples: int) -> Iterator[events.EngineEvent]:
    generation = {"max-examples": examples, "deterministic": True, "database": "none"}
    chosen: dict[str, Any] = {
        "auth": {"basic": {"username": USER, "password": PASSWORD}},
        "cache": {"enabled": False},  # in the working folder, of what failed the last time
        "continue-on-failure": True,
        "generation": generation,
        "phases": {"stateful": {"generation": {"max-examples": CHAINS}}},
        "operations": UNSAID,
    }
    config = schemathesis.Config.from_dict(chosen)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config, auth=(USER, PASSWORD))
    yield from from_schema(schema).execute()
