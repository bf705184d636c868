"""Between stereo disparity and depth, both along the optical axis.

Two rectified cameras `baseline` apart see a point at depth z shifted by d pixels:

    z = focal * baseline / (d + offset)        d = focal * baseline / z - offset

`offset` is the distance of the two principal points, cx of the right camera less cx of the left:
`doffs` in the calibration files of Middlebury, where `baseline` is in millimetres.

Source: D. Scharstein et al., "High-Resolution Stereo Datasets with Subpixel-Accurate Ground
Truth", GCPR 2014, and the notes on its data.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def depth_from_disparity(
    disparity: Float[Tensor, "*lead h w"],
    valid: Bool[Tensor, "*lead h w"],
    *,
    focal: float,
    baseline: float,
    offset: float = 0.0,
) -> tuple[Float[Tensor, "*lead h w"], Bool[Tensor, "*lead h w"]]:
    """Depth in the unit of `baseline`, and where it is known.

    Args:
        disparity: In pixels; what it holds where `valid` is False has no influence.
        valid: Where disparity was measured.
        focal: Focal length in pixels, of the picture that disparity is counted in.
        baseline: Distance of the cameras.
        offset: Distance of their principal points in pixels.

    Returns:
        Depth, 0 where it is unknown, and False there: in holes, and where the rays never meet in
        front of the cameras (disparity of -offset or less).

    Raises:
        ValueError: Focal length or baseline not above 0.
    """
    _require_cameras(focal, baseline)
    shift = disparity + offset
    known = valid & (shift > 0)
    depth = focal * baseline / torch.where(known, shift, 1)
    # A disparity next to nothing would be infinitely far.
    known = known & depth.isfinite()
    return torch.where(known, depth, 0), known


def disparity_from_depth(
    depth: Float[Tensor, "*lead h w"],
    valid: Bool[Tensor, "*lead h w"],
    *,
    focal: float,
    baseline: float,
    offset: float = 0.0,
) -> tuple[Float[Tensor, "*lead h w"], Bool[Tensor, "*lead h w"]]:
    """Disparity in pixels, and where it is known; the inverse of `depth_from_disparity`.

    Args:
        depth: In the unit of `baseline`; what it holds where `valid` is False has no influence.
        valid: Where depth was measured.
        focal: Focal length in pixels.
        baseline: Distance of the cameras.
        offset: Distance of their principal points in pixels.

    Returns:
        Disparity, 0 where it is unknown, and False there: in holes, and where depth is not above
        0. It may be negative where `offset` is above 0.

    Raises:
        ValueError: Focal length or baseline not above 0.
    """
    _require_cameras(focal, baseline)
    known = valid & (depth > 0)
    disparity = focal * baseline / torch.where(known, depth, 1) - offset
    known = known & disparity.isfinite()
    return torch.where(known, disparity, 0), known


def _require_cameras(focal: float, baseline: float) -> None:
    if not (focal > 0 and baseline > 0):
        raise ValueError(f"focal length {focal} and baseline {baseline} must be above 0")
