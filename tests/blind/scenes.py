"""Synthetic pictures with edges in every direction, and what a known blur makes of them."""

import torch

from superfine.ops.degrade import degrade
from superfine.ops.kernels import gaussian

WIDE = torch.tensor([[2.5, 0.6], [0.6, 1.2]], dtype=torch.float64)


def scene(side=128, *, channels=3, seed=0):
    """Discs and boxes of random colours, one over the other, on [0, 1]."""
    draw = torch.Generator().manual_seed(seed)
    at = torch.arange(float(side))
    picture = torch.full((channels, side, side), 0.5)
    for number in range(60):
        row, column, size, a, b = torch.rand(5, generator=draw).tolist()
        down, right = at[:, None] - row * side, at - column * side
        size = side * (0.03 + 0.12 * size)
        turned = (a * down + b * right).abs() / (a * a + b * b) ** 0.5
        across = (b * down - a * right).abs() / (a * a + b * b) ** 0.5
        inside = down**2 + right**2 < size**2 if number % 2 else (turned < size) & (across < size)
        picture[:, inside] = torch.rand(channels, 1, generator=draw)
    return picture


def taken(side=64, *, scale=2, channels=3, covariance=WIDE, seed=0):
    """LR of `side` pixels, in 8 bits."""
    sharp = scene(scale * side, channels=channels, seed=seed)
    lr = degrade(sharp, gaussian(covariance, scale=scale))
    return torch.floor(255 * lr + 0.5).clamp(0, 255) / 255
