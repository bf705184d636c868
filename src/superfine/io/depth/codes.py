"""Between the samples of a file and the values of a depth map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray
from torch import Tensor

from superfine.errors import OutputError, PictureError
from superfine.io.depth.holes import stands_for
from superfine.io.depth.samples import Rows
from superfine.types import DepthMap, DepthStorage, DepthUnit

# Up to here a whole number that was divided in float64 is the nearest after multiplying again.
_EXACT = 2.0**50
_BAND = 2**20  # samples turned at a time, so that writing costs no second map in doubles


def to_values(
    rows: Rows, holes: Bool[NDArray[np.bool_], "h w"], codes_per_unit: float
) -> Float[Tensor, "1 h w"]:
    """Samples divided by `codes_per_unit`, and 0 in holes.

    In float32 where multiplying again gives back the very samples: integers of 16 bits, halves,
    and floats that are not divided. Everything else is in float64. (float64 samples that are
    divided come back to within one unit in the last place.)

    Raises:
        PictureError: E_VALUES for integers above 50 bits, or values too large for float64.
    """
    divided = codes_per_unit != 1.0
    narrow = rows.dtype.itemsize <= 2 or (rows.dtype.str[1:] == "f4" and not divided)
    if rows.dtype.kind in "ui" and rows.dtype.itemsize == 8:
        measured = rows[~holes]
        if measured.size and not -_EXACT <= float(measured.min()) <= float(measured.max()) < _EXACT:
            raise PictureError(
                f"The map holds integers from {measured.min()} to {measured.max()}; "
                "at most 50 bits were expected.",
                hint="Save it as uint16 or as floats.",
                code="E_VALUES",
            )
    with np.errstate(over="ignore", invalid="ignore"):  # a NaN may be of the kind that complains
        values: NDArray[Any] = rows.astype(np.float32 if narrow else np.float64)
        values[holes] = 0
        if divided:
            np.divide(values, codes_per_unit, out=values)
    if not np.isfinite(values).all():
        raise PictureError(
            f"With {codes_per_unit:g} codes a unit the map holds values without end.",
            hint="Give the codes per unit that it was written with.",
            code="E_VALUES",
        )
    return torch.from_numpy(values)[None]


def to_rows(depth: DepthMap, storage: DepthStorage) -> tuple[Rows, tuple[str, ...]]:
    """The samples that `storage` asks for, in the machine's byte order, and notes for the user.

    Values are rounded to the nearest sample the type has. A measured pixel that would then stand
    for a hole takes the nearest sample that does not.

    Raises:
        OutputError: A measured pixel out of the range of the samples, not finite, or negative in
            a map of distances or disparities, where that means a hole.
    """
    dtype = np.dtype(storage.dtype).newbyteorder("=")
    valid = depth.valid[0].cpu().numpy()
    values = depth.values[0].detach().cpu().numpy()
    rows = np.full(valid.shape, _hole_sample(storage, dtype, some=not bool(valid.all())), dtype)
    moved = 0
    step = max(1, _BAND // depth.width)
    for top in range(0, depth.height, step):
        band = slice(top, top + step)
        measured = values[band][valid[band]]
        if measured.size:
            samples, more = _to_samples(measured, dtype, storage, depth.unit)
            rows[band][valid[band]] = samples
            moved += more
    if not moved:
        return rows, ()
    note = f"{moved:,} measured pixels were moved by a code: their own stands for a hole."
    return rows, (note,)


def _to_samples(
    values: Shaped[NDArray[Any], " n"], dtype: np.dtype[Any], storage: DepthStorage, unit: DepthUnit
) -> tuple[Shaped[NDArray[Any], " n"], int]:
    """The samples of measured pixels, and how many of them would have stood for holes."""
    _require_measurements(values, unit)
    codes = values.astype(np.float64)
    if storage.codes_per_unit != 1.0:
        with np.errstate(over="ignore"):  # an error soon
            codes *= storage.codes_per_unit
    samples = _rounded(codes, dtype, storage, unit)
    least = -math.inf if unit == "relative" else 0.0
    return samples, _keep_measured(samples, codes, storage, least)


def _require_measurements(values: Shaped[NDArray[Any], " n"], unit: DepthUnit) -> None:
    low, high = float(values.min()), float(values.max())  # NaN where there is one
    if not (math.isfinite(low) and math.isfinite(high)):
        raise OutputError(
            "A measured pixel holds NaN or infinity; a number was expected.",
            hint="Mark it as a hole instead.",
        )
    if low < 0 and unit != "relative":
        raise OutputError(
            f"A measured pixel holds {low:g}, and readers take a negative {unit} for a hole.",
            hint="Mark it as a hole, or clip the map to the range of what came in.",
        )


def _rounded(
    codes: Shaped[NDArray[Any], " n"], dtype: np.dtype[Any], storage: DepthStorage, unit: DepthUnit
) -> Shaped[NDArray[Any], " n"]:
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            samples = codes.astype(dtype)
        if np.isfinite(samples).all():
            return np.asarray(samples)
        least, most = float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    else:
        nearest = np.rint(codes)
        least, most = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
        least, most = max(least, -_EXACT), min(most, _EXACT)
        if nearest.min() >= least and nearest.max() <= most:
            return np.asarray(nearest.astype(dtype))
    scale = storage.codes_per_unit
    worst = codes.max() if codes.max() > most else codes.min()
    raise OutputError(
        f"A measured pixel holds {worst / scale:g} ({unit}); "
        f"{dtype} with {scale:g} codes a unit holds {least / scale:g} to {most / scale:g}.",
        hint="Write floats (.npy, .tif, .pfm or .exr), or use fewer codes a unit.",
    )


def _keep_measured(
    samples: Shaped[NDArray[Any], " n"],
    codes: Shaped[NDArray[Any], " n"],
    storage: DepthStorage,
    least: float,
) -> int:
    """Moves measured `samples` that stand for holes, in place, to none below `least`; how many."""
    holes = {hole for hole in (storage.hole, *storage.also_holes) if math.isfinite(hole)}
    moved = 0
    for hole in holes:
        taken = stands_for(samples, hole)
        if not taken.any():
            continue
        below, above = (_free(hole, holes, samples.dtype, up) for up in (False, True))
        if below is None or below < least:
            below = above
        if below is None:
            raise OutputError(
                f"Measured pixels hold {hole:g}, which stands for holes, and nothing is near it.",
                hint="Choose another hole.",
            )
        above = below if above is None else above
        samples[taken] = np.where(codes[taken] < hole, below, above)
        moved += int(taken.sum())
    return moved


def _free(hole: float, holes: set[float], dtype: np.dtype[Any], up: bool) -> float | None:
    """The first sample above or below `hole` that stands for no hole; None beyond the type."""
    sample = hole
    while sample in holes:
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                sample = float(
                    np.nextafter(dtype.type(sample), dtype.type(math.inf if up else -math.inf))
                )
        else:
            sample += 1 if up else -1
    info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return sample if float(info.min) <= sample <= float(info.max) else None


def _hole_sample(storage: DepthStorage, dtype: np.dtype[Any], *, some: bool) -> Any:  # noqa: ANN401
    """The hole as a sample; any number where it has none and none is needed."""
    hole = storage.hole
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            sample = dtype.type(hole)
        fits = math.isnan(hole) or math.isinf(hole) or math.isfinite(float(sample))
    else:
        fits = math.isfinite(hole) and hole == int(hole)
        fits = fits and np.iinfo(dtype).min <= hole <= np.iinfo(dtype).max
        sample = dtype.type(int(hole)) if fits else dtype.type(0)
    if some and not fits:
        raise OutputError(
            f"{dtype} cannot hold {hole:g}, which should stand for holes.",
            hint="Choose another hole, such as 0.",
        )
    return sample
