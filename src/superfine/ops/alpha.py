"""Transparency: what colour lies where nothing can be seen."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def bleed(
    colour: Float[Tensor, "c h w"], alpha: Float[Tensor, "1 h w"], *, radius: int
) -> Float[Tensor, "c h w"]:
    """`colour` with the pixels nobody can see (alpha 0) painted from the visible ones nearby.

    Files keep anything under a transparent pixel, often black; a network or a filter would mix it
    into the visible edge as a dark fringe. Each hidden pixel takes the alpha-weighted mean of the
    smallest square around it (half sides 1, 2, 4, ... up to `radius`) that holds a visible one;
    hidden pixels farther away stay as they are. Visible pixels are never changed.

    Args:
        colour: Not premultiplied, on [0, 1].
        alpha: On [0, 1].
        radius: Farthest pixel looked at, at least 1.
    """
    hidden = alpha == 0
    if not hidden.any():
        return colour
    painted = colour
    half = 1
    while True:
        half = min(half, radius)
        weight = _box_sum(alpha, half)
        mean = _box_sum(colour * alpha, half) / weight.clamp(min=torch.finfo(alpha.dtype).tiny)
        # Box sums of floats leave dust where the window is empty.
        reached = hidden & (_box_sum((alpha > 0).to(alpha.dtype), half) > 0.5)
        painted = torch.where(reached, mean, painted)
        hidden = hidden & ~reached
        if half == radius or not hidden.any():
            return painted.clamp(0, 1)
        half *= 2


def _box_sum(x: Float[Tensor, "c h w"], half: int) -> Float[Tensor, "c h w"]:
    side = 2 * half + 1
    rows = F.avg_pool2d(F.pad(x, (0, 0, half, half)), (side, 1), stride=1) * side
    return F.avg_pool2d(F.pad(rows, (half, half, 0, 0)), (1, side), stride=1) * side
