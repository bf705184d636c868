"""Structural similarity, in the form of the original MATLAB code."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

_WINDOW = 11
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def _gaussian() -> Float[Tensor, " n"]:
    x = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    weight = torch.exp(-(x**2) / (2 * _SIGMA**2))
    return weight / weight.sum()


def _blur(x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 m k"]:
    kernel = _gaussian().to(x.device)
    return F.conv2d(F.conv2d(x, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))


def ssim(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> Float[Tensor, "*lead"]:
    """Mean structural similarity of each picture, at most 1; higher is better.

    11x11 Gaussian window of sigma 1.5, only where it fits whole ("valid"), K1 = 0.01, K2 = 0.03,
    biased covariances; the mean over channels and positions, in float64. The same as
    scikit-image with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False` averaged
    over the positions where the window fits.

    Args:
        sr: Restored pictures, at least 11 x 11.
        hr: Ground truth, of the same shape and range.
        data_range: Largest value a pixel can take: 1.0 or 255.0. No default on purpose.

    Raises:
        ValueError: When the sizes differ or are smaller than the window.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", TIP 2004.
    """
    if sr.shape != hr.shape:
        raise ValueError(f"the pictures differ in size: {tuple(sr.shape)} and {tuple(hr.shape)}")
    *lead, channels, height, width = sr.shape
    if min(height, width) < _WINDOW:
        raise ValueError(f"SSIM needs at least {_WINDOW}x{_WINDOW} pixels, not {height}x{width}")
    x = sr.double().reshape(-1, 1, height, width)
    y = hr.double().reshape(-1, 1, height, width)
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2

    mean_x, mean_y = _blur(x), _blur(y)
    var_x = _blur(x * x) - mean_x**2
    var_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    per_channel = (luminance * structure).mean(dim=(-3, -2, -1))
    return per_channel.reshape(*lead, channels).mean(dim=-1)
