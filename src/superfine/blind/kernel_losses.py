"""What is asked of an estimated kernel: to be near bicubic at first, then small and in place.

Source: the losses of KernelGAN (Bell-Kligler, Shocher, Irani, NeurIPS 2019) and its code, for the
powers and the weights within the mask; DARSR takes them as they are.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from superfine.ops.kernels import centre_of_mass
from superfine.types import Kernel

_MASK = 30.0
_POWER = 0.2


def bicubic_loss(
    shrunk: Float[Tensor, "b c m n"],
    pieces: Float[Tensor, "b c h w"],
    bicubic: Kernel,
    *,
    stride: int,
    margin: int,
    colours_apart: bool = True,
) -> Float[Tensor, ""]:
    """Mean square by which `shrunk` differs from `pieces` shrunk by `bicubic`.

    Args:
        shrunk: What the generator made of `pieces`.
        pieces: Of the picture in hand.
        bicubic: MATLAB's kernel for the scale; the public code takes that of x2 for x4 too.
        stride: Pixels of `pieces` per pixel of `shrunk`.
        margin: Rows and columns `shrunk` leaves out at the top and at the left.
        colours_apart: False for the public code's error: each colour is held against the sum of
            all three, so that the generator is drawn to three times the brightness.
    """
    planes = pieces.flatten(0, 1)[:, None]
    weight = bicubic.values.to(pieces)[None, None]
    ideal = F.conv2d(planes, weight, stride=stride, padding=bicubic.anchor)[:, 0]
    ideal = ideal.view(*pieces.shape[:2], *ideal.shape[-2:])
    if not colours_apart:
        ideal = ideal.sum(dim=1, keepdim=True)
    height, width = shrunk.shape[-2:]
    ideal = ideal[..., margin : margin + height, margin : margin + width]
    return (shrunk - ideal).square().mean()


def sum_loss(values: Float[Tensor, "h w"]) -> Float[Tensor, ""]:
    """How far the sum is from 1."""
    return (1 - values.sum()).abs()


def boundaries_loss(values: Float[Tensor, "h w"]) -> Float[Tensor, ""]:
    """The mean size of what lies along the border of a square kernel, times `border_mask`."""
    return (values * border_mask(len(values)).to(values)).abs().mean()


def border_mask(side: int) -> Float[Tensor, "side side"]:
    """30 times (1 less a Gaussian as wide as the kernel) on a ring along the border, 0 inside.

    The ring is a quarter of the side wide, less one: 2 of 13.
    """
    middle = side // 2 + side % 2
    ring = (side - middle) // 2 - 1
    line = torch.exp(-0.5 * ((torch.arange(side) - side // 2) / side).square())
    mask = _MASK * (1 - torch.outer(line, line))
    mask[ring : side - ring, ring : side - ring] = 0
    return mask


def centre_loss(values: Float[Tensor, "h w"], wanted: float) -> Float[Tensor, ""]:
    """Mean square of how far the centre of mass is from row and column `wanted`."""
    return (centre_of_mass(values) - wanted).square().mean()


def sparse_loss(values: Float[Tensor, "h w"]) -> Float[Tensor, ""]:
    """The mean of |value|^0.2: the fewer values a kernel has, the less."""
    # At 0 the slope is infinite; where a value is 0 to rounding it is taken for that.
    return (values.abs() + torch.finfo(values.dtype).tiny).pow(_POWER).mean()
