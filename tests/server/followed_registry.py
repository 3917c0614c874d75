"""A server without a thread that follows the registry's pointer: its looks are the test's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from click99.labelstudio.payloads import PredictRequest
from click99.server.promotions import Follower
from click99.server.service import Service
from click99.server.settings import Settings
from tests.server.requests import body, keypoint

CLICKS = [keypoint("a", 20, 20), keypoint("b", 40, 30), keypoint("c", 26, 22, positive=False)]


class Running:
    """A server of the test's own process, whose looks at the pointer are the test's."""

    def __init__(self, home: Path, **settings: Any):
        self.now = 0.0
        chosen = Settings(home=home, device="cpu", **settings)
        self.service = Service.load(chosen)
        self.follower = Follower(chosen, self.service, lambda: self.now)

    def click(self, count: int) -> dict[str, Any]:
        request = PredictRequest.model_validate(body(CLICKS[:count]))
        return self.service.predict(request).model_dump()["results"][0]

    def counted(self, name: str) -> float:
        return float(re.findall(rf"^{name} (\S+)$", self.service.metrics.text().decode(), re.MULTILINE)[0])
