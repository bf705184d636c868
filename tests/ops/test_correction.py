"""LR of a known blur, corrected: near to what bicubic would have made, whatever the size."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from superfine.io import read
from superfine.ops.border import mirrored
from superfine.ops.codes import to_unit
from superfine.ops.correction import correct, correct_regions, correction_filter, restore
from superfine.ops.degrade import Degradation, degrade, div2krk
from superfine.ops.kernel_shapes import isotropic
from superfine.ops.kernels import bicubic_kernel, composed, moved
from superfine.ops.resize import imresize


def decibels(one, other, border=8):
    apart = (one - other)[..., border:-border, border:-border]
    return -10 * math.log10(float(apart.square().mean()))


@pytest.fixture(scope="module")
def picture():
    from importlib.resources import files

    pixels = read(files("superfine.demo") / "coffee.png").pixels
    return to_unit(pixels)[..., :240, :320]


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_corrected_picture_is_nearer_to_that_of_bicubic(picture, seed, scale):
    how = div2krk(np.random.default_rng(seed), scale)
    lr, wanted = how.apply(picture), imresize(picture, scale=1 / scale)
    assert decibels(correct(lr, how.kernel), wanted) > decibels(lr, wanted) + 6


def test_the_place_of_a_kernel_is_corrected_too(picture):
    kernel = isotropic(1.3, scale=2)
    wanted = imresize(picture, scale=0.5)
    off = Degradation(moved(kernel, 1.0, -0.5))
    lr = off.apply(picture)
    assert decibels(correct(lr, off.kernel), wanted) > 42
    assert decibels(correct(lr, kernel), wanted) < 32


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_what_bicubic_made_stays(picture, scale):
    lr = Degradation(bicubic_kernel(scale)).apply(picture)
    assert decibels(correct(lr, bicubic_kernel(scale)), lr) > 60


def test_flat_pictures_stay_and_brightness_with_them():
    flat = torch.full((3, 9, 14), 0.37)
    torch.testing.assert_close(correct(flat, isotropic(2.0, scale=4)), flat)


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (64, 64), (530, 9)])
def test_tiles_equal_the_filter_as_a_sum(size):
    kernel = composed(isotropic(1.1, scale=2))
    lr = torch.rand(2, *size, generator=torch.Generator().manual_seed(0))
    taps = correction_filter(kernel)
    expected = F.conv2d(mirrored(lr, 32)[:, None].double(), taps[None, None])[:, 0]
    torch.testing.assert_close(correct(lr, kernel).double(), expected, atol=1e-4, rtol=0)


def test_overshoot_is_kept():
    step = torch.zeros(1, 40, 40)
    step[..., 20:] = 1
    corrected = correct(degrade(step, isotropic(1.5, scale=2)), isotropic(1.5, scale=2))
    assert corrected.min() < 0
    assert corrected.max() > 1


def test_noise_that_is_known_is_not_sharpened(picture):
    kernel = isotropic(1.5, scale=2)
    lr = Degradation(kernel, noise_sigma=8 / 255).apply(picture)
    wanted = imresize(picture, scale=0.5)
    told = decibels(correct(lr, kernel, noise_sigma=8 / 255), wanted)
    assert told > decibels(correct(lr, kernel), wanted) + 3
    assert told > decibels(lr, wanted)


def test_other_targets_than_bicubic(picture):
    """An aim of another blur is met as well, and one of another scale is refused."""
    narrow, wide = isotropic(0.8, scale=2), isotropic(1.4, scale=2)
    taps = correction_filter(wide, target=narrow)
    made = F.conv2d(mirrored(degrade(picture, wide), 32)[:, None], taps.float()[None, None])[:, 0]
    assert decibels(made, degrade(picture, narrow)) > 35
    with pytest.raises(ValueError, match="x2 cannot be corrected to one for x4"):
        correction_filter(wide, target=bicubic_kernel(4))


def test_one_kernel_everywhere_is_no_region(picture):
    kernel = isotropic(1.3, scale=2)
    lr = degrade(picture, kernel)
    regions = (torch.arange(lr.shape[-1]) // 50).expand(lr.shape[-2:]).long()
    same = correct_regions(lr, [kernel] * 4, regions)
    torch.testing.assert_close(same, correct(lr, kernel), atol=2e-5, rtol=0)


def test_each_region_gets_its_own_kernel(picture):
    left, right = isotropic(0.9, scale=2), isotropic(1.8, scale=2)
    lr = torch.cat((degrade(picture, left)[..., :80], degrade(picture, right)[..., 80:]), dim=-1)
    regions = (torch.arange(160) >= 80).long().expand(120, 160)
    mixed = correct_regions(lr, [left, right], regions, blend=8)
    # Away from the seam it is what the right kernel alone makes, and the seam is smooth.
    torch.testing.assert_close(mixed[..., :64], correct(lr, left)[..., :64], atol=1e-5, rtol=0)
    torch.testing.assert_close(mixed[..., 96:], correct(lr, right)[..., 96:], atol=1e-5, rtol=0)
    wanted = imresize(picture, scale=0.5)
    for kernel in (left, right):
        assert decibels(mixed, wanted) > decibels(correct(lr, kernel), wanted) + 1
    with pytest.raises(ValueError, match="numbered 0 to 1"):
        correct_regions(lr, [left, right], regions + 1)


def test_restored_pictures_are_nearer_to_the_truth_than_bicubic(picture):
    how = div2krk(np.random.default_rng(0), 2)
    lr = how.apply(picture)
    restored = restore(lr, how.kernel, steps=20)
    assert restored.shape == picture.shape
    assert decibels(restored, picture) > decibels(imresize(lr, scale=2), picture) + 2
    # Half a pixel off costs most of that.
    wrong = restore(lr, moved(how.kernel, 0.5, 0.5), steps=20)
    assert decibels(restored, picture) > decibels(wrong, picture) + 1


def test_restoring_to_an_odd_size():
    kernel = isotropic(1.0, scale=2)
    lr = degrade(torch.rand(21, 33, generator=torch.Generator().manual_seed(0)), kernel)
    assert restore(lr, kernel, size=(21, 33), steps=2).shape == (21, 33)
