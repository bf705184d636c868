"""Peak signal-to-noise ratio."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


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
        ValueError: When the sizes differ.
    """
    if sr.shape != hr.shape:
        raise ValueError(f"the pictures differ in size: {tuple(sr.shape)} and {tuple(hr.shape)}")
    mse = (sr.double() - hr.double()).square().mean(dim=(-3, -2, -1))
    return 10 * torch.log10(data_range**2 / mse)
