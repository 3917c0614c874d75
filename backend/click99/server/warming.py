"""Images that are made ready in the background while an annotator is still looking at the task."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.images import ImageSource
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.payloads import PredictRequest
from click99.sessions import Sessions

log = logging.getLogger(__name__)

QUEUE = 4  # images waiting; more are left to their first click


class Warming:
    """One image at a time. Thread-safe."""

    def __init__(self, images: ImageSource, sessions: Sessions):
        self._images, self._sessions = images, sessions
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="warm")
        self._free = threading.BoundedSemaphore(QUEUE)

    def later(self, request: PredictRequest) -> None:
        """Fetch and encode the task's image in the background, unless too many wait already."""
        if not self._free.acquire(blocking=False):
            return
        try:
            config = LabelConfig.parse(request.label_config, request.task.data)
            url = config.image_url(request.task.data)
            fetching = self._images.fetching(url, request.task.id, anew=True)
        except LabelStudioError as error:  # the first click will fail with it, too
            self._free.release()
            log.warning("Task %s is not ready for clicks: %s", request.task.id, error)
            return
        if fetching is None:
            self._begin(request, url)
        else:
            fetching.add_done_callback(lambda _: self._begin(request, url))

    def _begin(self, request: PredictRequest, url: str) -> None:
        with suppress(RuntimeError):  # closed meanwhile
            done = self._pool.submit(self._warm, request, url)
            done.add_done_callback(lambda _: self._free.release())

    def close(self) -> None:
        """Drop what waits."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _warm(self, request: PredictRequest, url: str) -> None:
        try:
            image = self._images.get(url, request.task.id)
            self._sessions.warm(image.key, image.pixels, request.project or "")
        except LabelStudioError as error:
            log.warning("Task %s is not ready for clicks: %s", request.task.id, error)
        except Exception:
            log.exception("Task %s could not be warmed", request.task.id)
