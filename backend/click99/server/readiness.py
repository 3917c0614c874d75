"""Whether the server can answer clicks: one was answered since its start."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from types import TracebackType

import numpy as np

from click99.segmentation.clicks import Click
from click99.sessions.refiner import Refiner

log = logging.getLogger(__name__)

HEIGHT, WIDTH = 240, 320  # of the picture that is clicked
END_SECONDS = 8.0  # that the server's end waits for that click


class Readiness:
    """Clicks once, in a thread of its own, from the server's start on. Thread-safe."""

    def __init__(self, refiner: Callable[[], Refiner]):
        self._refiner = refiner
        self.problem = "its own first click is not answered yet"  # "": none
        self._thread = threading.Thread(target=self._click, name="readiness", daemon=True)

    def __enter__(self) -> Readiness:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(END_SECONDS)  # a process that ends while torch computes is aborted
        self.problem = "the server is ending"

    def _click(self) -> None:
        image = np.tile(np.arange(WIDTH, dtype=np.uint8)[None, :, None], (HEIGHT, 1, 3))
        middle = Click(WIDTH // 2, HEIGHT // 2, True)
        try:
            self._refiner().judged(image, [middle], None, f"readiness {secrets.token_hex(8)}")
        except Exception as error:
            log.exception("The server's own first click is not answered")
            self.problem = f"its own first click failed ({type(error).__name__}): see the log"
        else:
            self.problem = ""
