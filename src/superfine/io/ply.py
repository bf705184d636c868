"""Point clouds out: a depth map through its camera as a binary PLY, which every viewer opens.

Source: G. Turk, "The PLY Polygon File Format", 1994.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from superfine.errors import SizeMismatchError, UsageError
from superfine.io.atomic import atomic_path
from superfine.io.rows import convert
from superfine.ops.pinhole import DepthAlong, flying_pixels, unproject
from superfine.types import DepthMap, Image, Intrinsics

_POSITION = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
_COLOUR = [("red", "u1"), ("green", "u1"), ("blue", "u1")]
_NAMES = {"<f4": "float", "u1": "uchar"}


def write_ply(
    depth: DepthMap,
    path: Path,
    *,
    guide: Image | None = None,
    along: DepthAlong = "axis",
    edges: float | None = None,
    overwrite: bool = False,
) -> int:
    """Writes the measured pixels of `depth` as points in metres: x to the right, y down, z away.

    Row by row, little-endian, float32, whole or not at all.

    Args:
        depth: In metres, with its camera.
        guide: A picture of the same view and size that colours the points.
        along: Whether depth was measured along the optical axis or along the ray of each pixel.
        edges: Leave out flying pixels, which hang between two surfaces: those with one neighbour
            nearer and one further, both by more than this share of the depth (see
            `flying_pixels`; 0.03 is usual). None keeps all.
        overwrite: Whether a file at `path` may be replaced.

    Returns:
        How many points were written.

    Raises:
        UsageError: A map without camera or not in metres, or an `edges` that is not above 0.
        SizeMismatchError: A guide of another size.
        OutputError: E_EXISTS, or a file that cannot be written.
        DiskFullError: No room; nothing was left behind.
    """
    points = _points(depth, guide, along, edges)
    header = [
        "ply",
        "format binary_little_endian 1.0",
        "comment metres; x to the right, y down, z away from the camera",
        f"element vertex {len(points)}",
        *(f"property {_NAMES[kind]} {name}" for name, kind in _fields(guide)),
        "end_header\n",
    ]
    with atomic_path(path, overwrite=overwrite) as temporary, temporary.open("r+b") as file:
        file.write("\n".join(header).encode())
        file.write(points.data)
    return len(points)


def camera_of(depth: DepthMap) -> Intrinsics:
    """The camera of `depth`, which is in metres: what a point cloud needs.

    Raises:
        UsageError: A map without camera or not in metres.
    """
    if depth.intrinsics is None:
        raise UsageError(
            "The depth map has no camera; a point cloud needs its focal length and centre.",
            hint="Give the intrinsics, or put them into the JSON beside the map.",
        )
    if depth.unit != "metre":
        raise UsageError(
            f"The map holds {depth.unit}; points need metres.",
            hint="Say what the codes of the map mean, or turn disparity into depth first.",
        )
    return depth.intrinsics


def _points(
    depth: DepthMap, guide: Image | None, along: DepthAlong, edges: float | None
) -> NDArray[Any]:
    camera = camera_of(depth)
    if edges is not None and not edges > 0:
        raise UsageError(f"A step of {edges:g} is no edge.", hint="0.03 is usual.")
    kept = depth.valid
    if edges is not None:
        kept = kept & ~flying_pixels(depth.values, depth.valid, jump=edges)
    # (3, h, w) -> (n, 3)
    places = unproject(depth.values.double(), camera, along=along)[:, kept[0]].T
    points: NDArray[Any] = np.empty(len(places), _fields(guide))
    for at, (name, _) in enumerate(_POSITION):
        points[name] = places[:, at].float().cpu().numpy()
    if guide is not None:
        _paint(points, guide, depth, kept)
    return points


def _fields(guide: Image | None) -> list[tuple[str, str]]:
    return _POSITION if guide is None else _POSITION + _COLOUR


def _paint(points: NDArray[Any], guide: Image, depth: DepthMap, kept: torch.Tensor) -> None:
    if (guide.width, guide.height) != (depth.width, depth.height):
        raise SizeMismatchError(
            f"The guide is {guide.width}×{guide.height} and the depth map "
            f"{depth.width}×{depth.height} pixels.",
            hint="Give a guide of the size of the map.",
        )
    colours = convert(guide.pixels, torch.uint8)
    for at, (name, _) in enumerate(_COLOUR):
        plane = colours[0 if guide.grey else at]
        points[name] = plane[kept[0].cpu()].cpu().numpy()
