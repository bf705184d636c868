"""A depth map, made larger by a method: its unit, its holes and its camera come along.

Everything a method must not get wrong is done here, once: holes have no influence, the map is
stretched by its own range and back, what comes out agrees with what the sensor measured, and how
well it does is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superfine.depth.methods import DepthMethod, Task
from superfine.depth.sampling import shift_of
from superfine.ops.depth_lr import DepthOperator
from superfine.ops.holes import fill_nearest
from superfine.ops.place import sample_at
from superfine.ops.project import LRResidual, lr_residual, project
from superfine.types import DepthMap, Intrinsics

# "keep" leaves a hole where the nearest sample is one; "fill" gives every pixel a value.
Holes = Literal["keep", "fill"]

# Steps towards agreement with the sensor: ten leave a hundred-thousandth of a difference.
_STEPS = 10
# A peak between two samples may be higher than both, but not by more than this of the range.
_BEYOND = 0.05


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A result, and how well it agrees with what it was made from.

    Attributes:
        depth: The map.
        method: Name of what made it.
        operator: Name of how the input is taken to have been sampled.
        residual: Between the input and the result, shrunk by the operator; in the map's unit.
    """

    depth: DepthMap
    method: str
    operator: str
    residual: LRResidual


def enlarge(
    depth: DepthMap,
    method: DepthMethod,
    *,
    size: tuple[int, int],
    operator: DepthOperator,
    guide: Float[Tensor, "c h w"] | None = None,
    holes: Holes = "keep",
) -> Enlarged:
    """`depth` on `size` rows and columns by `method`.

    Args:
        depth: With or without holes; all of it may be one, and then all of the result is.
        method: A guided one needs `guide`.
        size: At least as large as the map; each axis has a scale of its own, of any fraction.
        operator: How the map was made or sampled; it says where its samples lie.
        guide: The photo of the same view on [0, 1], grey or in colours, of `size`.
        holes: What becomes of them.

    Returns:
        In the unit and the type of `depth`, within its range but for 5 % at most; its camera is
        carried along, and its confidence, which is 0 in pixels that were filled.

    Raises:
        ValueError: A size that is smaller than the map, or not that of the guide.
    """
    lr_size = depth.height, depth.width
    if size[0] < lr_size[0] or size[1] < lr_size[1]:
        raise ValueError(f"{lr_size} cannot be enlarged to {size}")
    if guide is not None and tuple(guide.shape[-2:]) != size:
        raise ValueError(f"the guide has {tuple(guide.shape[-2:])} pixels, not {size}")
    measured = _nearest_valid(depth.valid, operator, size)
    if not bool(depth.valid.any()):
        values = depth.values.new_zeros(1, *size)
        return Enlarged(
            _along(depth, values, measured, operator), method.name, operator.name,
            LRResidual(0.0, 0.0),
        )  # fmt: skip
    filled = fill_nearest(depth.values, depth.valid).double()
    low, high = torch.aminmax(filled)
    span = float(high - low)
    lr = ((filled - low) / (span or 1.0)).float()
    sr = method.enlarge(Task(lr, depth.valid, guide, size, operator)).double()
    if method.projected:
        sr = project(sr, lr.double(), operator, _STEPS, lr_valid=depth.valid)
    values = low + sr.clamp(-_BEYOND, 1 + _BEYOND) * span
    if depth.unit != "relative":
        values = values.clamp(min=float(low) / 2)  # nothing measured is nothing or less
    residual = lr_residual(values, filled, operator, lr_valid=depth.valid)
    kept = torch.ones_like(measured) if holes == "fill" else measured
    values = torch.where(kept, values, 0).to(depth.values.dtype)
    larger = _along(depth, values, kept, operator)
    if larger.confidence is not None:
        larger = replace(larger, confidence=torch.where(measured, larger.confidence, 0))
    return Enlarged(larger, method.name, operator.name, residual)


def _along(
    depth: DepthMap,
    values: Float[Tensor, "1 h w"],
    valid: Bool[Tensor, "1 h w"],
    operator: DepthOperator,
) -> DepthMap:
    """`depth` with new values, and its confidence and camera at their size."""
    size = values.shape[-2], values.shape[-1]
    confidence = None
    if depth.confidence is not None:
        at = operator.places_on_lr(size, (depth.height, depth.width))
        confidence = sample_at(depth.confidence, *at, "bilinear").clamp(0, 1)
    return replace(
        depth,
        values=values,
        valid=valid,
        confidence=confidence,
        intrinsics=None if depth.intrinsics is None else _camera(depth, size, operator),
    )


def _nearest_valid(
    valid: Bool[Tensor, "1 m n"], operator: DepthOperator, size: tuple[int, int]
) -> Bool[Tensor, "1 h w"]:
    """Where the sample nearest to a pixel is valid."""
    at = operator.places_on_lr(size, (valid.shape[-2], valid.shape[-1]))
    return sample_at(valid.float(), *at, "nearest") > 0


def _camera(depth: DepthMap, size: tuple[int, int], operator: DepthOperator) -> Intrinsics:
    """The camera of the result: scaled, and moved where the samples lie beside their middles."""
    assert depth.intrinsics is not None
    columns, rows = size[1] / depth.width, size[0] / depth.height
    camera = depth.intrinsics.resized(columns, rows)
    down, right = shift_of(operator, size, (depth.height, depth.width))
    return replace(camera, cx=camera.cx + right, cy=camera.cy + down)
