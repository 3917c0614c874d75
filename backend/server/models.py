"""Checkpoints that were served: kept under CLICK99_HOME, so that a new one does not change open objects."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from backend.server.settings import Settings

if TYPE_CHECKING:
    from backend.segmentation.predictor import Predictor

log = logging.getLogger(__name__)


def load_predictor(settings: Settings) -> Predictor:
    """The configured checkpoint on the configured device and threads. torch is imported here, not above."""
    import torch

    from backend.segmentation.predictor import Predictor

    if settings.threads:
        torch.set_num_threads(settings.threads)
    return Predictor.load(settings.model, settings.device)


def keep_model(settings: Settings, version: str) -> None:
    """Copy the served checkpoint to CLICK99_HOME/models; without a writable folder it is simply not kept."""
    from backend.segmentation.checkpoint import SHIPPED

    path = model_path(settings, version)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".unfinished")
            os.close(handle)
            shutil.copyfile(settings.model or SHIPPED, unfinished)
            os.replace(unfinished, path)  # another worker never reads half of it
    except OSError as error:
        log.warning("CLICK99_HOME: %s is not kept (%s)", version, error)


def load_older(settings: Settings, version: str) -> Predictor | None:
    """A version served before; None when it is gone, damaged, or another one under its name."""
    from backend.segmentation.checkpoint import CheckpointError
    from backend.segmentation.predictor import Predictor

    path = model_path(settings, version)
    if path.parent != settings.home / "models":
        return None
    try:
        predictor = Predictor.load(path, settings.device)
    except CheckpointError as error:
        log.warning("%s", error)
        return None
    return predictor if predictor.version == version else None


def model_path(settings: Settings, version: str) -> Path:
    return settings.home / "models" / f"{version}.safetensors"
