"""Training losses: what each result is compared with its truth by.

All take `sr` and `hr`, floats of one shape (b, c, h, w) whose range is [0, 1], and return one
number: the mean over the pictures of a batch of what each picture gives by itself. Splitting a
batch into equal parts and averaging their losses therefore changes nothing but the rounding.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from superfine.errors import SizeMismatchError
from superfine.metrics.ms_ssim import scale_means, scale_weights, scales_that_fit
from superfine.metrics.ssim import WINDOW, similarity_maps

Loss = Callable[[Tensor, Tensor], Tensor]

# An MSE of 1e-10 is a PSNR of 100 dB, where 100 - PSNR is 0.
_SMALLEST_MSE = 1e-10

# Below it the factors of `ms_ssim_loss` are replaced: see there.
_SMALLEST_FACTOR = 0.1


def mse(sr: Float[Tensor, "b c h w"], hr: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean squared error."""
    return F.mse_loss(sr, hr)


def l1(sr: Float[Tensor, "b c h w"], hr: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean absolute error."""
    return F.l1_loss(sr, hr)


def charbonnier(
    sr: Float[Tensor, "b c h w"], hr: Float[Tensor, "b c h w"], *, eps: float = 1e-3
) -> Float[Tensor, ""]:
    """Mean of √(d² + ε²): squared where d is small beside ε, absolute beyond.

    Source: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for
    computed imaging", ICIP 1994; used by Lai et al., "Deep Laplacian Pyramid Networks", CVPR 2017,
    with ε = 1e-3 and summed.
    """
    return ((sr - hr).square() + eps * eps).sqrt().mean()


def summed(distance: Loss) -> Loss:
    """`distance`, a mean over values, as a sum over the channels and pixels of each picture."""

    def loss(sr: Tensor, hr: Tensor) -> Tensor:
        return distance(sr, hr) * (sr.numel() // sr.shape[0])

    return loss


def psnr_loss(sr: Float[Tensor, "b c h w"], hr: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """100 minus the PSNR in decibels, of each picture; at least 0.

    From 100 dB on, which is an MSE of 1e-10, it is 0 and has no gradient.
    """
    error = (sr - hr).square().mean(dim=(-3, -2, -1))
    return 100 + 10 * error.clamp(min=_SMALLEST_MSE).log10().mean()


def ssim_loss(sr: Float[Tensor, "b c h w"], hr: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """1 minus the SSIM as `metrics.ssim` defines it, on [0, 2], in the precision of `sr`.

    Raises:
        SizeMismatchError: When a side is below 11 pixels.
    """
    _refuse_smaller_than_window(sr, "SSIM")
    luminance, structure = similarity_maps(sr, hr, data_range=1.0)
    return 1 - (luminance * structure).mean()


def ms_ssim_loss(sr: Float[Tensor, "b c h w"], hr: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """1 minus the MS-SSIM, on [0, 1], in the precision of `sr`.

    As `metrics.ms_ssim` for pictures with more than 160 pixels on each side. Training patches are
    often smaller: then only the scales that fit count (4 from 81 pixels, 3 from 41, 2 from 21,
    1 from 11), their exponents stretched to the sum of all five.

    A factor that is zero or negative, as for a network that has learnt nothing yet, would have no
    gradient or an infinite one. Below 0.1 the logarithm of a factor goes on along its tangent
    instead, so that the loss always shows the way.

    Raises:
        SizeMismatchError: When a side is below 11 pixels.
    """
    _refuse_smaller_than_window(sr, "MS-SSIM")
    scales = scales_that_fit(min(sr.shape[-2:]))
    means = scale_means(sr, hr, data_range=1.0, scales=scales)
    logarithm = sr.new_zeros(())
    for mean, weight in zip(means, scale_weights(scales), strict=True):
        logarithm = logarithm + weight * _extended_log(mean)
    return 1 - logarithm.exp().mean()


def _extended_log(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    beyond = (x - _SMALLEST_FACTOR).clamp(max=0) / _SMALLEST_FACTOR
    return x.clamp(min=_SMALLEST_FACTOR).log() + beyond


def _refuse_smaller_than_window(sr: Tensor, name: str) -> None:
    height, width = sr.shape[-2:]
    if min(height, width) < WINDOW:
        raise SizeMismatchError(
            f"The loss {name} needs at least {WINDOW}x{WINDOW} pixels, not {height}x{width}.",
            hint="Train on larger patches.",
        )
