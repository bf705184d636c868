"""Depth files written and read by others, or by hand: what our own code is checked against."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenEXR
import tifffile
from numpy.typing import NDArray

# Every kind of file that is written again: ending, and type of a sample as the file has it.
KINDS = (
    *((".png", dtype) for dtype in ("|u1", ">u2")),
    *((".pgm", dtype) for dtype in ("|u1", ">u2")),
    *((".tif", dtype) for dtype in ("|u1", "<u2", ">u2", "<f4", ">f4", "<f8", ">f8")),
    *((".pfm", dtype) for dtype in ("<f4", ">f4")),
    *((".exr", dtype) for dtype in ("<f2", "<f4")),
    *((".npy", dtype) for dtype in ("|u1", "<u2", ">u2", "<i4", "<i8", "<f2", ">f4", "<f8", ">f8")),
    *((".npz", dtype) for dtype in ("<u2", "<f4", ">f8")),
)


def make(path: Path, rows: NDArray[Any], dtype: str) -> None:
    """Writes `rows` as samples of `dtype`, without our code."""
    stored = rows.astype(dtype)
    if path.suffix == ".png":
        path.write_bytes(cv2.imencode(".png", rows)[1].tobytes())
    elif path.suffix == ".pgm":
        largest = 255 if rows.dtype == np.uint8 else 65535
        header = f"P5 {rows.shape[1]} {rows.shape[0]} {largest}\n".encode()
        path.write_bytes(header + stored.tobytes())
    elif path.suffix == ".tif":
        tifffile.imwrite(path, rows, byteorder=dtype[0] if dtype[0] in "<>" else "<")
    elif path.suffix == ".pfm":
        scale = -1 if dtype[0] == "<" else 1
        header = f"Pf\n{rows.shape[1]} {rows.shape[0]}\n{scale}\n".encode()
        path.write_bytes(header + stored[::-1].tobytes())
    elif path.suffix == ".exr":
        OpenEXR.File({"compression": OpenEXR.PIZ_COMPRESSION}, {"Z": rows}).write(str(path))
    elif path.suffix == ".npz":
        np.savez(path, depth=stored)
    else:
        np.save(path, stored)


def samples(path: Path) -> NDArray[Any]:
    """What a file holds, as others or a few lines by hand read it, byte order included."""
    data = path.read_bytes()
    if path.suffix == ".png":
        rows = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return rows.astype(rows.dtype.newbyteorder(">"))  # as PNG stores it
    if path.suffix == ".pgm":
        _, size, largest, rest = data.split(b"\n", 3)
        width, height = map(int, size.split())
        return np.frombuffer(rest, "u1" if largest == b"255" else ">u2").reshape(height, width)
    if path.suffix == ".tif":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return file.pages[0].asarray().astype(f"{file.byteorder}{file.pages[0].dtype.str[1:]}")
    if path.suffix == ".pfm":
        _, size, scale, rest = data.split(b"\n", 3)
        width, height = map(int, size.split())
        order = "<" if float(scale) < 0 else ">"
        return np.frombuffer(rest, f"{order}f4").reshape(height, width)[::-1]
    if path.suffix == ".exr":
        return OpenEXR.File(str(path), separate_channels=True).channels()["Z"].pixels
    loaded = np.load(path)
    return loaded["depth"] if path.suffix == ".npz" else loaded
