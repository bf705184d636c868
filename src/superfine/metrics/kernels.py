"""How far an estimated kernel is from the one that made LR, by what an error costs.

Differences of single values say next to nothing: of two kernels with the same sum of absolute
errors one restores a picture and the other ruins it (sefibk/KernelGAN issue 84). Here the place,
the width and the shape are measured apart, in the order of what they cost on natural pictures at
x2: half a pixel of place 1.5 dB, all of the anisotropy 0.5 dB, a quarter of noise on the values
0.1 dB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.errors import SizeMismatchError
from superfine.metrics.consistency import lr_psnr
from superfine.ops.degrade import degrade
from superfine.ops.kernels import axes, covariance, laid_out, moved, offset
from superfine.types import Kernel


@dataclass(frozen=True)
class KernelErrors:
    """How far one kernel is from another; 0 is right, but for `psnr`, where inf is.

    Attributes:
        centre: Distance of the centres of mass, in HR pixels.
        width: How much larger the trace of the covariance is, in per cent of the true one; below
            0 the estimate is too narrow. NaN where the truth has no width, as bicubic.
        anisotropy: (wide - narrow) / (wide + narrow) of the variances, 0 for a round kernel and 1
            for a line, less that of the truth. NaN where either has no width.
        orientation: Angle between the wide axes in degrees, 0 to 90; says nothing of round kernels.
        sae: Sum of the absolute differences of the values, 0 to 2 where none are negative, after
            the estimate was moved to the centre of the truth.
        psnr: 10 log10(peak² / MSE) in dB without moving: the peak is the largest value of the
            truth, and the mean is over the values of the truth's array.
    """

    centre: float
    width: float
    anisotropy: float
    orientation: float
    sae: float
    psnr: float


def kernel_errors(estimate: Kernel, truth: Kernel) -> KernelErrors:
    """How far `estimate` is from `truth`; arrays and anchors may differ.

    Raises:
        SizeMismatchError: When they are of different scales.
    """
    if estimate.scale != truth.scale:
        raise SizeMismatchError(
            f"One kernel is for x{estimate.scale}, the other for x{truth.scale}.",
            hint="Compare kernels of one scale; that of x2, twice, is one of x4.",
        )
    (row, column), (true_row, true_column) = offset(estimate), offset(truth)
    down, right = true_row - row, true_column - column
    ours, theirs = (axes(covariance(kernel.values)) for kernel in (estimate, truth))
    trace, true_trace = ours[0] + ours[1], theirs[0] + theirs[1]
    turned = abs(ours[2] - theirs[2])
    apart = _difference(moved(estimate, down, right), truth)
    square = float(_difference(estimate, truth).square().sum()) / truth.values.numel()
    peak = float(truth.values.max())
    return KernelErrors(
        centre=math.hypot(down, right),
        width=100 * (trace / true_trace - 1) if true_trace > _NO_WIDTH else math.nan,
        anisotropy=_anisotropy(ours) - _anisotropy(theirs),
        orientation=math.degrees(min(turned, math.pi - turned)),
        sae=float(apart.abs().sum()),
        psnr=10 * math.log10(peak**2 / square) if square > 0 else math.inf,
    )


def redegraded_psnr(
    truth: Float[Tensor, "c h w"], lr: Float[Tensor, "c m n"], kernel: Kernel, *, data_range: float
) -> Float[Tensor, ""]:
    """PSNR in dB of `truth` degraded by `kernel` against `lr`: the LR-PSNR of kernels.

    With the kernel that made an 8-bit `lr` it is 58.9 dB, that of rounding.

    Args:
        truth: The sharp picture, in the range of `lr`.
        lr: What was made of it.
        kernel: Said to have made it.
        data_range: Largest value a pixel can take: 1.0 or 255.0. No default on purpose.

    Raises:
        SizeMismatchError: When `kernel` makes another size of `truth`.
    """
    return lr_psnr(truth, lr, partial(degrade, kernel=kernel), data_range=data_range)


# Variances below have no meaning in float64 sums of a few hundred values, HR pixels squared.
_NO_WIDTH = 1e-9


def _anisotropy(found: tuple[float, float, float]) -> float:
    wide, narrow, _ = found
    return (wide - narrow) / (wide + narrow) if wide + narrow > _NO_WIDTH else math.nan


def _difference(one: Kernel, other: Kernel) -> Float[Tensor, "n n"]:
    """`one` less `other`, each laid where it meets the sharp picture."""
    reach = max(
        max(anchor, n - 1 - anchor)
        for kernel in (one, other)
        for n, anchor in zip(kernel.values.shape, kernel.anchor, strict=True)
    )
    first, second = (laid_out(kernel, 2 * reach + 1).values for kernel in (one, other))
    return torch.sub(first, second)
