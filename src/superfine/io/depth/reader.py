"""Depth maps in: any of our formats to values in a unit, with holes, and notes on what was guessed.

In this order, as for pictures: is it a regular file, what format by its first bytes, is its
header within the limits, is it whole; only then is anything decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from superfine.errors import LimitError, PictureError, SizeMismatchError
from superfine.io.depth import arrays, exr, mat, pfm, pgm, pictures
from superfine.io.depth.codes import to_values
from superfine.io.depth.holes import find_holes, hole_of
from superfine.io.depth.meaning import meaning_of
from superfine.io.depth.samples import Rows, Samples, pick
from superfine.io.depth.sidecar import read_side_car, require_same_size
from superfine.io.formats import PNG, TIFF, recognise
from superfine.io.formats.structure import unsupported
from superfine.io.gate import DEFAULT_LIMITS, Limits, PictureFile
from superfine.types import DepthMap, DepthStorage, DepthUnit

_ARKIT_LEVELS = 2  # confidence low, medium and high as 0, 1 and 2
_WIDENED = (256, 257)  # what 8-bit codes are multiplied by to fill 16 bits
_LOOKED_AT = 2**12
_SEVERAL = 8  # so many different codes are not multiples of 256 by chance
_READABLE = "PNG, PGM, TIFF, PFM, EXR, NPY, NPZ and MATLAB 7.3"
_SUFFIXES = {
    "png": (".png",),
    "tiff": (".tif", ".tiff"),
    "pgm": (".pgm", ".pnm"),
    "pfm": (".pfm",),
    "exr": (".exr",),
    "npy": (".npy",),
    "npz": (".npz",),
    "mat": (".mat",),
}


def read_depth(
    source: Path | bytes,
    *,
    convention: str | None = None,
    unit: DepthUnit | None = None,
    codes_per_unit: float | None = None,
    invalid: Sequence[float] | None = None,
    mask: Path | None = None,
    confidence: Path | None = None,
    index: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> DepthMap:
    """The depth map in a PNG, PGM, TIFF, PFM, EXR, NPY, NPZ or MATLAB 7.3 file.

    What its samples mean is what the caller says, else what the side-car beside the file says,
    else what their range makes likely, with a note. NaN and infinity are always holes; negative
    samples are, unless the map is relative.

    Args:
        source: A file, or its content; content has no side-car.
        convention: Name of who wrote it, such as "tum": unit, codes and holes at once.
        unit: What a value is; with "metre" alone, the codes are still guessed.
        codes_per_unit: What a value was multiplied by; alone, it is codes per metre.
        invalid: Samples that were not measured, instead of the usual ones; none at all for a map
            in which each is a measurement. What the file has most of is written again, or the
            first where it has none.
        mask: A picture or array of the same size, 0 or False where nothing was measured; beside
            the samples that say so themselves.
        confidence: A picture or array of the same size: integers divided by their largest code
            (the levels 0, 1 and 2 of ARKit by 2), floats on [0, 1].
        index: Which map of a stack.
        limits: The largest map to decode.

    Raises:
        PictureError: No depth map that is read, or damaged; the code says which.
        LimitError: Larger than `limits`.
        SizeMismatchError: Mask, confidence or side-car of another size.
        UsageError: Options that contradict each other or the file.
        UnknownNameError: No convention of that name.
    """
    samples = read_samples(source, limits=limits, index=index)
    height, width = samples.rows.shape
    side_car = read_side_car(source) if isinstance(source, Path) else None
    if side_car is not None:
        require_same_size(side_car, width=width, height=height)
    meaning = meaning_of(
        samples,
        convention=convention,
        unit=unit,
        codes_per_unit=codes_per_unit,
        invalid=invalid,
        side_car=side_car,
    )
    holes = find_holes(samples.rows, meaning.holes, meaning.unit)
    hole = hole_of(samples.rows[holes], meaning.holes)
    if mask is not None:
        holes = holes | ~_mask(mask, samples.rows, limits)
    sure = None if confidence is None else _confidence(confidence, samples.rows, limits)
    return DepthMap(
        values=to_values(samples.rows, holes, meaning.codes_per_unit),
        valid=torch.from_numpy(~holes)[None],
        unit=meaning.unit,
        confidence=sure,
        intrinsics=None if side_car is None else side_car.intrinsics,
        storage=DepthStorage(
            samples.format,
            samples.dtype,
            meaning.codes_per_unit,
            hole,
            # Floats as texts, because no NaN equals another.
            also_holes=tuple(other for other in meaning.holes if str(other) != str(hole)),
            name=samples.name,
        ),
        notes=(*samples.notes, *meaning.notes, *_about_levels(samples.rows, holes)),
    )


def require_some_valid(depth: DepthMap) -> None:
    """Checks that something was measured at all.

    Raises:
        PictureError: E_ALL_INVALID.
    """
    if not bool(depth.valid.any()):
        raise PictureError(
            f"None of the {depth.width}×{depth.height} pixels was measured; all are holes.",
            hint="Say what stands for holes (--invalid), or take the map out.",
            code="E_ALL_INVALID",
        )


def read_samples(
    source: Path | bytes,
    *,
    limits: Limits = DEFAULT_LIMITS,
    index: int | None = None,
    boolean: bool = False,
) -> Samples:
    """The samples of a depth file, before anybody asks what they mean.

    Args:
        boolean: Whether an array of true and false will do, as for a mask.

    Raises:
        PictureError: As `read_depth`.
        LimitError: Larger than `limits`.
    """
    with PictureFile(source) as file:
        if file.size > limits.max_file_bytes:
            raise LimitError(
                f"The file has {file.size:,} bytes; the limit is {limits.max_file_bytes:,}.",
                hint="Cut it into pieces first.",
            )
        samples = _decode(file, limits, index, boolean)
        file.require_unchanged()
        return replace(samples, notes=(*_about_name(file, samples), *samples.notes))


def _decode(file: PictureFile, limits: Limits, index: int | None, boolean: bool) -> Samples:
    head = file.at(0, 16)
    if head.startswith(arrays.MAGIC):
        return arrays.read_npy(file, limits, index=index, boolean=boolean)
    if head.startswith(b"PK\x03\x04"):
        return arrays.read_npz(file, limits, index=index)
    if mat.looks_like(file):
        return mat.read(file, limits, index=index)
    pick(index, 1, "The file")
    return _decode_one(file, head, limits)


def _decode_one(file: PictureFile, head: bytes, limits: Limits) -> Samples:
    if pfm.looks_like(head):
        return pfm.read(file, limits)
    if head.startswith(exr.MAGIC):
        return exr.read(file, limits)
    if pgm.looks_like(head):
        return pgm.read(file, limits)
    try:
        kind = recognise(file)
    except PictureError as error:
        what = error.message.partition(";")[0]
        raise unsupported(f"{what}; {_READABLE} are read.", "Convert it without loss.") from error
    if kind not in (PNG, TIFF):
        raise unsupported(
            f"This is a {kind.name.upper()} picture, which holds no depth; {_READABLE} are read.",
            "Take the map itself, not a picture of it.",
        )
    return pictures.read(file, kind, limits)


def _about_name(file: PictureFile, samples: Samples) -> tuple[str, ...]:
    known = {suffix for suffixes in _SUFFIXES.values() for suffix in suffixes}
    if file.suffix in known - set(_SUFFIXES[samples.format]):
        return (f"The name ends in {file.suffix!r} but this is {samples.format.upper()}.",)
    return ()


def _about_levels(rows: Rows, holes: Bool[NDArray[np.bool_], "h w"]) -> tuple[str, ...]:
    if rows.dtype.kind in "ui" and rows.dtype.itemsize == 1:
        return ("An 8-bit map has only 256 levels: steps in it cannot be smoothed away.",)
    if rows.dtype != np.uint16:
        return ()
    measured = rows[~holes]
    some = measured[:: 1 + len(measured) // _LOOKED_AT]  # most maps show in a few that they are not
    widened = any(not (some % by).any() and not (measured % by).any() for by in _WIDENED)
    if widened and len(np.unique(measured)) >= _SEVERAL:
        return ("An 8-bit map was stored in 16 bits: it has only 256 levels.",)
    return ()


def _mask(path: Path, rows: Rows, limits: Limits) -> Bool[NDArray[np.bool_], "h w"]:
    mask = read_samples(path, limits=limits, boolean=True).rows
    _require_fit("mask", mask.shape, rows.shape)
    measured: Bool[NDArray[np.bool_], "h w"] = (mask != 0) & ~np.isnan(mask)
    return measured


def _confidence(path: Path, rows: Rows, limits: Limits) -> Float[Tensor, "1 h w"]:
    sure = read_samples(path, limits=limits).rows
    _require_fit("confidence", sure.shape, rows.shape)
    if sure.dtype.kind in "ui":
        levels = sure.dtype.itemsize == 1 and sure.max() <= _ARKIT_LEVELS
        largest = _ARKIT_LEVELS if levels else np.iinfo(sure.dtype).max
        sure = sure.astype(np.float64) / largest
    if not (sure.min() >= 0 and sure.max() <= 1):  # false for NaN as well
        raise PictureError(
            f"The confidence goes from {sure.min():g} to {sure.max():g}; 0 to 1 was expected.",
            hint="Divide it by its largest value.",
            code="E_VALUES",
        )
    return torch.from_numpy(sure.astype(np.float32))[None]


def _require_fit(what: str, shape: tuple[int, ...], wanted_shape: tuple[int, ...]) -> None:
    if shape != wanted_shape:
        size, wanted = (f"{width}×{height}" for height, width in (shape, wanted_shape))
        raise SizeMismatchError(
            f"The {what} is {size} and the depth map {wanted} pixels.",
            hint=f"Give a {what} of the size of the map.",
        )
