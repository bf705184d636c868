"""Depth files of a set, read; what is wrong with one is said with its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from superfine.errors import PictureError, SuperfineError, UsageError
from superfine.io.depth import read_depth
from superfine.types import DepthMap, DepthUnit


def read_map(
    path: Path,
    *,
    convention: str | None = None,
    unit: DepthUnit | None = None,
    codes_per_unit: float | None = None,
    invalid: Sequence[float] | None = None,
    index: int | None = None,
) -> DepthMap:
    """The depth map at `path`, as `superfine.io.depth.read_depth`; errors say its name.

    Raises:
        PictureError: No depth map, or damaged.
    """
    try:
        return read_depth(
            path,
            convention=convention,
            unit=unit,
            codes_per_unit=codes_per_unit,
            invalid=invalid,
            index=index,
        )
    except UsageError:
        raise
    except SuperfineError as error:
        raise PictureError(f"{path}: {error.message}", hint=error.hint, code=error.code) from error
