"""The log's line for each answered click: what it was about, what came of it, and what took how long."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from click99.labelstudio.payloads import PredictRequest
from click99.labelstudio.predictions import MaskRegion, Prediction

log = logging.getLogger(__name__)


def log_click(request: PredictRequest, prediction: Prediction, stages: Mapping[str, float]) -> None:
    """At INFO: `click task=3 region=… …`; in a JSON log the same as fields. stages: seconds by name."""
    fields = click_fields(request, prediction, stages)
    text = " ".join(f"{name}={value}" for name, value in fields.items())
    log.info("click %s", text, extra={"click": fields})


def click_fields(
    request: PredictRequest, prediction: Prediction, stages: Mapping[str, float]
) -> dict[str, Any]:
    """Nothing of the picture, nobody's name. Milliseconds end in _ms."""
    region = next(iter(prediction.result), None)
    return {
        "project": request.project,
        "task": request.task.id,
        "region": region.id if isinstance(region, MaskRegion) else "",
        "clicks": len(region.meta.get("clicks", ())) if isinstance(region, MaskRegion) else 0,
        "score": prediction.score,
        "version": prediction.model_version,
        **{f"{name}_ms": round(1000 * seconds, 1) for name, seconds in stages.items()},
    }
