"""Where pixels lie, and maps and pictures read at any places, with and without holes.

A place is measured from the upper left edge, in pixels: pixel `i` covers [i, i + 1) and its centre
lies at i + 1/2. A place on the LR grid, times the scale, is the same place on the HR grid, with no
half pixels to forget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superfine.ops.resize import Taps, bicubic_kernel, resize_axes

# "bicubic" is Keys' cubic with a = -1/2.
Interpolation = Literal["bicubic", "bilinear", "nearest"]


def _triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


# Kernel, and how many samples it takes on each side.
_KERNELS: dict[Interpolation, tuple[Callable[[Tensor], Tensor], int]] = {
    "bicubic": (bicubic_kernel, 2),
    "bilinear": (_triangle, 1),
}


def centres(count: int) -> Float[Tensor, " n"]:
    """The places of the centres of `count` pixels, in float64."""
    return torch.arange(count, dtype=torch.float64) + 0.5


def on_grid(
    at: Float[Tensor, " m"], samples: Float[Tensor, " n"], spacing: float
) -> Float[Tensor, " m"]:
    """Where the places `at` lie on a grid whose samples were measured at `samples`.

    Sample `j` of that grid has place j + 1/2 on it; in between it is linear, and beyond the first
    and the last sample it goes on as between the two nearest.

    Args:
        at: Places on the grid that `samples` speaks of.
        samples: Growing.
        spacing: Pixels from one sample to the next, used where there is only one sample.
    """
    if len(samples) == 1:
        return (at - samples[0]) / spacing + 0.5
    right = torch.searchsorted(samples, at).clamp(1, len(samples) - 1)
    before, after = samples[right - 1], samples[right]
    return right - 0.5 + (at - before) / (after - before)


def taps_at(
    at: Float[Tensor, " m"], size_in: int, interpolation: Interpolation = "bicubic"
) -> Taps:
    """The weights and positions that interpolate `size_in` samples of one axis at places `at`.

    What lies beyond the border is cut off and the rest weighs more, as in Pillow; a place outside
    of the axis is taken to its edge.
    """
    at = at.double().clamp(0, size_in)
    if interpolation == "nearest":
        index = at.floor().long().clamp(max=size_in - 1)[:, None]
        return Taps(torch.ones_like(index, dtype=torch.float64), index)
    kernel, reach = _KERNELS[interpolation]
    u = at - 0.5
    index = u.floor().long()[:, None] + torch.arange(1 - reach, 1 + reach)
    inside = (index >= 0) & (index < size_in)
    weight = kernel(u[:, None] - index) * inside
    return Taps(weight / weight.sum(dim=1, keepdim=True), index.clamp(0, size_in - 1))


def sample_at(
    x: Float[Tensor, "*lead h w"],
    rows: Float[Tensor, " m"],
    columns: Float[Tensor, " n"],
    interpolation: Interpolation = "bicubic",
) -> Float[Tensor, "*lead m n"]:
    """`x` read at every crossing of the places `rows` and `columns`; differentiable.

    `sample_at(x, centres(h) + 0.25, centres(w))` is `x` moved up by a quarter of a pixel.
    """
    return resize_axes(
        x,
        taps_at(rows, x.shape[-2], interpolation),
        taps_at(columns, x.shape[-1], interpolation),
    )


def resize_valid(
    values: Float[Tensor, "*lead h w"], valid: Bool[Tensor, "1 h w"], rows: Taps, columns: Taps
) -> tuple[Float[Tensor, "*lead m n"], Float[Tensor, "1 m n"]]:
    """`values` resized by normalised convolution: holes have no weight, whatever they hold.

    Where the kernel meets no hole the result is, bit for bit, that of `resize_axes`. Elsewhere it
    is the mean of the valid values under the positive part of the kernel; the negative lobes of a
    cubic, with the rest of it gone, would leave the range of the values by any amount.

    Returns:
        The values, 0 where the kernel met holes only, and how much of the positive part of the
        kernel, on [0, 1], met valid pixels.

    Source: Knutsson and Westin, "Normalized and differential convolution", CVPR 1993. They keep
    the kernel as it is.
    """
    if bool(valid.all()):
        plain = resize_axes(values, rows, columns)
        return plain, plain.new_ones(1, *plain.shape[-2:])
    clean = torch.where(valid, values, 0)
    weight = valid.to(values.dtype)
    part = positive(rows), positive(columns)
    share = resize_axes(weight, *part)
    mean = resize_axes(clean, *part) / torch.where(share > 0, share, 1)
    whole = resize_axes(1 - weight, absolute(rows), absolute(columns)) == 0
    plain = resize_axes(clean, rows, columns)
    return torch.where(whole, plain, mean), torch.where(whole, 1, share.clamp(0, 1))


def sample_valid_at(
    values: Float[Tensor, "*lead h w"],
    valid: Bool[Tensor, "1 h w"],
    rows: Float[Tensor, " m"],
    columns: Float[Tensor, " n"],
    interpolation: Interpolation = "bicubic",
) -> tuple[Float[Tensor, "*lead m n"], Bool[Tensor, "1 m n"]]:
    """`sample_at` for a map with holes: values, and valid where the nearest pixel is."""
    height, width = valid.shape[-2:]
    resized, _ = resize_valid(
        values,
        valid,
        taps_at(rows, height, interpolation),
        taps_at(columns, width, interpolation),
    )
    row, column = (
        taps_at(at, size, "nearest").index[:, 0].to(valid.device)
        for at, size in ((rows, height), (columns, width))
    )
    return resized, valid[:, row][:, :, column]


def positive(axis: Taps) -> Taps:
    """`axis` without its negative weights."""
    weight = axis.weight.clamp(min=0)
    return Taps(weight / weight.sum(dim=1, keepdim=True), axis.index)


def absolute(axis: Taps) -> Taps:
    """`axis` with the sizes of its weights, which tell what it reads at all."""
    return Taps(axis.weight.abs(), axis.index)


def matrix(axis: Taps, size_in: int) -> Float[Tensor, "m n"]:
    """The linear map that `axis` is, from `size_in` samples, in float64.

    Multiplying by it is ten times as fast as `apply_taps` on the sizes of depth maps.
    """
    dense = torch.zeros(len(axis.index), size_in, dtype=torch.float64)
    return dense.scatter_add_(1, axis.index, axis.weight)
