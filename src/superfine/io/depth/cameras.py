"""Cameras in: the few numbers of a pinhole, from the text files that come with depth data."""

from __future__ import annotations

import math
import re
from pathlib import Path

from superfine.errors import PictureError
from superfine.io.gate import PictureFile
from superfine.types import Intrinsics

_LARGEST = 2**16  # bytes
_MIDDLEBURY = re.compile(r"^\s*cam0\s*=\s*\[([^\]]*)\]", re.MULTILINE)


def read_intrinsics(path: Path) -> Intrinsics:
    """The camera in a text file.

    Understood are four numbers `fx fy cx cy`; a matrix of 3x3 numbers, row by row, as 7-Scenes has
    it, or 4x4 as ScanNet has it; and `cam0=[...]` of Middlebury's `calib.txt`. Commas, semicolons
    and lines from a # on do not count.

    Raises:
        PictureError: E_FORMAT for anything else.
    """
    with PictureFile(path) as file:
        text = file.at(0, _LARGEST).decode("utf-8", "replace")
    camera = camera_in(text)
    if camera is None:
        raise PictureError(
            "This is no camera; fx, fy, cx and cy or a matrix of 3x3 numbers was expected.",
            hint="Write the four numbers, in pixels of the depth map, into a text file.",
            code="E_FORMAT",
        )
    return camera


def camera_in(text: str) -> Intrinsics | None:
    """The camera that `text` spells in one of the ways of `read_intrinsics`; None if none."""
    found = _MIDDLEBURY.search(text)
    words = re.sub(r"#[^\n]*|[,;]", " ", found[1] if found else text).split()
    try:
        return _pinhole([float(word) for word in words])
    except ValueError:
        return None


def _pinhole(numbers: list[float]) -> Intrinsics | None:
    if len(numbers) == 4:
        fx, fy, cx, cy = numbers
    elif len(numbers) in (9, 16):
        side = math.isqrt(len(numbers))
        rows = [numbers[at : at + side] for at in range(0, len(numbers), side)]
        (fx, skew, cx), (zero, fy, cy) = rows[0][:3], rows[1][:3]
        if (skew, zero, *rows[2][:3]) != (0, 0, 0, 0, 1):
            return None
    else:
        return None
    if not all(map(math.isfinite, numbers)) or fx <= 0 or fy <= 0:
        return None
    return Intrinsics(fx, fy, cx, cy)
