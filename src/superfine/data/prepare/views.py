"""The ways round a picture is shown before patches are cut: mirrored, turned by any angle."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor

from superfine.ops.resize import round_half_up

Size = tuple[int, int]  # rows, columns


@dataclass(frozen=True)
class View:
    """A picture mirrored left-right, if at all, then turned counter-clockwise by `angle` degrees.

    Every pair of a flip and a rotation is one of these: top-bottom is left-right and half a turn.
    """

    mirrored: bool
    angle: float


def views(flips: Iterable[int], rotations: Iterable[float]) -> tuple[View, ...]:
    """The different views for flips (0 none, 1 left-right, 2 top-bottom, 3 both) and degrees.

    Two ways to the same view count once: flips 0 1 2 3 with four quarter turns are 8 views.
    """
    asked = [
        View(mirrored=flip in (1, 2), angle=(angle + (180 if flip in (2, 3) else 0)) % 360)
        for flip in flips
        for angle in rotations
    ]
    return tuple(dict.fromkeys(asked))


def turned(x: UInt8[Tensor, "c h w"], view: View) -> UInt8[Tensor, "c m n"]:
    """`x` in a view: pixels only move for multiples of 90 degrees, else bicubic interpolation."""
    x = x.flip(-1) if view.mirrored else x
    if view.angle % 90 == 0:
        return torch.rot90(x, int(view.angle) // 90, (-2, -1))
    return _inner_of_turned(x, view.angle)


def turned_size(size: Size, angle: float) -> Size:
    """Rows and columns of a picture of `size` after `turned`."""
    if angle % 90 == 0:
        return size if angle % 180 == 0 else (size[1], size[0])
    return _largest_inside(size, angle)


def _largest_inside(size: Size, angle: float) -> Size:
    """The largest upright rectangle inside a picture of `size` that was turned by `angle`."""
    sine, cosine = abs(math.sin(math.radians(angle))), abs(math.cos(math.radians(angle)))
    short, long = sorted(size)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:
        # Thin: two of its corners lie in the middle between the long sides.
        width, height = short / (2 * sine), short / (2 * cosine)
        if size[0] > size[1]:
            width, height = height, width
    else:
        # All four corners lie on sides: height * sine + width * cosine is the picture's width.
        double = cosine * cosine - sine * sine
        width = (size[1] * cosine - size[0] * sine) / double
        height = (size[0] * cosine - size[1] * sine) / double
    # A pixel less, so that no sample reaches beyond the edge.
    return max(0, math.floor(height) - 1), max(0, math.floor(width) - 1)


def _inner_of_turned(x: UInt8[Tensor, "c h w"], angle: float) -> UInt8[Tensor, "c m n"]:
    """`x` turned about its centre by bicubic interpolation, cut to where all of it is picture."""
    height, width = x.shape[1:]
    rows, columns = _largest_inside((height, width), angle)
    down = torch.arange(rows, dtype=torch.float64)[:, None] - (rows - 1) / 2
    right = torch.arange(columns, dtype=torch.float64)[None] - (columns - 1) / 2
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    # Where a pixel of the result was before: turned back, with rows counted downwards.
    across = right * cosine - down * sine
    downwards = right * sine + down * cosine
    place = torch.stack([2 * across / width, 2 * downwards / height], dim=-1)
    turned = F.grid_sample(
        x[None].double(), place[None], mode="bicubic", padding_mode="reflection",
        align_corners=False,
    )  # fmt: skip
    return round_half_up(turned[0])
