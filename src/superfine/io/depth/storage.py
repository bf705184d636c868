"""How a depth map is held in each format, when it does not go back into the one it came from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from superfine.errors import OutputError
from superfine.types import DepthMap, DepthStorage

# Format -> endings that choose it, and the types it holds, as numpy names them.
_WHOLE, _ANY = ("u1", "u2"), ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
ENDINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "png": ((".png",), _WHOLE),
    "pgm": ((".pgm",), _WHOLE),
    "tiff": ((".tif", ".tiff"), (*_WHOLE, "f4", "f8")),
    "pfm": ((".pfm",), ("f4",)),
    "exr": ((".exr",), ("f2", "f4")),
    "npy": ((".npy",), _ANY),
    "npz": ((".npz",), _ANY),
    "mat": ((), ()),
}
# Codes per unit of 16 bits: millimetres, and KITTI's 256 for a pixel of disparity.
_CODES = {"metre": 1000.0, "disparity_px": 256.0}


def storage_for(depth: DepthMap, suffix: str) -> DepthStorage:
    """How `depth` is held in a file that ends in `suffix`.

    As it was read, where that is the same format. Else: PNG and PGM hold 16-bit millimetres, or
    256 codes a pixel of disparity, with 0 for holes, and TIFF does where the map came as integers;
    integers of 8 or 16 bits keep their codes among these three. Every other format holds floats in
    the unit of the map, NaN for holes: float64 where the map came so and the format can, float32
    otherwise.

    Raises:
        OutputError: An ending we do not write, or a relative map of floats into integers.
    """
    format_name = format_of(suffix)
    source = depth.storage
    if source is not None and source.format == format_name:
        return source
    whole = held_as(depth).kind in "ui"
    if format_name in ("png", "pgm") or (format_name == "tiff" and whole):
        return _integers(depth, format_name)
    wide = held_as(depth).str.endswith("f8") and "f8" in ENDINGS[format_name][1]
    also = () if depth.unit == "relative" else (0.0,)
    return DepthStorage(format_name, "<f8" if wide else "<f4", 1.0, math.nan, also)


def held_as(depth: DepthMap) -> np.dtype[Any]:
    """The type of a sample where `depth` comes from; that of its values if from no file."""
    if depth.storage is not None:
        return np.dtype(depth.storage.dtype)
    return np.dtype(np.float64 if depth.values.dtype == torch.float64 else np.float32)


def format_of(suffix: str) -> str:
    """Short name of the format that the ending `suffix` chooses; its dot may be left out.

    Raises:
        OutputError: An ending we do not write; the choices are in the hint.
    """
    wanted = f".{suffix.lower().lstrip('.')}"
    for name, (endings, _) in ENDINGS.items():
        if wanted in endings:
            return name
    known = ", ".join(ending for endings, _ in ENDINGS.values() for ending in endings)
    raise OutputError(
        f"The ending {suffix!r} is no depth format that is written."
        if suffix
        else "The name has no ending to say how depth is to be written.",
        hint=f"Use one of {known}.",
    )


def _integers(depth: DepthMap, format_name: str) -> DepthStorage:
    order = "<" if format_name == "tiff" else ">"
    source = depth.storage
    if source is not None and source.dtype.lstrip("<>|=") in _WHOLE:
        kind = source.dtype.lstrip("<>|=")
        dtype = "|u1" if kind == "u1" else f"{order}u2"
        return DepthStorage(
            format_name, dtype, source.codes_per_unit, source.hole, source.also_holes
        )
    if depth.unit not in _CODES:
        raise OutputError(
            "A relative map of floats has no unit to count codes of.",
            hint="Write .npy, .tif, .pfm or .exr, or say how many codes one is.",
        )
    return DepthStorage(format_name, f"{order}u2", _CODES[depth.unit], 0.0)
