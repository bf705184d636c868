"""Where kernels lie and how wide they are; the rules that cost decibels when they are broken."""

import math

import numpy as np
import pytest
import torch

from superfine.ops.degrade import degrade, div2krk
from superfine.ops.kernel_shapes import anisotropic, isotropic, motion, plateau, shake, sinc
from superfine.ops.kernels import (
    axes,
    bicubic_kernel,
    centre_of_mass,
    centred,
    composed,
    covariance,
    ellipse,
    gaussian,
    laid_out,
    moved,
    offset,
    one_after_another,
)
from superfine.ops.resize import imresize
from superfine.types import Kernel

SHAPES = {
    "isotropic": lambda scale: isotropic(1.3, scale=scale),
    "anisotropic": lambda scale: anisotropic(2.0, 0.8, 0.6, scale=scale),
    "plateau": lambda scale: plateau(ellipse(4, 2, 0.6), 1.5, scale=scale, reach=9),
    "sinc": lambda scale: sinc(2.0, scale=scale, reach=9),
    "motion": lambda scale: motion(7.0, 0.4, scale=scale),
    "shake": lambda scale: shake(12.0, scale=scale, draw=torch.Generator().manual_seed(1)),
    "bicubic": bicubic_kernel,
    "div2krk": lambda scale: div2krk(np.random.default_rng(3), 2).kernel,
}
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def ramp(height=90, width=100):
    down, right = (torch.arange(side, dtype=torch.float64) for side in (height, width))
    return 0.7 * down[:, None] - 0.3 * right


@shapes
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_no_shape_moves_anything(shape, scale):
    assert offset(shape(scale)) == pytest.approx((0, 0), abs=1e-5)


@shapes
@pytest.mark.parametrize("scale", [2, 4])
def test_a_ramp_comes_out_as_bicubic_has_it(shape, scale):
    """The alignment rule: whatever the shape, LR pixels stand for the same places."""
    kernel = shape(scale)
    inside = slice(8, -8)
    by_kernel = degrade(ramp(), kernel)[inside, inside]
    by_bicubic = imresize(ramp(), scale=1 / kernel.scale)[inside, inside]
    torch.testing.assert_close(by_kernel, by_bicubic, atol=1e-4, rtol=0)


