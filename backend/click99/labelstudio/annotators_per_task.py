"""Whether several people annotate the same task, each on their own: a project's setting in Label Studio."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable

from cachetools import TTLCache

from click99.labelstudio.client import Client
from click99.labelstudio.errors import LabelStudioError

log = logging.getLogger(__name__)

FRESH_SECONDS = 600
KEPT = 1000  # projects
MAX_BYTES = 4 * 2**20  # of a project, with its label config
TIMEOUT = 2.0  # seconds; the annotator waits
NUMBER = re.compile(r"[0-9]{1,18}(?=\.|$)")  # of a project that is named "7.1795475271"


class AnnotatorsPerTask:
    """Asks Label Studio's API, and keeps what it says for a while. Unknown counts as one person a task."""

    def __init__(self, client: Callable[[], Client | None]):
        self._client = client
        self._lock = threading.Lock()
        self._known: TTLCache[str, bool] = TTLCache(KEPT, FRESH_SECONDS)  # by the request's name of a project

    def several(self, project: str) -> bool:
        """Whether the project wants more than one annotation of a task."""
        number = NUMBER.match(project)
        if number is None:
            return False
        with self._lock:
            known = self._known.get(project)
        if known is None:
            known = self._ask(number[0])
            with self._lock:
                self._known[project] = known
        return known

    def _ask(self, number: str) -> bool:
        client = self._client()
        if client is None:
            return False
        try:
            project = client.call("GET", f"/api/projects/{number}/", timeout=TIMEOUT, max_bytes=MAX_BYTES)
            return project["maximum_annotations"] > 1
        except (LabelStudioError, KeyError, TypeError) as error:
            log.warning("Whether several people annotate project %s is not known: %s", number, error)
            return False
