"""Noise that was added is told, and rounding is not taken for noise."""

import pytest
import torch

from superfine.diagnose.noise import noise_sigma
from tests.diagnose.scenes import leaves, noisy


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0, 10.0, 30.0])
def test_noise_on_a_scene(sigma):
    told = noise_sigma(noisy(leaves(256), sigma))
    assert told == pytest.approx(sigma, rel=0.12, abs=0.1)


def test_a_clean_scene_has_none():
    assert noise_sigma(leaves(256)) == pytest.approx(0, abs=0.05)


def test_a_slope_in_codes_of_8_bits_has_none():
    """Rounding of a slope is no white noise: twice what is taken off it may be left."""
    slope = torch.arange(128.0)[:, None] * 0.7 + torch.arange(128.0) * 0.43
    assert noise_sigma(torch.floor(slope + 20.5)) < 0.35


def test_texture_is_not_taken_for_noise():
    rows, columns = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    waves = 128 + 40 * torch.sin(rows / 2.1) * torch.sin(columns / 2.3)
    assert noise_sigma(waves) < 3


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7)])
def test_pictures_without_a_block_are_not_judged(shape):
    assert noise_sigma(torch.full(shape, 100.0)) is None


def test_clipped_pictures_are_not_judged():
    assert noise_sigma(torch.zeros(64, 64)) is None


def test_a_part_of_a_large_picture_is_enough():
    draw = torch.Generator().manual_seed(0)
    large = 128 + 5 * torch.randn(1600, 1800, generator=draw)
    assert noise_sigma(large, step=0) == pytest.approx(5, rel=0.03)
