"""What is taught is answered as the network before answers it; what is new as its mask says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT, NetworkConfig, variant
from click99_training.datasets.sample import Sample
from click99_training.loop.batch import Batch
from click99_training.loop.teacher import Teacher
from click99_training.loop.trainer import Trainer
from click99_training.recipes import FINETUNE
from tests.training.samples import disc, scene

SIDE = 64
RECIPE = replace(FINETUNE, crops=((SIDE, 2, 1.0),), clicks=2, nearly_right=0.0)
EARLY = variant(COMPACT, "+T")  # its image stream sees the clicks, too


def network(config: NetworkConfig = COMPACT) -> TwoStreamNetwork:
    torch.manual_seed(0)
    return TwoStreamNetwork(config)


def batch(*taught: bool) -> Batch:
    mask = disc(SIDE, SIDE, 30, 34, 14)
    old = Sample("a", scene(mask, 0), mask > 0, np.zeros((SIDE, SIDE), bool))
    samples = [replace(old, taught=each) for each in taught]
    return Batch.start(samples, [(0, k) for k in range(len(taught))], RECIPE)


@pytest.mark.parametrize("config", [COMPACT, EARLY], ids=["image alone", "clicks too"])
def test_the_target_is_the_teacher_s_answer_where_it_is_taught(config: NetworkConfig):
    teacher, both = Teacher(network(config), torch.device("cpu")), batch(True, False)
    for _ in range(2):
        both.click()
        maps = both.maps()
        target = teacher.target(both, maps)
        seen = both.image if teacher.network.image_only else (both.image, maps, both.previous)
        with torch.no_grad():
            features = teacher.network.encode(*(seen if isinstance(seen, tuple) else (seen,)))
            alpha, *_ = teacher.network(features, maps, both.previous)
        torch.testing.assert_close(target[0], alpha[0], rtol=1e-3, atol=1e-4)
        assert torch.equal(target[1], both.truth[1])
        both.previous = alpha


def test_another_batch_is_looked_at_anew():
    teacher = Teacher(network(), torch.device("cpu"))
    first, second = batch(True), batch(True)
    second.image = second.image.flip(3)
    targets = []
    for each in (first, second):
        each.click()
        targets.append(teacher.target(each, each.maps()))
    assert not torch.equal(*targets)


def pull(taught: bool, **changes: Any) -> float:
    """How long the gradient of the shipped network is, taught by itself or by the mask.

    The clicked pixel's sign, which is asked of either, is left out.
    """
    trainer = Trainer(load_checkpoint(SHIPPED), RECIPE, teacher=load_checkpoint(SHIPPED))
    pulls: list[float] = []

    def note(optimizer: torch.optim.Optimizer, *_: object) -> None:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        pulls.append(sum(float(w.grad.square().sum()) for w in weights if w.grad is not None) ** 0.5)

    trainer.recipe = replace(RECIPE, gradient_limit=0, click_weight=0, **changes)
    trainer.optimizers["per_click"].register_step_pre_hook(note)
    trainer.train(batch(taught))
    return pulls[0]


@pytest.mark.slow("trains")
def test_what_is_taught_hardly_pulls_on_a_network_that_is_as_its_teacher():
    """The mask is none that the shipped network would answer: learning it pulls. So does soft IoU, which
    makes a doubtful answer a certain one."""
    taught = pull(True)
    assert taught < pull(False) / 5
    assert taught < pull(True, mask_loss="soft_iou") / 2
