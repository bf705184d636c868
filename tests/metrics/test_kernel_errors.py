"""Place, width, shape: each error shows in its own number and in no other."""

import math

import pytest
import torch

from superfine.errors import SizeMismatchError
from superfine.metrics.kernels import kernel_errors, redegraded_psnr
from superfine.ops.degrade import Degradation
from superfine.ops.kernel_shapes import anisotropic, isotropic
from superfine.ops.kernels import bicubic_kernel, composed, laid_out, moved

TRUTH = anisotropic(2.0, 1.0, 0.5, scale=2)


def test_the_truth_has_no_error():
    found = kernel_errors(laid_out(TRUTH, 31), TRUTH)
    assert found.psnr == math.inf
    assert (found.centre, found.width, found.anisotropy, found.orientation, found.sae) == (
        pytest.approx((0, 0, 0, 0, 0), abs=1e-6)
    )


def test_a_shift_is_an_error_of_the_centre_alone():
    found = kernel_errors(moved(TRUTH, 0.3, -0.4), TRUTH)
    assert found.centre == pytest.approx(0.5)
    assert found.width == pytest.approx(0, abs=1e-9)
    assert found.orientation == pytest.approx(0, abs=1e-6)
    assert found.sae < 0.06  # what two interpolations leave
    assert found.psnr < 40


def test_the_width_is_in_per_cent_of_the_trace():
    """Variances of 4 + 1; half as much again is 50 %, and a too narrow kernel is below 0."""
    wide = anisotropic(6**0.5, 1.5**0.5, 0.5, scale=2)
    assert kernel_errors(wide, TRUTH).width == pytest.approx(50, abs=0.1)
    assert kernel_errors(TRUTH, wide).width == pytest.approx(-100 / 3, abs=0.1)


def test_the_shape_is_told_from_the_direction():
    round_one = kernel_errors(isotropic(2.5**0.5, scale=2), TRUTH)
    assert round_one.anisotropy == pytest.approx(-0.6, abs=1e-3)  # (4 - 1) / (4 + 1) to 0
    assert round_one.width == pytest.approx(0, abs=0.1)
    turned = kernel_errors(anisotropic(2.0, 1.0, 0.5 - math.pi / 3, scale=2), TRUTH)
    assert turned.orientation == pytest.approx(60, abs=0.1)
    assert turned.anisotropy == pytest.approx(0, abs=1e-3)
    across = kernel_errors(anisotropic(2.0, 1.0, 0.5 + math.pi * 0.9, scale=2), TRUTH)
    assert across.orientation == pytest.approx(18, abs=0.1)


def test_kernels_that_do_not_overlap_differ_by_two():
    far = moved(isotropic(0.6, scale=2), 0, 0)
    assert kernel_errors(moved(far, 40, 0), far).sae == pytest.approx(0, abs=1e-9)
    narrow, wide = isotropic(0.5, scale=2), isotropic(30.0, scale=2)
    assert kernel_errors(wide, narrow).sae == pytest.approx(2, abs=0.02)


def test_bicubic_has_no_width_to_compare():
    found = kernel_errors(TRUTH, bicubic_kernel(2))
    assert math.isnan(found.width)
    assert math.isnan(found.anisotropy)


def test_kernels_of_two_scales_are_refused():
    with pytest.raises(SizeMismatchError, match=r"x4, the other for x2"):
        kernel_errors(composed(TRUTH), TRUTH)


def test_degrading_again_finds_the_right_kernel():
    picture = torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0)).double()
    lr = Degradation(TRUTH).apply(picture)
    right = redegraded_psnr(picture, lr, TRUTH, data_range=1.0)
    # Rounding alone: 20 log10(255) + 10 log10(12)
    assert float(right) == pytest.approx(58.92, abs=0.2)
    off = redegraded_psnr(picture, lr, moved(TRUTH, 0.5, 0), data_range=1.0)
    assert float(off) < 40
