"""BT.601 against the values MATLAB documents and scikit-image computes."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr

from superfine.ops.color import luma, luma_uint8, rgb_to_ycbcr, ycbcr_to_rgb


def test_white_is_235_and_black_is_16():
    white, black = torch.ones(3, 1, 1), torch.zeros(3, 1, 1)
    assert luma(white).item() * 255 == pytest.approx(235, abs=1e-4)
    assert luma(black).item() * 255 == pytest.approx(16, abs=1e-4)


def test_grey_has_no_chroma():
    grey = torch.full((3, 1, 1), 0.4, dtype=torch.float64)
    assert (rgb_to_ycbcr(grey)[1:] * 255 - 128).abs().max() < 1e-9


def test_equals_scikit_image():
    rgb = torch.rand(3, 16, 17, dtype=torch.float64)
    theirs = rgb2ycbcr(rgb.permute(1, 2, 0).numpy())
    ours = rgb_to_ycbcr(rgb).permute(1, 2, 0).numpy() * 255
    assert np.abs(ours - theirs).max() < 1e-10


def test_the_inverse_is_exact():
    rgb = torch.rand(2, 3, 5, 6, dtype=torch.float64)
    assert (ycbcr_to_rgb(rgb_to_ycbcr(rgb)) - rgb).abs().max() < 1e-14


def test_8_bit_luma_is_rounded_not_cut():
    codes = torch.tensor([255, 0, 0], dtype=torch.uint8).reshape(3, 1, 1)
    assert luma_uint8(codes).item() == 81  # 16 + 65.481 = 81.48
    codes = torch.tensor([0, 255, 0], dtype=torch.uint8).reshape(3, 1, 1)
    assert luma_uint8(codes).item() == 145  # 144.553, which truncation would make 144
