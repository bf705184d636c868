"""Multi-scale structural similarity."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from superfine.errors import SizeMismatchError
from superfine.metrics.sizes import require_one_size
from superfine.metrics.ssim import WINDOW, similarity_maps

# How much each scale counts, fine to coarse, as the paper measured it on people.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> Float[Tensor, "*lead"]:
    """Multi-scale structural similarity of each picture, on [0, 1]; higher is better.

    The product over five scales, each half as large as the one before, of what `ssim` compares,
    to the powers .0448 .2856 .3001 .2363 .1333. The finer four give the mean of contrast and
    structure alone, the coarsest the whole mean SSIM. Computed in float64, for each channel, then
    averaged over the channels.

    The paper leaves three things open. Between scales 2x2 pixels are averaged; where a side is
    odd, its last pixels are averaged alone, as the authors' code does by mirroring. A mean below
    zero, to which the authors' code gives a complex number, counts as zero. Channels are averaged
    at the end, as TensorFlow does.

    Args:
        sr: Restored pictures, their smaller side above 160 pixels.
        hr: Ground truth, of the same shape and range.
        data_range: Largest value a pixel can take: 1.0 or 255.0. No default on purpose.

    Raises:
        SizeMismatchError: When the sizes differ or the coarsest scale is smaller than the window.

    Source: Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality
    assessment", Asilomar 2003.
    """
    require_one_size(sr, hr)
    height, width = sr.shape[-2:]
    scales = len(_WEIGHTS)
    if scales_that_fit(min(height, width)) < scales:
        raise SizeMismatchError(
            f"MS-SSIM needs more than 160 pixels on each side, not {height}x{width}.",
            hint="Score smaller pictures with SSIM.",
        )
    means = scale_means(sr.double(), hr.double(), data_range=data_range, scales=scales)
    powers = [m.clamp(min=0) ** w for m, w in zip(means, scale_weights(scales), strict=True)]
    product = powers[0]
    for power in powers[1:]:
        product = product * power
    return product.mean(dim=-1)


def scales_that_fit(side: int) -> int:
    """How many of the five scales a picture has, from its smaller side in pixels: 5 above 160."""
    scales = 0
    while scales < len(_WEIGHTS) and side >= WINDOW:
        scales += 1
        side = math.ceil(side / 2)
    return scales


def scale_weights(scales: int) -> tuple[float, ...]:
    """The exponents of the finest `scales` of the five, stretched to the sum of all five."""
    stretch = sum(_WEIGHTS) / sum(_WEIGHTS[:scales])
    return tuple(weight * stretch for weight in _WEIGHTS[:scales])


def scale_means(
    sr: Float[Tensor, "*lead c h w"],
    hr: Float[Tensor, "*lead c h w"],
    *,
    data_range: float,
    scales: int,
) -> list[Float[Tensor, "*lead c"]]:
    """What MS-SSIM multiplies, fine to coarse, before the powers; each at most 1.

    Differentiable, in the precision of the arguments.

    Args:
        sr: Restored pictures.
        hr: Ground truth.
        data_range: Largest value a pixel can take.
        scales: At least 1 and at most `scales_that_fit` of the smaller side.
    """
    means = []
    for scale in range(1, scales + 1):
        luminance, structure = similarity_maps(sr, hr, data_range=data_range)
        compared = luminance * structure if scale == scales else structure
        means.append(compared.mean(dim=(-2, -1)))
        if scale < scales:
            sr, hr = _halved(sr), _halved(hr)
    return means


def _halved(x: Float[Tensor, "*planes h w"]) -> Float[Tensor, "*planes p q"]:
    half = F.avg_pool2d(x.reshape(-1, *x.shape[-2:]), 2, ceil_mode=True)
    return half.reshape(*x.shape[:-2], *half.shape[-2:])
