"""Structural similarity, in the form of the original MATLAB code."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

# Pixels on a side of the Gaussian window; the smallest picture that has an SSIM.
WINDOW = 11
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def _gaussian(device: torch.device) -> Float[Tensor, " n"]:
    # Made where it is used: copying it there would make the CPU wait for a GPU at every step.
    x = torch.arange(WINDOW, dtype=torch.float64, device=device) - WINDOW // 2
    weight = torch.exp(-(x**2) / (2 * _SIGMA**2))
    return weight / weight.sum()


def _blur(x: Float[Tensor, "1 n h w"], kernel: Float[Tensor, " k"]) -> Float[Tensor, "1 n p q"]:
    # All planes as the channels of one picture: on a CPU ten times as fast as planes as a batch,
    # and the same to the bit.
    planes = x.shape[1]
    column = kernel.view(1, 1, -1, 1).expand(planes, 1, -1, 1)
    row = kernel.view(1, 1, 1, -1).expand(planes, 1, 1, -1)
    return F.conv2d(F.conv2d(x, column, groups=planes), row, groups=planes)


def similarity_maps(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> tuple[Float[Tensor, "*lead c p q"], Float[Tensor, "*lead c p q"]]:
    """The two factors of SSIM wherever the window fits: luminance, and contrast with structure.

    Differentiable, in the precision of the arguments, which are as those of `ssim`.

    Raises:
        ValueError: When the sizes differ or are smaller than the window.
    """
    if sr.shape != hr.shape:
        raise ValueError(f"the pictures differ in size: {tuple(sr.shape)} and {tuple(hr.shape)}")
    *planes, height, width = sr.shape
    if min(height, width) < WINDOW:
        raise ValueError(f"SSIM needs at least {WINDOW}x{WINDOW} pixels, not {height}x{width}")
    x = sr.reshape(1, -1, height, width)
    y = hr.reshape(1, -1, height, width)
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2

    kernel = _gaussian(sr.device).to(sr.dtype)
    mean_x, mean_y = _blur(x, kernel), _blur(y, kernel)
    var_x = _blur(x * x, kernel) - mean_x**2
    var_y = _blur(y * y, kernel) - mean_y**2
    covariance = _blur(x * y, kernel) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    shape = (*planes, *luminance.shape[-2:])
    return luminance.reshape(shape), structure.reshape(shape)


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
    luminance, structure = similarity_maps(sr.double(), hr.double(), data_range=data_range)
    return (luminance * structure).mean(dim=(-2, -1)).mean(dim=-1)
