"""Others' networks are as large as they are published, and answer with masks."""

from __future__ import annotations

import pytest
import torch

from tests.benchmarks.peers import PEERS, FocalClick, MobileSam, Ritm, millions


@pytest.mark.parametrize("name", PEERS)
def test_they_have_the_published_parameters(name: str):
    assert millions(PEERS[name].make()) == pytest.approx(PEERS[name].millions, rel=0.02)


def test_they_answer_with_masks():
    with torch.inference_mode():
        assert Ritm().eval()(torch.rand(1, 6, 64, 96)).shape == (1, 1, 64, 96)
        assert FocalClick().eval()(torch.rand(1, 6, 96, 64)).shape == (1, 1, 256, 256)
        assert MobileSam().eval().decode(torch.rand(1, 256, 64, 64)).shape == (1, 4, 256, 256)
