"""Whether several people annotate the same task, each on their own: a project's setting in Label Studio."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from operator import attrgetter

from cachetools import TTLCache, cachedmethod

from click99.labelstudio.client import Client
from click99.labelstudio.errors import LabelStudioError

log = logging.getLogger(__name__)

FRESH_SECONDS = 600
KEPT_PROJECTS = 1000  # projects
MAX_BYTES = 4 * 2**20  # of a project, with its label config
TIMEOUT = 2.0  # seconds; the annotator waits
NUMBER = re.compile(r"[0-9]{1,18}(?=\.|$)")  # of a project that is named "7.1795475271"


class AnnotatorsPerTask:
    """Asks Label Studio's API, and keeps what it says for a while. Unknown counts as one person a task."""

    def __init__(self, client: Callable[[], Client | None]):
        self._client = client
        self._lock = threading.Lock()
        self._known: TTLCache[str, bool] = TTLCache(KEPT_PROJECTS, FRESH_SECONDS)  # by its name in requests

    def several(self, project: str) -> bool:
        """Whether the project wants more than one annotation of a task."""
        number = NUMBER.match(project)
        return number is not None and self._ask(project, number[0])

    @cachedmethod(attrgetter("_known"), lambda self, project, number: project, attrgetter("_lock"))
    def _ask(self, project: str, number: str) -> bool:
        client = self._client()
        if client is None:
            return False
        try:
            told = client.call("GET", f"/api/projects/{number}/", timeout=TIMEOUT, max_bytes=MAX_BYTES)
            return told["maximum_annotations"] > 1
        except (LabelStudioError, KeyError, TypeError) as error:
            log.warning("Whether several people annotate project %s is not known: %s", number, error)
            return False
