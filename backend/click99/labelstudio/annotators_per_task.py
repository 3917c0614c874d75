"""Whether several people annotate the same task, each on their own: a project's setting in Label Studio."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from click99.labelstudio.client import Client
from click99.labelstudio.errors import LabelStudioError

log = logging.getLogger(__name__)

FRESH_SECONDS = 600
TIMEOUT = 2.0  # seconds; the annotator waits


class AnnotatorsPerTask:
    """Asks Label Studio's API, and keeps what it says for a while. Unknown counts as one person a task."""

    def __init__(self, client: Callable[[], Client | None]):
        self._client = client
        self._known: dict[str, tuple[float, bool]] = {}  # by the request's name of a project, "id.created"

    def several(self, project: str | None) -> bool:
        """Whether the project wants more than one annotation of a task."""
        if project is None or not project.split(".")[0].isdigit():
            return False
        asked, several = self._known.get(project, (0.0, False))
        if time.monotonic() - asked > FRESH_SECONDS or project not in self._known:
            several = self._ask(project.split(".")[0])
            self._known[project] = time.monotonic(), several
        return several

    def _ask(self, number: str) -> bool:
        client = self._client()
        if client is None:
            return False
        try:
            return client.call("GET", f"/api/projects/{number}/", timeout=TIMEOUT)["maximum_annotations"] > 1
        except (LabelStudioError, KeyError, TypeError) as error:
            log.warning("Whether several people annotate project %s is not known: %s", number, error)
            return False
