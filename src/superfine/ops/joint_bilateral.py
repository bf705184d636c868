"""Joint bilateral upsampling: each HR pixel is a mean of LR samples that look alike in the guide.

Source: Kopf, Cohen, Lischinski, Uyttendaele, "Joint Bilateral Upsampling", SIGGRAPH 2007, eq. 3.
Differs from it: samples count where they were measured, which the paper leaves to the reader, and
the guide at a LR sample is the guide shrunk as depth was.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from superfine.ops.depth_lr import DepthOperator
from superfine.ops.holes import fill_nearest
from superfine.ops.place import sample_at, taps_at

# LR samples looked at on each side of the nearest one.
_REACH = 2


def joint_bilateral(
    lr: Float[Tensor, "1 m n"],
    guide: Float[Tensor, "c h w"],
    operator: DepthOperator,
    *,
    lr_valid: Bool[Tensor, "1 m n"] | None = None,
    sigma_place: float = 0.5,
    sigma_guide: float = 0.1,
) -> Float[Tensor, "1 h w"]:
    """`lr` on the size of `guide`, in the range of its own values.

    Args:
        lr: Depth or disparity in any unit; may hold anything where `lr_valid` is False.
        guide: The photo on [0, 1], grey or in colours, at least as large as `lr`; the scale of
            each axis may be any fraction.
        operator: How `lr` was made.
        lr_valid: False where nothing was measured, which has no weight; None without holes.
        sigma_place: Of the Gaussian of distance, in LR pixels.
        sigma_guide: Of the Gaussian of difference in the guide, root-mean-square over channels.

    Returns:
        In the unit of `lr`. Where none of the 5x5 nearest samples was measured it is the nearest
        that was; 0 everywhere when nothing was measured. Which pixels to keep is said by
        `operator.enlarge_valid`.

    Raises:
        ValueError: When `lr` is larger than `guide`.
    """
    height, width = lr.shape[-2:]
    guide = guide.to(lr)
    small = operator.shrink_to(guide, (height, width))
    valid = torch.ones_like(lr, dtype=torch.bool) if lr_valid is None else lr_valid
    if not bool(valid.any()):
        return lr.new_zeros(1, *guide.shape[1:])
    measured = valid.to(lr.dtype)
    filled = fill_nearest(lr, valid)
    rows, columns = operator.places_on_lr((guide.shape[-2], guide.shape[-1]), (height, width))
    across = [_neighbours(columns, width, step, sigma_place, lr) for step in _steps()]
    total = lr.new_zeros(1, *guide.shape[1:])
    values = torch.zeros_like(total)
    for step in _steps():
        row, near_row = _neighbours(rows, height, step, sigma_place, lr)
        for column, near_column in across:
            apart = (guide - small[:, row][:, :, column]).square().mean(dim=0, keepdim=True)
            weight = torch.exp(apart * (-0.5 / sigma_guide**2)) * near_row[:, None] * near_column
            weight = weight * measured[:, row][:, :, column]
            total += weight
            values += weight * filled[:, row][:, :, column]
    nearest = sample_at(filled, rows, columns, "nearest")
    mean = torch.where(total > 0, values / torch.where(total > 0, total, 1), nearest)
    return mean.clamp(filled.min(), filled.max())  # a mean, whatever the last bits say


def _steps() -> range:
    return range(-_REACH, _REACH + 1)


def _neighbours(
    at: Float[Tensor, " h"], size: int, step: int, sigma: float, like: Tensor
) -> tuple[Int[Tensor, " h"], Float[Tensor, " h"]]:
    """The sample `step` beside the nearest one of each place, and its weight; 0 outside."""
    index = taps_at(at, size, "nearest").index[:, 0] + step
    weight = torch.exp(-0.5 * ((at - index - 0.5) / sigma).square())
    weight = torch.where((index >= 0) & (index < size), weight, 0)
    return index.clamp(0, size - 1).to(like.device), weight.to(like)
