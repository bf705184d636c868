"""Which samples of a depth file were not measured, and which sample says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped
from numpy.typing import NDArray

from superfine.io.depth.samples import Rows
from superfine.types import DepthUnit

_NOTHING_SEEN = 65535.0  # what 7-Scenes and its like write, and nothing at 65 m was measured


def usual_holes(dtype: np.dtype[Any], unit: DepthUnit) -> tuple[float, ...]:
    """What stands for a hole when nobody says: the first is written, all are read.

    Integers: 0, and 65535 of 16 bits. Floats: NaN, and 0 where a value is a distance or a
    disparity; a relative map may well hold 0.
    """
    if dtype.kind in "ui":
        return (0.0, _NOTHING_SEEN) if dtype.str[1:] == "u2" else (0.0,)
    return (math.nan,) if unit == "relative" else (math.nan, 0.0)


def find_holes(
    rows: Rows, holes: tuple[float, ...], unit: DepthUnit
) -> Bool[NDArray[np.bool_], "h w"]:
    """True where nothing was measured: one of `holes`, NaN, infinity, or a negative distance."""
    floats = rows.dtype.kind == "f"
    found = ~np.isfinite(rows) if floats else np.zeros(rows.shape, dtype=np.bool_)
    for hole in holes:
        found |= stands_for(rows, hole)
    if unit != "relative" and rows.dtype.kind != "u":
        with np.errstate(invalid="ignore"):  # a NaN may be of the kind that complains
            found |= rows < 0
    return found


def stands_for(
    samples: Shaped[NDArray[Any], "*shape"], hole: float
) -> Bool[NDArray[np.bool_], "*shape"]:
    """True where a sample is `hole`, as far as its type can hold it; NaN is NaN."""
    if math.isnan(hole):
        return np.asarray(np.isnan(samples))
    dtype = samples.dtype
    if dtype.kind == "f" and math.isfinite(hole) and abs(hole) > float(np.finfo(dtype).max):
        return np.zeros(samples.shape, dtype=np.bool_)  # compared, it would be infinity
    with np.errstate(invalid="ignore"):
        return np.asarray(samples == hole)


def hole_of(samples: Shaped[NDArray[Any], " n"], holes: tuple[float, ...]) -> float:
    """The sample to write into holes: what most of the file's have, else the first of `holes`.

    Looked for are `holes`, -1, NaN and both infinities.

    Args:
        samples: What the file holds in its holes.
    """
    candidates = (*holes, -1.0, math.nan, math.inf, -math.inf)
    counts = {hole: int(stands_for(samples, hole).sum()) for hole in candidates}
    most = max(counts, key=lambda hole: counts[hole])
    return most if counts[most] else holes[0]
