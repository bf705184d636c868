"""What the samples of a depth file mean: as somebody said, or as their range makes likely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from superfine.errors import UsageError
from superfine.io.depth.conventions import Convention, find_convention
from superfine.io.depth.holes import find_holes, usual_holes
from superfine.io.depth.samples import Rows, Samples
from superfine.io.depth.sidecar import FEWEST_CODES, MOST_CODES, SideCar
from superfine.types import DepthUnit

# Metres from a sensor to what it sees: most pixels of a map are further and nearer than these.
_NEAREST, _FARTHEST = 0.1, 20.0
# Float depth above this is in millimetres; nothing that is measured in metres is further.
_FARTHEST_FLOAT = 200.0
_MILLIMETRES = 1000.0
_LOOKED_AT = 2**20  # pixels, evenly spread: enough to guess by


@dataclass(frozen=True)
class Meaning:
    """How to turn samples into values.

    Attributes:
        unit: What a value is.
        codes_per_unit: What a value was multiplied by.
        holes: Samples that were not measured; the first is the usual one.
        notes: What had to be guessed.
    """

    unit: DepthUnit
    codes_per_unit: float
    holes: tuple[float, ...]
    notes: tuple[str, ...] = ()


def meaning_of(
    samples: Samples,
    *,
    convention: str | None,
    unit: DepthUnit | None,
    codes_per_unit: float | None,
    invalid: Sequence[float] | None,
    side_car: SideCar | None,
) -> Meaning:
    """What the caller says, else the convention, else the side-car, else the likeliest.

    Raises:
        UsageError: Options that contradict each other or the samples.
        UnknownNameError: No convention of that name.
    """
    _require_sense(convention, unit, codes_per_unit)
    chosen = find_convention(convention) if convention is not None else None
    if chosen is not None:
        _require_kind(chosen, samples)
        known = Meaning(chosen.unit, chosen.codes_per_unit, chosen.holes)
        known = _beside(known, side_car)
    elif unit is None and codes_per_unit is None and side_car is not None:
        known = Meaning(side_car.unit, side_car.codes_per_unit, side_car.holes)
    else:
        known = _likely(samples, unit, codes_per_unit)
    holes = known.holes if invalid is None else tuple(invalid) or (_unused(samples),)
    return Meaning(known.unit, known.codes_per_unit, holes, known.notes)


def _require_sense(
    convention: str | None, unit: DepthUnit | None, codes_per_unit: float | None
) -> None:
    if convention is not None and (unit is not None or codes_per_unit is not None):
        raise UsageError(
            f"The convention {convention!r} says the unit already.",
            hint="Give the convention, or unit and codes per unit.",
        )
    if codes_per_unit is not None and not FEWEST_CODES <= codes_per_unit <= MOST_CODES:
        raise UsageError(
            f"{codes_per_unit:g} codes per unit make no sense; "
            f"{FEWEST_CODES:g} to {MOST_CODES:g} were expected.",
            hint="1000 for millimetres, 5000 for TUM.",
        )


def _require_kind(convention: Convention, samples: Samples) -> None:
    integers = samples.rows.dtype.kind in "ui"
    if integers != (convention.samples == "integers"):
        raise UsageError(
            f"The convention {convention.name!r} is for {convention.samples}; "
            f"the file holds {samples.rows.dtype}.",
            hint="Give unit and codes per unit instead.",
        )


def _beside(meant: Meaning, side_car: SideCar | None) -> Meaning:
    if side_car is None or (side_car.unit, side_car.codes_per_unit) == (
        meant.unit,
        meant.codes_per_unit,
    ):
        return meant
    note = (
        f"The side-car says {side_car.codes_per_unit:g} codes per {side_car.unit}; "
        "the convention was followed."
    )
    return Meaning(meant.unit, meant.codes_per_unit, meant.holes, (note,))


def _likely(samples: Samples, unit: DepthUnit | None, codes_per_unit: float | None) -> Meaning:
    """What the samples most likely are; a note says what was taken for granted."""
    dtype = samples.rows.dtype
    if codes_per_unit is not None or unit in ("disparity_px", "relative"):
        unit = unit or "metre"
        return Meaning(unit, codes_per_unit or 1.0, usual_holes(dtype, unit))
    low, high = _range(samples.rows)
    codes = _likely_codes(dtype, low, high)
    unit = "relative" if codes is None and unit is None else "metre"
    codes = codes or 1.0
    taken = "floats" if dtype.kind == "f" else f"{8 * dtype.itemsize}-bit codes"
    return Meaning(unit, codes, usual_holes(dtype, unit), (_told(taken, unit, codes, low, high),))


def _likely_codes(dtype: np.dtype[Any], low: float, high: float) -> float | None:
    """Codes per metre of samples of which half lie up to `low` and nearly all up to `high`."""
    if dtype.kind == "f":
        if high <= _FARTHEST_FLOAT:
            return 1.0
        return _MILLIMETRES if high <= _FARTHEST * _MILLIMETRES else None
    plausible = low >= _NEAREST * _MILLIMETRES and high <= _FARTHEST * _MILLIMETRES
    return _MILLIMETRES if plausible and dtype.itemsize > 1 else None


def _range(rows: Rows) -> tuple[float, float]:
    """Median and 99th percentile of what was surely measured; two likely ones where nothing was."""
    measured = rows[~find_holes(rows, usual_holes(rows.dtype, "metre"), "metre")]
    if not measured.size:
        return (1.0, 1.0) if rows.dtype.kind == "f" else (_MILLIMETRES, _MILLIMETRES)
    some = measured[:: 1 + len(measured) // _LOOKED_AT].astype(np.float64)
    middle, far = np.percentile(some, (50, 99))
    return float(middle), float(far)


def _told(taken: str, unit: DepthUnit, codes: float, low: float, high: float) -> str:
    advice = "Give a unit or a convention if that is wrong."
    if unit == "relative":
        return f"The unit is unknown: the {taken} were taken as relative depth. {advice}"
    size = "millimetres" if codes == _MILLIMETRES else "metres"
    return (
        f"The unit was guessed: the {taken} were taken for {size}, half of them up to "
        f"{low / codes:.3g} m and nearly all up to {high / codes:.3g} m. {advice}"
    )


def _unused(samples: Samples) -> float:
    """A hole for a file in which every sample is a measurement: for what a mask takes out.

    NaN where integers leave none; writing a hole into them is an error then.
    """
    dtype = samples.rows.dtype
    if dtype.kind == "f":
        return math.nan
    ends = (0.0, float(np.iinfo(dtype).max))
    return next((code for code in ends if not bool((samples.rows == code).any())), math.nan)
