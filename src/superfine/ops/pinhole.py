"""From a depth map to points in space, through the pinhole of its camera."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superfine.types import Intrinsics

# Along the optical axis, as stereo, time-of-flight and structured light cameras give it; or along
# the ray from the pinhole to the point, as laser scanners and some renderers do.
DepthAlong = Literal["axis", "ray"]


def unproject(
    depth: Float[Tensor, "1 h w"], camera: Intrinsics, *, along: DepthAlong = "axis"
) -> Float[Tensor, "3 h w"]:
    """Where each pixel of `depth` lies, in its unit: x to the right, y down, z away.

    The centre of the first pixel is (0, 0):

        x = (column - cx) / fx * z        y = (row - cy) / fy * z

    With `along="ray"`, z is depth / |((column - cx) / fx, (row - cy) / fy, 1)|.

    Raises:
        ValueError: A focal length of 0.
    """
    if camera.fx == 0 or camera.fy == 0:
        raise ValueError("a focal length is 0")
    height, width = depth.shape[-2:]
    columns, rows = (
        torch.arange(side, dtype=depth.dtype, device=depth.device) for side in (width, height)
    )
    across = (columns - camera.cx) / camera.fx
    down = ((rows - camera.cy) / camera.fy)[:, None]
    z = depth[0]
    if along == "ray":
        z = z / (across.square() + down.square() + 1).sqrt()
    return torch.stack([across * z, down * z, z])


def flying_pixels(
    depth: Float[Tensor, "1 h w"], valid: Bool[Tensor, "1 h w"], *, jump: float = 0.03
) -> Bool[Tensor, "1 h w"]:
    """True where a pixel hangs in the air between two surfaces, where nothing is.

    That is where, along its row or its column, one neighbour is nearer and the other further, both
    by more than `jump` of the smaller of the two depths. The last pixel of a surface has one
    neighbour on it and stays, and so does a thin thing in front of all its neighbours. A surface
    must be steep to be taken for one: at a focal length of 585 pixels, 0.03 is a slope of 87
    degrees. Beside a hole nothing is known, and the pixel stays.

    Args:
        depth: In any unit that is proportional to distance; values in holes have no influence.
        valid: False in holes, and False in the result there.
        jump: Relative step that counts as an edge.
    """
    flying = torch.zeros_like(valid)
    for axis in (-2, -1):
        if depth.shape[axis] < 3:
            continue
        before, here, after = (depth.narrow(axis, at, depth.shape[axis] - 2) for at in (0, 1, 2))
        known = torch.ones_like(here, dtype=torch.bool)
        for at in (0, 1, 2):
            known &= valid.narrow(axis, at, depth.shape[axis] - 2)
        rises = _step(before, here, jump) & _step(here, after, jump)
        falls = _step(after, here, jump) & _step(here, before, jump)
        flying.narrow(axis, 1, depth.shape[axis] - 2).logical_or_(known & (rises | falls))
    return flying


def _step(near: Tensor, far: Tensor, jump: float) -> Tensor:
    return far - near > jump * near
