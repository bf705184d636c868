"""How far a depth map is from the truth, in the unit of the two maps; lower is better.

RMSE over everything hides what people see: the few pixels around the edges of objects carry nearly
all of it. `edge_band` tells these from the flat rest, and `flying_share` counts the pixels that
float between two surfaces, which is what a point cloud shows.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

_RADIUS = 3  # pixels from an edge that still belong to it
_JUMP = 0.04  # of the valid range: a step between neighbours that is an edge


def rmse(
    depth: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, ""]:
    """Root-mean-square error over the valid pixels, in the unit of the maps, in float64.

    Args:
        depth: The restored map.
        truth: What was measured.
        valid: Where `truth` means something; what both maps hold elsewhere has no influence.

    Raises:
        ValueError: When no pixel is valid.
    """
    return _errors(depth, truth, valid).square().mean().sqrt()


def mae(
    depth: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, ""]:
    """Mean absolute error over the valid pixels, in the unit of the maps, in float64.

    Args:
        depth: The restored map.
        truth: What was measured.
        valid: Where `truth` means something; what both maps hold elsewhere has no influence.

    Raises:
        ValueError: When no pixel is valid.
    """
    return _errors(depth, truth, valid).abs().mean()


def bad_share(
    depth: Float[Tensor, "1 h w"],
    truth: Float[Tensor, "1 h w"],
    valid: Bool[Tensor, "1 h w"],
    *,
    delta: float,
) -> Float[Tensor, ""]:
    """The share of the valid pixels that are off by more than `delta`, 0 to 1.

    Raises:
        ValueError: When no pixel is valid.
    """
    return (_errors(depth, truth, valid).abs() > delta).double().mean()


def edge_band(truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]) -> Bool[Tensor, "1 h w"]:
    """The valid pixels within 3 pixels of a depth edge.

    An edge is where two valid neighbours, side by side or one above the other, differ by more than
    4 % of the range of the valid values. On the 30 Middlebury maps of the tables this is 12 % of
    the pixels. A hole makes no edge. Our own definition.
    """
    jump = _jump(truth, valid)
    if jump == 0:
        return torch.zeros_like(valid)
    edge = torch.zeros_like(valid)
    for axis in (1, 2):
        length = truth.shape[axis] - 1
        first, second = (0, length), (1, length)
        step = (truth.narrow(axis, *first) - truth.narrow(axis, *second)).abs()
        both = valid.narrow(axis, *first) & valid.narrow(axis, *second)
        for side in (first, second):
            edge.narrow(axis, *side).logical_or_((step > jump) & both)
    reach = torch.arange(-_RADIUS, _RADIUS + 1, device=truth.device)
    disc = (reach[:, None].square() + reach.square() <= _RADIUS**2).float()
    return (F.conv2d(edge.float()[None], disc[None, None], padding=_RADIUS)[0] > 0) & valid


def flying_share(
    depth: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, ""]:
    """The share of the edge band where `depth` is on no surface of the truth, 0 to 1.

    Such a pixel differs by more than 2 % of the valid range from every valid value of the truth in
    the 7x7 pixels around it. Bicubic makes 7.5 % of the band of the 30 Middlebury maps fly at x4,
    14.3 % at x8. 0 where there is no edge. Our own definition.
    """
    band = edge_band(truth, valid)
    if not bool(band.any()):
        return torch.zeros((), dtype=torch.float64)
    known = torch.where(valid, truth, torch.inf)
    side = 2 * _RADIUS + 1
    padded = F.pad(known, (_RADIUS,) * 4, value=torch.inf)
    around = padded.unfold(1, side, 1).unfold(2, side, 1)[0][band[0]].flatten(1)
    distance = (around - depth[band][:, None]).abs().amin(dim=1)
    return (distance > _jump(truth, valid) / 2).double().mean()


def _jump(truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]) -> float:
    if not bool(valid.any()):
        return 0.0
    low, high = torch.aminmax(truth[valid])
    return _JUMP * float(high - low)


def _errors(
    depth: Float[Tensor, "1 h w"], truth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"]
) -> Float[Tensor, " n"]:
    if not bool(valid.any()):
        raise ValueError("no pixel is valid")
    # Chosen before subtracting: a hole may hold NaN or infinity.
    return depth[valid].double() - truth[valid].double()
