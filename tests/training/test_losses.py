from __future__ import annotations

import pytest
import torch

from backend.segmentation.clicks import Click
from training.losses import click_location_loss, normalized_focal_loss, soft_iou_loss


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    truth = torch.zeros(2, 1, 8, 8)
    truth[:, :, 2:6, 2:6] = 1
    return truth, torch.ones_like(truth)


def test_soft_iou_is_zero_for_the_truth_and_one_for_nothing():
    truth, valid = pair()
    assert soft_iou_loss(truth, truth, valid) == 0
    assert soft_iou_loss(torch.zeros_like(truth), truth, valid) == 1
    assert soft_iou_loss(truth / 2, truth, valid) == pytest.approx(0.5)


def test_soft_iou_of_a_binary_mask_is_the_iou():
    truth, valid = pair()
    shifted = truth.roll(1, 3)
    assert 1 - soft_iou_loss(shifted, truth, valid) == pytest.approx(12 / 20)


def test_void_counts_in_no_loss():
    truth, valid = pair()
    wrong = truth.clone()
    wrong[..., 0] = 1
    valid[..., 0] = 0
    assert soft_iou_loss(wrong, truth, valid) == 0
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
