"""What a project's settings in Label Studio say of what annotators see."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from cachetools import TTLCache, cachedmethod

from click99.labelstudio.client import Client
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.loose_values import name_of

log = logging.getLogger(__name__)

FRESH_SECONDS = 60
KEPT_PROJECTS = 1000  # projects
MAX_BYTES = 4 * 2**20  # of a project, with its label config
TIMEOUT = 2.0  # seconds; the annotator waits
NUMBER = re.compile(r"[0-9]{1,18}(?=\.|$)")  # of a project that is named "7.1795475271"


class Rules(NamedTuple):
    """several: the project wants more than one annotation of a task. version: whose predictions it shows."""

    several: bool = False
    version: str = ""


class ProjectSettings:
    """Asks Label Studio's API, and keeps what it says for a while. Unknown: one a task, any version."""

    def __init__(self, client: Callable[[], Client | None]):
        self._client = client
        self._lock = threading.Lock()
        self._known: TTLCache[str, Rules] = TTLCache(KEPT_PROJECTS, FRESH_SECONDS)  # by its name in requests

    def rules(self, project: str) -> Rules:
        """project: its name in requests."""
        number = NUMBER.match(project)
        return self._ask(project, number[0]) if number else Rules()

    @cachedmethod(attrgetter("_known"), lambda self, project, number: project, attrgetter("_lock"))
    def _ask(self, project: str, number: str) -> Rules:
        client = self._client()
        if client is None:
            return Rules()
        try:
            told = client.call("GET", f"/api/projects/{number}/", timeout=TIMEOUT, max_bytes=MAX_BYTES)
            return Rules(told["maximum_annotations"] > 1, name_of(told.get("model_version")))
        except (LabelStudioError, KeyError, TypeError, AttributeError) as error:
            log.warning("Whether several people annotate project %s is not known: %s", number, error)
            return Rules()
