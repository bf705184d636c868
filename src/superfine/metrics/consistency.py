"""How well a result, shrunk again, agrees with the picture it was made of."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from superfine.errors import SizeMismatchError
from superfine.metrics.psnr import psnr

Shrink = Callable[[Tensor], Tensor]


def lr_residual(
    sr: Float[Tensor, "*lead c h w"], lr: Float[Tensor, "*lead c m n"], shrink: Shrink
) -> Float[Tensor, "*lead c m n"]:
    """The shrunk result minus the input, in float64 and the unit of both; 0 where nothing is new.

    Where it is far from 0 the result cannot be right: the truth, shrunk, gives the input. Where
    it is 0 the result need not be right: many pictures shrink to one.

    Args:
        sr: Restored pictures.
        lr: What they were made of, in the same range.
        shrink: The resize of the protocol that made `lr`, called with `sr` in float64.

    Raises:
        SizeMismatchError: When the shrunk result has another size than the input.
    """
    shrunk = shrink(sr.double())
    if shrunk.shape != lr.shape:
        raise SizeMismatchError(
            f"The result shrinks to {tuple(shrunk.shape)}, the input is {tuple(lr.shape)}.",
            hint="Shrink by the scale the result was enlarged by.",
        )
    return shrunk.double() - lr.double()


def lr_psnr(
    sr: Float[Tensor, "*lead c h w"],
    lr: Float[Tensor, "*lead c m n"],
    shrink: Shrink,
    *,
    data_range: float,
) -> Float[Tensor, "*lead"]:
    """LR-consistency PSNR of each picture, in decibels; higher is better, inf when it shrinks back.

    10·log10(data_range² / MSE) of the shrunk result against the input, in float64. It needs no
    truth and says nothing about quality: the input enlarged by repeating pixels may have inf. The
    source asks for 45 dB and gives 39.01 for ESRGAN x4 and 49.91 for SRFlow x4.

    Args:
        sr: Restored pictures.
        lr: What they were made of, in the same range.
        shrink: The resize of the protocol that made `lr`, called with `sr` in float64.
        data_range: Largest value a pixel can take: 1.0 or 255.0. No default on purpose.

    Raises:
        SizeMismatchError: When the shrunk result has another size than the input.

    Source: Lugmayr et al., "NTIRE 2021 learning the super-resolution space challenge", CVPRW 2021.
    """
    residual = lr_residual(sr, lr, shrink)
    return psnr(lr.double() + residual, lr, data_range=data_range)
