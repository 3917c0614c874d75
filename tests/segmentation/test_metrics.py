from __future__ import annotations

import numpy as np
import pytest

from backend.segmentation.metrics import auc, corrective_accuracy, iou, noc, share_above

IOUS = np.array([[0.5, 0.8, 0.95], [0.2, 0.3, 0.4], [0.92, 0.91, 0.99]])


def test_iou_leaves_void_out():
    truth, prediction, void = np.zeros((3, 4, 4), bool)
    truth[:2], prediction[1:3], void[2] = True, True, True
    assert iou(prediction, truth) == pytest.approx(4 / 12)
    assert iou(prediction, truth, void) == pytest.approx(4 / 8)


def test_two_empty_masks_agree():
    assert iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1


def test_noc_counts_to_the_first_click_that_reaches_the_threshold():
    assert noc(IOUS, 0.9).tolist() == [3, 3, 1]
    assert noc(IOUS, 0.8).tolist() == [2, 3, 1]


def test_auc_of_a_constant_is_the_constant():
    assert auc(np.full((2, 20), 0.7)) == pytest.approx(0.7)
    assert auc(np.array([[0.0, 1.0]])) == pytest.approx(0.5)


def test_share_above_is_per_click():
    np.testing.assert_allclose(share_above(IOUS, 0.9), [1 / 3, 1 / 3, 2 / 3])


def test_corrective_accuracy_is_the_share_of_the_region_now_right():
    truth, prediction, region = np.zeros((3, 4, 4), bool)
    truth[:2], region[:2], prediction[0] = True, True, True
    assert corrective_accuracy(region, prediction, truth) == 0.5
