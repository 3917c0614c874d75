from __future__ import annotations

import pytest
import torch

from backend.segmentation.network import TwoStreamNetwork
from backend.segmentation.predictor import Predictor
from backend.segmentation.presets import COMPACT
from backend.segmentation.views import Zoomed


@pytest.fixture(scope="session")
def untrained() -> Predictor:
    """Random weights at small sizes: right in shape, wrong in judgement, fast."""
    torch.manual_seed(0)
    return Predictor(TwoStreamNetwork(COMPACT), "untrained", view=Zoomed(first_side=64, side=96))