def test_a_ramp_shows_half_a_pixel():
    kernel = moved(isotropic(1.3, scale=2), 0.5, 0)
    apart = (degrade(ramp(), kernel) - imresize(ramp(), scale=0.5))[8:-8, 8:-8]
    torch.testing.assert_close(apart, torch.full_like(apart, 0.5 * 0.7), atol=1e-9, rtol=0)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_the_bicubic_kernel_is_imresize_to_the_border(scale):
    picture = torch.rand(3, 47, 61, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(
        degrade(picture, bicubic_kernel(scale)), imresize(picture, scale=1 / scale)
    )


def test_the_bicubic_kernel_of_x2_has_the_published_values():
    line = [-3, -9, 29, 111, 111, 29, -9, -3]
    expected = torch.tensor(line, dtype=torch.float64) / 256
    torch.testing.assert_close(bicubic_kernel(2).values, torch.outer(expected, expected))


@pytest.mark.parametrize("size", [None, 21])
def test_a_gaussian_has_the_covariance_asked_for(size):
    wanted = ellipse(4.0, 1.0, 2.2)
    kernel = gaussian(wanted, scale=1, size=size)
    torch.testing.assert_close(covariance(kernel.values), wanted, atol=2e-3, rtol=0)
    assert axes(wanted) == pytest.approx((4.0, 1.0, 2.2))


def test_the_angle_goes_from_right_to_down():
    kernel = anisotropic(3.0, 0.7, math.pi / 4, scale=2)
    row, column = (round(value) for value in centre_of_mass(kernel.values).tolist())
    assert kernel.values[row + 3, column + 3] > 100 * kernel.values[row + 3, column - 3]
    assert axes(ellipse(2, 1, -1e-20))[2] < math.pi


@pytest.mark.parametrize("matrix", [ellipse(1, 0, 0), ellipse(1, -1, 0), ellipse(math.nan, 1, 0)])
def test_a_gaussian_without_width_is_refused(matrix):
    with pytest.raises(ValueError, match="positive"):
        gaussian(matrix, scale=2)


def test_moving_keeps_sum_and_covariance_and_moves_exactly():
    kernel = anisotropic(2.0, 0.8, 0.6, scale=2)
    there = moved(kernel, 0.37, -2.81)
    assert offset(there) == pytest.approx((0.37, -2.81), abs=1e-12)
    assert float(there.values.sum()) == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(covariance(there.values), covariance(kernel.values))
    assert there.values.min() > -5e-3 * there.values.max()  # nothing rings
    assert offset(centred(there)) == pytest.approx((0, 0), abs=1e-12)


def test_a_point_that_is_moved_half_a_pixel_does_not_ring():
    values = torch.zeros(5, 5, dtype=torch.float64)
    values[2, 2] = 1
    half = moved(Kernel(values, 1, (2, 2)), 0, 0.5).values
    row = half[half.abs().sum(1) > 0][0]
    assert row[row != 0].tolist() == [-1 / 16, 9 / 16, 9 / 16, -1 / 16]
    assert covariance(half).abs().max() < 1e-12


def test_whole_pixels_go_into_the_anchor():
    kernel = isotropic(1.0, scale=2)
    there = moved(kernel, 3, -1)
    assert torch.equal(there.values, kernel.values)
    assert there.anchor == (kernel.anchor[0] - 3, kernel.anchor[1] + 1)


@pytest.mark.parametrize("seed", range(3))
def test_twice_at_x2_is_once_at_x4(seed):
    kernel = div2krk(np.random.default_rng(seed), 2).kernel
    twice = composed(kernel)
    assert (twice.values.shape, twice.anchor, twice.scale) == ((31, 31), (15, 15), 4)
    picture = torch.rand(130, 110, generator=torch.Generator().manual_seed(seed)).double()
    step = degrade(degrade(picture, kernel), kernel)
    torch.testing.assert_close(degrade(picture, twice)[4:-4, 4:-4], step[4:-4, 4:-4])
    assert centre_of_mass(kernel.values).tolist() == pytest.approx([5.5, 5.5], abs=0.01)
    assert centre_of_mass(twice.values).tolist() == pytest.approx([16.5, 16.5], abs=0.01)
    # Variances add up, the second one's at twice the distance.
    torch.testing.assert_close(covariance(twice.values), 5 * covariance(kernel.values))


def test_a_blur_and_then_bicubic_are_one_kernel():
    blur = isotropic(1.2, scale=1)
    picture = torch.rand(60, 66, generator=torch.Generator().manual_seed(0)).double()
    both = imresize(degrade(picture, blur), scale=1 / 3)
    whole = degrade(picture, one_after_another(blur, bicubic_kernel(3)))
    torch.testing.assert_close(whole[4:-4, 4:-4], both[4:-4, 4:-4])


def test_three_times_is_x8():
    kernel = isotropic(1.0, scale=2)
    assert (composed(kernel, 3).scale, composed(kernel, 1).scale) == (8, 2)
    assert offset(composed(kernel, 3)) == pytest.approx((0, 0), abs=1e-9)


def test_a_kernel_is_laid_out_around_its_anchor():
    kernel = bicubic_kernel(2)
    wide = laid_out(kernel, 11)
    assert (wide.values.shape, wide.anchor) == ((11, 11), (5, 5))
    assert offset(wide) == pytest.approx(offset(kernel))
    with pytest.raises(ValueError, match="does not fit"):
        laid_out(kernel, 7)


def test_a_line_is_as_long_as_asked_for():
    """A line of length n has the variance n² / 12; its rasterisation adds at most a quarter."""
    wide, narrow, angle = axes(covariance(motion(12.0, 0.4, scale=2).values))
    assert wide == pytest.approx(144 / 12, abs=0.3)
    assert narrow < 0.25
    assert angle == pytest.approx(0.4, abs=0.01)


def test_paths_are_seeded():
    one, same, other = (
        shake(12.0, scale=2, draw=torch.Generator().manual_seed(seed)).values for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert one.shape != other.shape or not torch.equal(one, other)
    straight = shake(9.0, scale=2, draw=torch.Generator().manual_seed(1), bend=0).values
    assert axes(covariance(straight))[1] < 0.25


def test_sinc_passes_what_lies_below_its_cutoff():
    kernel = sinc(math.pi / 2, scale=1, reach=40).values
    waves = torch.fft.fft2(kernel, s=(128, 128)).abs()[0]
    assert waves[:24].min() > 0.9  # up to 3/16 of a cycle; the cutoff is 1/4
    assert waves[40:64].max() < 0.1
    with pytest.raises(ValueError, match="cutoff"):
        sinc(4.0, scale=1, reach=3)


def test_a_plateau_is_flat_and_steep():
    matrix = ellipse(9, 9, 0)
    flat = plateau(matrix, 4.0, scale=1, reach=12).values
    middle = flat[12, 12]
    assert flat[12, 13] > 0.99 * middle
    assert flat[12, 15] == pytest.approx(0.5 * middle)  # one standard deviation
    assert flat[12, 18] < 0.01 * middle
