"""The sliced Wasserstein distance against scipy, and what it sees."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from superfine.errors import SizeMismatchError
from superfine.metrics.sliced_wasserstein import _distance, _pyramid, sliced_wasserstein


def textures(count: int, *, seed: int, side: int = 32) -> torch.Tensor:
    """Noise with a little correlation between its pixels, as textures have."""
    noise = np.random.default_rng(seed).random((count, 3, side, side))
    return torch.from_numpy(ndimage.gaussian_filter(noise, (0, 0, 1, 1))).float()


def test_the_pyramid_is_scipys():
    """Burt and Adelson's filter with mirrored borders; enlarged by zeros between the pixels."""
    x = textures(2, seed=0, side=64).double()
    levels = _pyramid(x)
    assert [level.shape[-1] for level in levels] == [64, 32, 16]
    taps = np.array([1, 4, 6, 4, 1]) / 16
    kernel = np.outer(taps, taps)[None, None]
    fine = x.numpy()
    for level in levels[:-1]:
        coarse = ndimage.convolve(fine, kernel, mode="mirror")[..., ::2, ::2]
        spread = np.zeros_like(fine)
        spread[..., ::2, ::2] = coarse
        expected = fine - ndimage.convolve(spread, 4 * kernel, mode="mirror")
        assert np.abs(level.numpy() - expected).max() < 1e-12
        fine = coarse
    assert np.abs(levels[-1].numpy() - fine).max() < 1e-12


def test_the_distance_on_a_direction_is_scipys():
    draw = torch.Generator().manual_seed(0)
    left, right = torch.randn(2, 50, 1, generator=draw, dtype=torch.float64)
    # In one dimension every direction is the axis, longer or shorter, and is made a unit of it.
    expected = stats.wasserstein_distance(left[:, 0].numpy(), right[:, 0].numpy())
    assert _distance(left, right, seed=0) == pytest.approx(expected, rel=1e-9)


def test_a_set_is_at_nothing_from_itself_and_near_another_of_its_kind():
    sharp, other = textures(24, seed=0), textures(24, seed=1)
    assert sliced_wasserstein(sharp, sharp) == {32: 0.0, 16: 0.0}
    near = sliced_wasserstein(sharp, other)
    soft = torch.nn.functional.avg_pool2d(other, 3, stride=1, padding=1)
    far = sliced_wasserstein(sharp, soft)
    assert far[32] > 2 * near[32] > 0
    assert sliced_wasserstein(sharp, other) == near
    assert sliced_wasserstein(sharp, other, seed=1) != near


def test_brightness_and_contrast_of_a_set_are_left_out():
    sharp, other = textures(8, seed=0), textures(8, seed=1)
    near = sliced_wasserstein(sharp, other)
    assert sliced_wasserstein(sharp, 0.5 * other + 0.1) == pytest.approx(near, rel=1e-3)


def test_sets_that_cannot_be_compared_are_refused():
    for left, right in (
        ((2, 3, 32, 32), (3, 3, 32, 32)),
        ((2, 3, 48, 48),) * 2,
        ((2, 3, 16, 16),) * 2,
    ):
        with pytest.raises(SizeMismatchError, match="The sets are"):
            sliced_wasserstein(torch.zeros(left), torch.zeros(right))
