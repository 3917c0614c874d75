"""A network that tests fine-tune."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint, save_checkpoint


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped network as one that looks at small images at their own size, so that tests are quick."""
    network = load_checkpoint(SHIPPED)
    network.config = replace(network.config, view="whole")
    save_checkpoint(network, path := tmp_path_factory.mktemp("model") / "compact.safetensors")
    return path
