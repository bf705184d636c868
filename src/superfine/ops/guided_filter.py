"""The guided filter: within each window, depth is a linear function of the guide.

Source: He, Sun, Tang, "Guided Image Filtering", PAMI 2013: eq. 11 to 14 for a grey guide and
eq. 19 to 21 for colours. Windows are cut off at the border, as in the authors' code.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def guided_filter(
    depth: Float[Tensor, "1 h w"],
    guide: Float[Tensor, "c h w"],
    *,
    radius: int,
    epsilon: float = 1e-3,
    valid: Bool[Tensor, "1 h w"] | None = None,
) -> Float[Tensor, "1 h w"]:
    """`depth`, enlarged to the size of `guide` already, with the edges of `guide`.

    Args:
        depth: In any unit; may hold anything where `valid` is False.
        guide: The photo on [0, 1]: grey, which is fast, or colours, which tell more edges.
        radius: A window has 2 `radius` + 1 pixels on a side; half the scale is usual.
        epsilon: What a slope costs, in squares of the guide: contrast below its root is
            smoothed away.
        valid: False in holes, which have no weight in any window; None without any.

    Returns:
        In the unit of `depth`; 0 where every window that holds the pixel is all holes.

    Raises:
        ValueError: When `radius` is less than 1.
    """
    if radius < 1:
        raise ValueError(f"a radius is at least 1, not {radius}")
    weight = torch.ones_like(depth) if valid is None else valid.to(depth.dtype)
    clean = depth if valid is None else torch.where(valid, depth, 0)
    # Sums of what lies around 0 lose fewer digits.
    middle = clean.sum() / weight.sum().clamp(min=1)
    slopes, offset, fitted = _fit(
        (clean - middle) * weight, guide.to(depth) - 0.5, weight, radius, epsilon
    )
    sums = _box_sums([fitted, offset * fitted, *(slopes * fitted)], radius)
    there = sums[:1] > 0.5  # sums of floats leave dust where there is nothing
    linear = sums[1:2] + (sums[2:] * (guide.to(depth) - 0.5)).sum(dim=0, keepdim=True)
    return torch.where(there, linear / torch.where(there, sums[:1], 1) + middle, 0)


def _fit(
    p: Float[Tensor, "1 h w"],
    guide: Float[Tensor, "c h w"],
    weight: Float[Tensor, "1 h w"],
    radius: int,
    epsilon: float,
) -> tuple[Float[Tensor, "c h w"], Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    """For the window around each pixel its slopes and offset, and 1 where it has a valid pixel.

    `p` is 0 where `weight` is.
    """
    channels = len(guide)
    pairs = list(combinations_with_replacement(range(channels), 2))
    products = [guide[i] * guide[j] * weight[0] for i, j in pairs]
    sums = _box_sums([weight[0], p[0], *(guide * weight), *(guide * p), *products], radius)
    fitted = (sums[0] > 0.5).to(p.dtype)
    means = sums[1:] / sums[0].clamp(min=1)
    p_mean, g_mean = means[0], means[1 : 1 + channels]
    covariance = means[1 + channels : 1 + 2 * channels] - g_mean * p_mean
    spread = {
        (i, j): mean - g_mean[i] * g_mean[j] + (epsilon if i == j else 0.0)
        for (i, j), mean in zip(pairs, means[1 + 2 * channels :], strict=True)
    }
    slopes = _solved(spread, list(covariance))
    return slopes, p_mean - (slopes * g_mean).sum(dim=0), fitted


def _solved(
    matrix: dict[tuple[int, int], Float[Tensor, "h w"]], right: list[Float[Tensor, "h w"]]
) -> Float[Tensor, "c h w"]:
    """x of `matrix` x = `right` at every pixel; the upper half of a positive matrix is given.

    Elimination without a search for pivots, which positive matrices do not need: a thousand
    times as fast here as a solver that is called pixel by pixel.
    """
    upper, right = dict(matrix), list(right)
    size = len(right)
    for k in range(size):
        for i in range(k + 1, size):
            factor = upper[k, i] / upper[k, k]
            right[i] = right[i] - factor * right[k]
            for j in range(i, size):
                upper[i, j] = upper[i, j] - factor * upper[k, j]
    for i in reversed(range(size)):
        for j in range(i + 1, size):
            right[i] = right[i] - upper[i, j] * right[j]
        right[i] = right[i] / upper[i, i]
    return torch.stack(right)


def _box_sums(planes: list[Float[Tensor, "h w"]], radius: int) -> Float[Tensor, "n h w"]:
    """The sum over the window around each pixel, in a time that `radius` does not change.

    One plane after the other: what is in work then fits into the cache.
    """
    return torch.stack([_line_sum(_line_sum(plane, 1, radius), 0, radius) for plane in planes])


def _line_sum(x: Float[Tensor, "h w"], axis: int, radius: int) -> Float[Tensor, "h w"]:
    so_far = x.cumsum(dim=axis)
    nothing = torch.zeros_like(so_far.narrow(axis, 0, 1))
    all_of_it = so_far.narrow(axis, -1, 1)
    before, after = [-1, -1], [-1, -1]
    before[axis], after[axis] = radius + 1, radius
    padded = torch.cat((nothing.expand(before), so_far, all_of_it.expand(after)), dim=axis)
    length, window = x.shape[axis], 2 * radius + 1
    return padded.narrow(axis, window, length) - padded.narrow(axis, 0, length)
