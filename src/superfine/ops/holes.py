"""Holes: the pixels of a depth map that were not measured."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def fill_nearest(
    values: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, "1 h w"]:
    """`values` with each hole given the value of the nearest valid pixel.

    Distances are Euclidean and exact; of pixels equally near, the same one is taken every time.
    What `values` holds in the holes has no influence.

    Raises:
        ValueError: When no pixel is valid.
    """
    if bool(valid.all()):
        return values
    if not bool(valid.any()):
        raise ValueError("no pixel is valid")
    filled = values.clone()
    filled[~valid] = values.flatten()[_nearest(valid[0])]
    return filled


def _nearest(valid: Bool[Tensor, "h w"]) -> Int[Tensor, " n"]:
    """For each hole, row by row, where the nearest valid pixel lies when counted row by row.

    First the nearest in each column, then the best of the columns: squared distances along the
    two axes add up. A hole tries columns outwards until none could be nearer, so the time goes
    with the radii of the holes.
    """
    width = valid.shape[1]
    nearest_row, distance = _nearest_in_column(valid)
    row, column = (~valid).nonzero(as_tuple=True)
    best, best_row, best_column = distance[row, column], nearest_row[row, column], column.clone()
    searching = torch.arange(len(row), device=valid.device)
    for step in range(1, width):
        searching = searching[best[searching] > step * step]
        if not len(searching):
            break
        here = row[searching]
        for sign in (-1, 1):
            # Beyond the border the outermost column is tried again, with too large a distance.
            other = (column[searching] + sign * step).clamp(0, width - 1)
            candidate = distance[here, other] + step * step
            nearer = candidate < best[searching]
            winner = searching[nearer]
            best[winner] = candidate[nearer]
            best_row[winner] = nearest_row[here[nearer], other[nearer]]
            best_column[winner] = other[nearer]
    return best_row * width + best_column


def _nearest_in_column(
    valid: Bool[Tensor, "h w"],
) -> tuple[Int[Tensor, "h w"], Int[Tensor, "h w"]]:
    """Row of the nearest valid pixel of the same column, and the squared distance to it.

    In a column without one the row means nothing and the distance is larger than any real one.
    """
    height, width = valid.shape
    far = height + width
    row = torch.arange(height, device=valid.device)[:, None].expand(height, width)
    above = torch.where(valid, row, -far).cummax(dim=0).values
    below = torch.where(valid, row, height + far).flip(0).cummin(dim=0).values.flip(0)
    upwards = row - above <= below - row
    nearest = torch.where(upwards, above, below)
    return nearest, (row - nearest).square()
