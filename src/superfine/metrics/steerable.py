"""The steerable pyramid of IFC and VIF: a picture by scale and by direction."""

from __future__ import annotations

from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

_LEVELS = 4

# Results on a side of a block that are computed together.
_TOGETHER = 4

# Taps of "sp5Filters", each mirrored down and to the right. The band mirrors downwards and turns
# its sign to the right; its middle column is 0.
_LOW = (
    (0.00341614, -0.01551246, -0.03848215),
    (-0.01551246, 0.05586982, 0.15925570),
    (-0.03848215, 0.15925570, 0.40304148),
)
_HALVING = (
    (0.00170808, -0.00489834, -0.00775624, -0.01888864, -0.01924108),
    (-0.00489834, -0.01046562, -0.01322234, 0.00821200, 0.02005976),
    (-0.00775624, -0.01322234, 0.02793492, 0.06554076, 0.07962786),
    (-0.01888864, 0.00821200, 0.06554076, 0.12852666, 0.16339236),
    (-0.01924108, 0.02005976, 0.07962786, 0.16339236, 0.20193080),
)
_BAND = (
    (0.00277643, -0.00986904, -0.01021852, 0.0),
    (0.00496194, -0.00893064, -0.03075356, 0.0),
    (0.01026699, 0.01189859, -0.08226445, 0.0),
    (0.01455399, 0.02755155, -0.11732297, 0.0),
)


def oriented_bands(x: Float[Tensor, "n h w"]) -> list[Float[Tensor, "n 2 _ _"]]:
    """The bands of upright and of level edges on each of the four levels, fine to coarse.

    These two of the pyramid's six directions are all that IFC and VIF look at. A level has half as
    many pixels on a side as the one before, rounded up. Filters are correlated with the picture,
    its borders mirrored without repeating the last pixel, and every second pixel from the first on
    is kept: MATLAB's `buildSpyr(x, 4, 'sp5Filters', 'reflect1')`, bands 1 and 4 of a level.

    Args:
        x: Grey pictures, at least 33 pixels on each side.

    Source: Simoncelli and Freeman, "The steerable pyramid: a flexible architecture for
    multi-scale derivative computation", ICIP 1995; taps of Karasaridis and Simoncelli, "A filter
    design technique for steerable pyramid image transforms", ICASSP 1996.
    """
    upright = _mirrored(_BAND, odd=True)
    directions = torch.stack([upright, -upright.T]).to(x)
    halving = _mirrored(_HALVING).to(x)
    low = _filtered(x[:, None], _mirrored(_LOW).to(x)[None])
    bands = []
    for level in range(_LEVELS):
        bands.append(_filtered(low, directions))
        if level + 1 < _LEVELS:
            low = _filtered(low, halving[None], step=2)
    return bands


def _mirrored(quarter: tuple[tuple[float, ...], ...], *, odd: bool = False) -> Float[Tensor, "k k"]:
    top = torch.tensor(quarter, dtype=torch.float64)
    right = top[:, :-1].flip(1)
    half = torch.cat([top, -right if odd else right], dim=1)
    return torch.cat([half, half[:-1].flip(0)])


def _filtered(
    x: Float[Tensor, "n 1 h w"], kernels: Float[Tensor, "d k k"], *, step: int = 1
) -> Float[Tensor, "n d p q"]:
    """The correlation of `x` with each kernel at every `step`-th pixel.

    A convolution in float64 first writes out all taps of all pixels. One that gives a whole block
    of results for each place shares them, and is ten times as fast.
    """
    count, size, _ = kernels.shape
    reach = (_TOGETHER - 1) * step + size
    block = kernels.new_zeros(count, _TOGETHER, _TOGETHER, reach, reach)
    for down, right in product(range(_TOGETHER), repeat=2):
        top, left = down * step, right * step
        block[:, down, right, top : top + size, left : left + size] = kernels

    edge = size // 2
    height, width = (-(-side // step) for side in x.shape[-2:])
    padded = F.pad(x, (edge, edge, edge, edge), mode="reflect")
    missing = [
        max(0, (-(-results // _TOGETHER) - 1) * _TOGETHER * step + reach - pixels)
        for results, pixels in zip((height, width), padded.shape[-2:], strict=True)
    ]
    padded = F.pad(padded, (0, missing[1], 0, missing[0]))
    blocks = F.conv2d(padded, block.reshape(-1, 1, reach, reach), stride=_TOGETHER * step)
    return F.pixel_shuffle(blocks, _TOGETHER)[..., :height, :width]
