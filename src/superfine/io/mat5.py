"""Matrices in MATLAB 5 files (`save` without -v7.3, scipy's `savemat`): real numbers, two-sided.

Source: The MathWorks, "MAT-File Format", 2019. Cells, structures, sparse and complex arrays are
passed over; nothing in such a file is run.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from superfine.errors import LimitError
from superfine.io.formats.structure import corrupt, truncated

MAGIC = b"MATLAB 5.0 MAT-file"
_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
# How samples are stored -> what numpy calls them; and the arrays of real numbers among classes.
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800

Matrix = Float[NDArray[np.float64], "h w"]


def read_matrices(data: bytes, *, most: int) -> dict[str, Matrix]:
    """The matrices of real numbers in the file `data`, by name, as float64.

    Args:
        data: All of the file.
        most: Bytes that a variable may have after unpacking.

    Raises:
        PictureError: Cut short or damaged.
        LimitError: A variable with more than `most` bytes.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise corrupt("MATLAB", "its header does not say the order of bytes").error()
    found: dict[str, Matrix] = {}
    try:
        for kind, content in _elements(data[_HEADER:], order):
            if kind == _COMPRESSED:
                found |= dict(_matrices(_elements(_unpacked(content, most), order), order))
            else:
                found |= dict(_matrices(iter([(kind, content)]), order))
    except (struct.error, zlib.error, ValueError) as error:
        raise corrupt("MATLAB", "its variables are not laid out as the format says").error() from (
            error
        )
    return found


def matrix_file(name: str, values: Matrix) -> bytes:
    """A MATLAB 5 file that holds `values` as the variable `name`; always the same bytes."""
    dims = struct.pack("<2i", *values.shape)
    content = b"".join(
        _element(kind, body)
        for kind, body in (
            (6, struct.pack("<2I", 6, 0)),
            (5, dims),
            (1, name.encode("ascii")),
            (9, values.astype("<f8").tobytes(order="F")),
        )
    )
    text = MAGIC + b", written by superfine"
    header = text.ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    return header + _element(_MATRIX, content)


def _element(kind: int, body: bytes) -> bytes:
    return struct.pack("<2I", kind, len(body)) + body + bytes(-len(body) % 8)


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """What lies one after the other in `data`: type and content."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}2I", data, place)
        if kind >> 16:
            # Up to four bytes stand within the tag.
            kind, size = kind & 0xFFFF, kind >> 16
            yield kind, data[place + 4 : place + 4 + min(size, 4)]
            place += 8
            continue
        if place + 8 + size > len(data):
            raise truncated("MATLAB", f"{size:,} bytes of a variable were announced").error()
        yield kind, data[place + 8 : place + 8 + size]
        # Packed variables are the only ones without filling.
        place += 8 + size + (0 if kind == _COMPRESSED else -size % 8)


def _matrices(elements: Iterator[tuple[int, bytes]], order: str) -> Iterator[tuple[str, Matrix]]:
    for kind, content in elements:
        if kind == _MATRIX and (named := _matrix(content, order)):
            yield named


def _unpacked(content: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(content, most + 1)
    if len(data) > most:
        raise LimitError(
            f"A variable of the MATLAB file has more than {most:,} bytes.",
            hint="Save the kernel alone.",
        )
    return data


def _matrix(content: bytes, order: str) -> tuple[str, Matrix] | None:
    """Name and values of one variable; None where it is no matrix of real numbers."""
    parts = _elements(content, order)
    try:
        (_, flags), (_, dims), (_, name), (kind, samples) = (next(parts) for _ in range(4))
    except RuntimeError:  # fewer parts, as an empty variable has
        return None
    (flag,) = struct.unpack_from(f"{order}I", flags)
    shape = struct.unpack(f"{order}{len(dims) // 4}i", dims)
    if flag & 0xFF not in _NUMBERS or flag & _COMPLEX or len(shape) != 2 or kind not in _TYPES:
        return None
    stored = np.frombuffer(samples, order + _TYPES[kind])
    if min(shape) < 0 or math.prod(shape) != stored.size:
        raise ValueError(f"{stored.size} samples for {shape}")
    # Columns first, as MATLAB lays them out.
    return name.decode("ascii", "replace"), stored.reshape(shape, order="F").astype(np.float64)
