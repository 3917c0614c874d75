from __future__ import annotations

import pytest
import torch

from click99.segmentation.clicks import Click
from click99_training.loop.losses import (
    click_location_loss,
    normalized_focal_loss,
    soft_iou_loss,
    tanimoto_loss,
)

IOU_LOSSES = pytest.mark.parametrize("loss", [soft_iou_loss, tanimoto_loss])


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    truth = torch.zeros(2, 1, 8, 8)
    truth[:, :, 2:6, 2:6] = 1
    return truth, torch.ones_like(truth)


@IOU_LOSSES
def test_soft_iou_is_zero_for_the_truth_and_one_for_nothing(loss):
    truth, valid = pair()
    assert loss(truth, truth, valid) == 0
    assert loss(torch.zeros_like(truth), truth, valid) == 1


def test_half_the_alpha_is_half_the_soft_iou():
    truth, valid = pair()
    assert soft_iou_loss(truth / 2, truth, valid) == pytest.approx(0.5)
    assert tanimoto_loss(truth / 2, truth, valid) == pytest.approx(1 - 0.5 / (0.25 + 1 - 0.5))


@IOU_LOSSES
def test_soft_iou_of_a_binary_mask_is_the_iou(loss):
    truth, valid = pair()
    shifted = truth.roll(1, 3)
    assert 1 - loss(shifted, truth, valid) == pytest.approx(12 / 20)


def test_tanimoto_does_not_pull_on_an_answer_that_doubts_as_the_truth_does():
    _, valid = pair()
    doubtful = torch.linspace(0, 1, 64).view(1, 1, 8, 8)
    pulls = {}
    for loss in (soft_iou_loss, tanimoto_loss):
        alpha = doubtful.clone().requires_grad_()
        (pull,) = torch.autograd.grad(loss(alpha, doubtful, valid[:1]), alpha)
        pulls[loss] = float(pull.abs().max())
    assert pulls[tanimoto_loss] < 1e-6 < 1e-2 < pulls[soft_iou_loss]


@IOU_LOSSES
def test_void_counts_in_no_loss(loss):
    truth, valid = pair()
    wrong = truth.clone()
    wrong[..., 0] = 1
    valid[..., 0] = 0
    assert loss(wrong, truth, valid) == 0
    logits = torch.where(truth > 0, 9.0, -9.0)
    spoiled = torch.where(wrong > 0, 9.0, -9.0)
    assert normalized_focal_loss(spoiled, truth, valid) == normalized_focal_loss(logits, truth, valid)


def test_click_location_punishes_only_clicked_pixels():
    truth, _ = pair()
    clicks = [[Click(3, 3, True), Click(0, 7, False)], [Click(3, 4, True)]]
    assert click_location_loss(truth, clicks) == 0
    assert click_location_loss(1 - truth, clicks) == pytest.approx(3 / 2)


def test_focal_loss_of_equally_wrong_pixels_is_their_entropy():
    truth, valid = pair()
    logits = torch.zeros_like(truth)
    assert normalized_focal_loss(logits, truth, valid) == pytest.approx(torch.log(torch.tensor(2.0)).item())
