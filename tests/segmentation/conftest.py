from __future__ import annotations

import pytest
import torch

from backend.segmentation.network import TwoStreamNetwork
from backend.segmentation.predictor import Predictor, Zoom
from backend.segmentation.presets import COMPACT


@pytest.fixture(scope="session")
def untrained() -> Predictor:
    """Random weights at small sizes: right in shape, wrong in judgement, fast."""
    torch.manual_seed(0)
    return Predictor(TwoStreamNetwork(COMPACT), "untrained", zoom=Zoom(first_side=64, side=96))
