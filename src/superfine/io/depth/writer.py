"""Depth maps out: as the kind that was read, with a side-car, whole or not at all."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from superfine.errors import OutputError, PictureError
from superfine.io.atomic import atomic_path, require_writable, write_bytes_atomic
from superfine.io.depth import arrays, exr, pfm, pgm, tiff
from superfine.io.depth.codes import to_rows
from superfine.io.depth.reader import read_samples
from superfine.io.depth.samples import Rows
from superfine.io.depth.sidecar import Made, SideCar, side_car_path
from superfine.io.depth.storage import ENDINGS, held_as, storage_for
from superfine.io.gate import Limits
from superfine.io.outputs import output_format
from superfine.io.plan import Plan
from superfine.io.vips import load_vips
from superfine.types import DepthMap, DepthStorage, Metadata

_OUR_OWN = Limits(max_pixels=2**62, max_side=2**31 - 1, max_file_bytes=2**62)
_NOT_MADE = Made()


def write_depth(
    depth: DepthMap,
    path: Path,
    *,
    overwrite: bool = False,
    storage: DepthStorage | None = None,
    made: Made = _NOT_MADE,
) -> tuple[str, ...]:
    """Writes `depth` in the format that the ending of `path` chooses, and `NAME.json` beside it.

    In the format it was read from, a map is stored as it was: the same type, byte order, codes
    per unit and hole; measured pixels that nobody changed come back bit for bit. In another
    format, as `storage_for` says. Read back before it gets its name.

    Args:
        overwrite: Whether files that are there may be replaced.
        storage: How to hold it instead; its format fits the ending.
        made: How the map was made, for the side-car.

    Returns:
        What had to be decided, in words for the user.

    Raises:
        OutputError: E_EXISTS, E_VERIFY, or values that the format cannot hold.
        DiskFullError: No room; nothing was left behind.
    """
    storage = storage_for(depth, path.suffix) if storage is None else storage
    _require_possible(storage, path)
    rows, notes = to_rows(depth, storage)
    beside = side_car_path(path)
    require_writable(beside, overwrite=overwrite)
    car = SideCar(
        unit=depth.unit,
        codes_per_unit=storage.codes_per_unit,
        holes=(storage.hole, *storage.also_holes),
        width=depth.width,
        height=depth.height,
        intrinsics=depth.intrinsics,
        made=made,
    )
    with atomic_path(path, overwrite=overwrite) as temporary:
        _save(rows, storage, temporary, folder=path.parent)
        _verify(rows, storage, temporary)
        # First, so that whoever finds the map finds what it means.
        write_bytes_atomic(beside, car.to_json(), overwrite=overwrite)
    return (*_about_rounding(depth, storage), *notes)


def _about_rounding(depth: DepthMap, storage: DepthStorage) -> tuple[str, ...]:
    """What another format than the one that was read cannot hold."""
    held, dtype = held_as(depth), np.dtype(storage.dtype)
    if storage == depth.storage or held.kind != "f":
        return ()
    name = storage.format.upper()
    if dtype.kind != "f":
        return (f"{name} holds no floats: rounded to {storage.codes_per_unit:g} codes a unit.",)
    if dtype.itemsize < held.itemsize:
        return (f"{name} was written with {8 * dtype.itemsize} of {8 * held.itemsize} bits.",)
    return ()


def _require_possible(storage: DepthStorage, path: Path) -> None:
    endings, dtypes = ENDINGS[storage.format]
    if path.suffix.lower() not in endings or storage.dtype.lstrip("<>|=") not in dtypes:
        name = storage.format.upper()
        held = f"ends in {endings[0]} and holds {', '.join(dtypes)}" if endings else "is only read"
        raise OutputError(
            f"A {name} of {storage.dtype} cannot be written as {path.suffix!r}.",
            hint=f"{name} {held}.",
        )


def _save(rows: Rows, storage: DepthStorage, temporary: Path, *, folder: Path) -> None:
    if storage.format == "png":
        _save_png(rows, temporary, folder)
        return
    with temporary.open("r+b") as file:
        if storage.format == "pfm":
            pfm.write(rows, storage.dtype, file)
        elif storage.format == "pgm":
            pgm.write(rows, storage.dtype, file)
        elif storage.format == "tiff":
            tiff.write(rows, storage.dtype, file)
        elif storage.format == "exr":
            exr.write(rows, storage.dtype, storage.name, file)
        elif storage.format == "npz":
            arrays.write_npz(rows, storage.dtype, storage.name, file)
        else:
            arrays.write_npy(rows, storage.dtype, file)


def _save_png(rows: Rows, temporary: Path, folder: Path) -> None:
    wide = rows.dtype == np.uint16
    height, width = rows.shape
    image = load_vips().Image.new_from_memory(
        np.ascontiguousarray(rows).data, width, height, 1, "ushort" if wide else "uchar"
    )
    grey: Literal["grey16", "b-w"] = "grey16" if wide else "b-w"
    plan = Plan(
        output_format(".png"),
        quality=100,
        profile=None,
        metadata=Metadata(),
        channels=1,
        alpha=False,
        dtype=torch.uint16 if wide else torch.uint8,
    )
    plan.save(image.copy(interpretation=grey), temporary, folder)


def _verify(rows: Rows, storage: DepthStorage, temporary: Path) -> None:
    with contextlib.suppress(PictureError):
        back = read_samples(temporary, limits=_OUR_OWN)
        same_kind = (back.format, back.dtype) == (storage.format, storage.dtype)
        bits = f"u{rows.itemsize}"  # NaN equals nothing, but its bits do
        if same_kind and np.array_equal(back.rows.view(bits), rows.view(bits)):
            return
    raise OutputError(
        "The depth map did not read back as it was written.",
        hint="Nothing was left behind. Try again; if it happens again, check the disk.",
        code="E_VERIFY",
    )
