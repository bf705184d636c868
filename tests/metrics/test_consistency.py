"""LR-consistency: what a result says about the picture it was made of."""

import pytest
import torch
from torch.nn import functional as F

from superfine.errors import SizeMismatchError
from superfine.metrics import lr_psnr, lr_residual


def halved(x):
    return F.avg_pool2d(x, 2)


def nearest(lr):
    return lr.repeat_interleave(2, -1).repeat_interleave(2, -2)


def test_a_result_that_shrinks_back_leaves_nothing():
    lr = torch.rand(2, 3, 6, 7)
    assert lr_residual(nearest(lr), lr, halved).abs().max() < 1e-7
    detailed = nearest(lr) + torch.tensor([0.2, -0.2]).repeat(7)
    assert lr_psnr(detailed, lr, halved, data_range=1.0).min() > 120


def test_the_residual_is_signed_and_lies_where_something_was_invented():
    lr = torch.full((1, 4, 4), 0.5)
    sr = nearest(lr)
    sr[0, 2:4, 4:6] += 0.1
    sr[0, 0, 0] -= 0.2
    residual = lr_residual(sr, lr, halved)
    assert residual.dtype == torch.float64
    assert residual[0, 1, 2].item() == pytest.approx(0.1, abs=1e-7)
    assert residual[0, 0, 0].item() == pytest.approx(-0.05, abs=1e-7)
    assert residual.count_nonzero() == 2


def test_a_shift_by_a_tenth_is_twenty_decibels():
    lr = torch.rand(2, 1, 5, 5)
    values = lr_psnr(nearest(lr) + 0.1, lr, halved, data_range=1.0)
    assert values.tolist() == pytest.approx([20.0, 20.0], abs=1e-4)


def test_another_scale_is_refused():
    lr = torch.rand(1, 5, 5)
    with pytest.raises(SizeMismatchError, match=r"shrinks to \(1, 10, 10\), the input is"):
        lr_psnr(nearest(nearest(lr)), lr, halved, data_range=1.0)
