"""Dictionaries of small filters whose mixtures, pixel by pixel, correct a picture.

Source: Li, Zhou, Li, Li, Lu, "LAPAR: Linearly-Assembled Pixel-Adaptive Regression Network for
Single Image Super-Resolution and Beyond", NeurIPS 2020, arXiv:2105.10422, whose code holds them as
files of 72 and of 24 filters. Here they are computed: Gaussians of several widths and angles, and
differences of a wide and a narrow one, which sharpen. Equal to the files but for the last bits.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

SIDE = 5

_SIX = (90.0, 60.0, 30.0, 0.0, -30.0, -60.0)
_TWELVE = tuple(90.0 - 15.0 * i for i in range(12))
# Widths along the major and the minor axis, in pixels, and the angles they come in.
_GAUSSIANS_72 = (
    (2.0, 2.0, (0.0,)),
    (2.0, 1.6, _SIX),
    (2.0, 1.2, _SIX),
    (2.0, 0.8, _SIX),
    (2.0, 0.4, _TWELVE),
    (1.2, 1.2, (0.0,)),
    (1.2, 0.96, _SIX),
    (1.2, 0.72, _SIX),
    (1.2, 0.48, _SIX),
    (0.4, 0.4, (0.0,)),
)
_GAUSSIANS_24 = (
    (2.0, 2.0, (0.0,)),
    (2.0, 1.5, _SIX),
    (2.0, 0.5, _SIX),
    (1.2, 1.2, (0.0,)),
    (1.2, 0.6, _SIX),
    (0.4, 0.4, (0.0,)),
)
# Wide and narrow of each difference.
_PAIRS_72 = ((0, 31), (0, 50), (31, 50), *((i, i + 31) for i in range(1, 19)))
_PAIRS_24 = ((0, 13), (0, 20), (13, 20))


def filter_dictionary(count: Literal[24, 72] = 72) -> Float[Tensor, "{count} 5 5"]:
    """The filters, float64, each with sum 1, laid on the picture as they are, not flipped.

    Args:
        count: 72: 51 Gaussians, the last of which is nearly a single 1, then 21 that sharpen, with
            a negative centre; 24: 21 Gaussians and 3 that sharpen.
    """
    widths, pairs = (_GAUSSIANS_72, _PAIRS_72) if count == 72 else (_GAUSSIANS_24, _PAIRS_24)
    smooth = [_gaussian(a, b, angle) for a, b, angles in widths for angle in angles]
    return torch.stack(smooth + [_sharpening(smooth[a] - smooth[b]) for a, b in pairs])


def _gaussian(major: float, minor: float, degrees: float) -> Float[Tensor, "5 5"]:
    """Sum 1; at 0 degrees the minor axis is that of columns, the row axis points down."""
    at = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    y, x = torch.meshgrid(at, at, indexing="ij")
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    u = x * angle.cos() + y * angle.sin()
    v = y * angle.cos() - x * angle.sin()
    values = torch.exp(-0.5 * ((u / minor).square() + (v / major).square()))
    return values / values.sum()


def _sharpening(difference: Float[Tensor, "5 5"]) -> Float[Tensor, "5 5"]:
    """1.4 of what is positive and -0.4 of what is negative, each brought to sum 1 first."""
    positive, negative = difference.clamp(min=0), (-difference).clamp(min=0)
    return 1.4 * positive / positive.sum() - 0.4 * negative / negative.sum()
