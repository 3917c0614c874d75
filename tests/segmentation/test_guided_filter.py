from __future__ import annotations

import cv2
import numpy as np
import torch

from click99.segmentation.guided_filter import DeepGuidedFilter, box_mean, guided_filter


def test_box_mean_averages_what_is_inside_the_image():
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert box_mean(x, 1)[0, 0, 0, 0] == (0 + 1 + 4 + 5) / 4


def test_it_equals_the_textbook_filter():
    rng = np.random.default_rng(0)
    guide, alpha = rng.random((2, 24, 32)).astype(np.float64)
    radius, eps = 2, 1e-2

    def mean(x: np.ndarray) -> np.ndarray:
        ones = np.ones_like(x)
        size = (2 * radius + 1, 2 * radius + 1)
        total, count = (
            cv2.boxFilter(a, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT) for a in (x, ones)
        )
        return total / count

    slope = (mean(guide * alpha) - mean(guide) * mean(alpha)) / (mean(guide**2) - mean(guide) ** 2 + eps)
    offset = mean(alpha) - slope * mean(guide)
    expected = mean(slope) * guide + mean(offset)
    guide, alpha = torch.from_numpy(guide)[None, None], torch.from_numpy(alpha)[None, None]
    np.testing.assert_allclose(guided_filter(guide, alpha, radius, eps)[0, 0].numpy(), expected, rtol=1e-6)


def test_a_soft_edge_snaps_to_the_edge_of_the_guide():
    columns = torch.arange(32.0)
    guide = (columns >= 16).float().expand(1, 1, 32, 32).contiguous()
    soft = ((columns - 12) / 8).clamp(0, 1).expand(1, 1, 32, 32).contiguous()
    sharp = guided_filter(guide, soft, 2, 1e-4)[0, 0, 16]
    assert sharp[16] - sharp[15] > 2 * (soft[0, 0, 16, 16] - soft[0, 0, 16, 15])


def test_half_precision_does_not_lose_the_variances():
    flat, step = torch.full((1, 1, 16, 16), 0.3), (torch.arange(16.0) > 7).float().expand(1, 1, 16, 16)
    filtered = guided_filter(flat.half(), step.half(), 2, 1e-8)
    assert filtered.dtype == torch.float32
    assert filtered.isfinite().all()


def test_half_precision_around_it_changes_nothing():
    """A guide in bf16 would be one of steps."""
    torch.manual_seed(0)
    deep = DeepGuidedFilter(16, 2, 1e-4)
    seen = torch.rand(1, 3, 20, 30), torch.rand(1, 2, 20, 30), torch.rand(1, 1, 20, 30)
    expected = deep(*seen)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(deep(*seen), expected)
