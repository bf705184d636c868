"""Peak signal-to-noise ratio."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.metrics.sizes import require_one_size

# Values that are taken together: they stay in the cache of one core, a whole picture does not.
_PIECE = 2**15


def psnr(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> Float[Tensor, "*lead"]:
    """Peak signal-to-noise ratio of each picture, in decibels; higher is better, inf when equal.

    10·log10(data_range² / MSE), the mean taken over channels and pixels, computed in float64.

    Args:
        sr: Restored pictures.
        hr: Ground truth, of the same shape and range.
        data_range: Largest value a pixel can take: 1.0 for floats on [0, 1], 255.0 for 8-bit
            codes. Has no default on purpose: a wrong range adds 20·log10(255) = 48.13 dB silently.

    Raises:
        SizeMismatchError: When the sizes differ.

    Source: without a paper of its own; ITU-T J.340 (2010) writes it down for video. On 8-bit luma,
    `scale` pixels shaved, it is the figure of the tables of super-resolution.
    """
    require_one_size(sr, hr)
    values = sr.flatten(-3), hr.flatten(-3)
    pieces = zip(*(torch.split(x, _PIECE, dim=-1) for x in values), strict=True)
    squares = [(x.double() - y.double()).square().sum(dim=-1) for x, y in pieces]
    mse = torch.stack(squares).sum(dim=0) / values[0].shape[-1]
    return 10 * torch.log10(data_range**2 / mse)
