from __future__ import annotations

import pytest
import torch

from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import COMPACT
from click99.segmentation.views import ZoomView


@pytest.fixture(scope="session")
def untrained() -> Predictor:
    """Random weights at small sizes: right in shape, wrong in judgement, fast."""
    torch.manual_seed(0)
    return Predictor(TwoStreamNetwork(COMPACT), "untrained", view=ZoomView(first_side=64, side=96))
