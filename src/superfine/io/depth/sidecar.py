"""The side-car: `NAME.png.json` beside `NAME.png` says what the map means and how it was made.

A map with its side-car needs no options to be read again.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from superfine.errors import PictureError, SizeMismatchError
from superfine.io.gate import PictureFile
from superfine.types import DepthUnit, Intrinsics

_KIND = "superfine depth map"
_VERSION = 1
_LARGEST = 2**16  # bytes
# Codes per unit: within these no sample of 32 bits gets too large or too small to come back.
FEWEST_CODES, MOST_CODES = 1e-6, 1e9
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True)
class Made:
    """How a map was made from a smaller one.

    Attributes:
        method: Name of the method, as users type it.
        operator: Name of the LR operator that was assumed.
        phase: By how many LR pixels the samples of LR lie right of and below the middle.
        lr_residual: Root-mean-square difference between the given map and the result shrunk by
            the operator, over measured pixels, in the unit of the map.
    """

    method: str | None = None
    operator: str | None = None
    phase: tuple[float, float] | None = None
    lr_residual: float | None = None


@dataclass(frozen=True)
class SideCar:
    """What the JSON beside a map says.

    Attributes:
        unit: What a value is.
        codes_per_unit: What a value is multiplied by to be stored.
        holes: Samples that were not measured; the first is the one that was written.
        width: Columns of the map it belongs to.
        height: Rows of it.
        intrinsics: The camera of the map, at its size.
        made: How it was made.
    """

    unit: DepthUnit
    codes_per_unit: float
    holes: tuple[float, ...]
    width: int
    height: int
    intrinsics: Intrinsics | None = None
    made: Made = Made()

    def to_json(self) -> bytes:
        """The content of the file."""
        car = {
            "kind": _KIND,
            "version": _VERSION,
            **asdict(self),
            "holes": [hole if math.isfinite(hole) else str(hole) for hole in self.holes],
        }
        return (json.dumps(car, indent=2, allow_nan=False) + "\n").encode()


def side_car_path(path: Path) -> Path:
    """Where the side-car of the map at `path` lies."""
    return path.with_name(f"{path.name}.json")


def read_side_car(path: Path) -> SideCar | None:
    """The side-car of the map at `path`; None where there is none, or a JSON of somebody else's.

    Raises:
        PictureError: E_CORRUPT when it is ours and damaged, or of a newer version.
    """
    beside = side_car_path(path)
    if not beside.is_file():
        return None
    with PictureFile(beside) as file:
        if file.size > _LARGEST:
            return None
        text = file.at(0, file.size)
    try:
        content = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        return None
    try:
        return _Written.model_validate(content).side_car()
    except (ValidationError, ValueError) as error:
        raise PictureError(
            f"The side-car of the map, {beside.name}, is damaged or of a newer version.",
            hint="Repair or remove it, and give the unit yourself.",
            code="E_CORRUPT",
        ) from error


def require_same_size(side_car: SideCar, *, width: int, height: int) -> None:
    """Checks that a side-car belongs to a map of this size.

    Raises:
        SizeMismatchError: It belongs to another.
    """
    if (side_car.width, side_car.height) != (width, height):
        raise SizeMismatchError(
            f"The map is {width}×{height} pixels and its side-car is of one of "
            f"{side_car.width}×{side_car.height}.",
            hint="The map was replaced: remove the JSON beside it.",
        )


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")


class _Pinhole(_Strict):
    fx: float = Field(gt=0)
    fy: float = Field(gt=0)
    cx: float
    cy: float


class _Made(_Strict):
    method: str | None
    operator: str | None
    phase: list[float] | None = Field(min_length=2, max_length=2)
    lr_residual: float | None = Field(ge=0)


class _Written(_Strict):
    """The JSON as it must be."""

    kind: str
    version: Literal[1]
    unit: DepthUnit
    codes_per_unit: float = Field(ge=FEWEST_CODES, le=MOST_CODES)
    holes: list[float | Literal["nan", "inf", "-inf"]] = Field(min_length=1)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    intrinsics: _Pinhole | None
    made: _Made

    def side_car(self) -> SideCar:
        made: dict[str, Any] = self.made.model_dump()
        phase = self.made.phase
        return SideCar(
            unit=self.unit,
            codes_per_unit=self.codes_per_unit,
            holes=tuple(_WORDS[hole] if isinstance(hole, str) else hole for hole in self.holes),
            width=self.width,
            height=self.height,
            intrinsics=Intrinsics(**self.intrinsics.model_dump()) if self.intrinsics else None,
            made=Made(**{**made, "phase": (phase[0], phase[1]) if phase else None}),
        )
