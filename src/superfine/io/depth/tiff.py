"""Depth as TIFF where the code for pictures does not do: out in either byte order, in with 64 bits.

Source: Adobe TIFF 6.0 and Technical Note 3 (deflate, sample format); the BigTIFF extension.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np

from superfine.io.depth.samples import Rows
from superfine.io.formats.structure import corrupt, truncated, unsupported
from superfine.io.formats.tiff import open_layout
from superfine.io.gate import PictureFile

_STRIP = 2**18  # bytes of samples in one strip, packed on its own
_CLASSIC = 2**32 - 2**26  # offsets are 32 bits; some room for the directory
_SHORT, _LONG, _LONG8 = 3, 4, 16
_CODES = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
_UNSIGNED, _FLOAT = 1, 3
_COLOURS, _WHITE_IS_ZERO = 262, 0
_DEFLATE = (8, 32946)  # by the standard, and by the habit before it


def write(rows: Rows, dtype: str, file: BinaryIO) -> None:
    """Writes `rows` of 8 or 16 bits, or float32 or float64, deflated without loss."""
    stored = np.dtype(dtype)
    order = ">" if dtype.startswith(">") else "<"
    height, width = rows.shape
    big = rows.size * stored.itemsize > _CLASSIC
    deep = max(1, _STRIP // (width * stored.itemsize))
    file.write(_head(order, big=big, directory=0))
    offsets, counts = [], []
    for top in range(0, height, deep):
        packed = zlib.compress(np.ascontiguousarray(rows[top : top + deep], stored).data, 6)
        offsets.append(file.tell())
        counts.append(len(packed))
        file.write(packed)
    file.write(bytes(-file.tell() % 8))
    place = _LONG8 if big else _LONG
    entries = (
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [8 * stored.itemsize]),
        (259, _SHORT, [8]),  # deflate
        (_COLOURS, _SHORT, [1]),  # the smallest code is the darkest
        (273, place, offsets),
        (277, _SHORT, [1]),
        (278, _LONG, [deep]),
        (279, place, counts),
        (339, _SHORT, [_FLOAT if stored.kind == "f" else _UNSIGNED]),
    )
    directory = file.tell()
    file.write(_directory(order, big, directory, entries))
    file.seek(0)
    file.write(_head(order, big=big, directory=directory))
    file.seek(0, 2)


def require_rising(file: PictureFile) -> None:
    """Checks that the smallest code is the darkest: libvips turns the others round.

    Raises:
        PictureError: E_FORMAT.
    """
    layout, first = open_layout(file)
    tags, _ = layout.directory(file, first)
    if layout.numbers(file, tags.get(_COLOURS)) == (_WHITE_IS_ZERO,):
        raise unsupported(
            "The TIFF says that its code 0 is white, so its codes would be turned round.",
            "Save it with black as 0 (MinIsBlack).",
        )


def read_doubles(file: PictureFile, width: int, height: int) -> Rows:
    """The float64 samples of a TIFF in strips, plain or deflated; libvips stops at 32 bits.

    Raises:
        PictureError: Packed in another way, or damaged.
    """
    layout, first = open_layout(file)
    tags, _ = layout.directory(file, first)

    def values(tag: int, usual: tuple[int, ...] = ()) -> tuple[int, ...]:
        return layout.numbers(file, tags.get(tag)) or usual

    packing = values(259, (1,))[0]
    offsets, counts = values(273), values(279)
    if sum(counts) > file.size:
        raise corrupt("TIFF", "its strips lie over each other").error()
    if packing not in (1, *_DEFLATE) or values(317, (1,)) != (1,) or not offsets or not counts:
        raise unsupported(
            "The 64-bit floats of the TIFF are packed in a way that is not read.",
            "Save it without compression, or as 32-bit floats.",
        )
    needed = 8 * width * height
    data = bytearray()
    for offset, count in zip(offsets, counts, strict=False):
        packed = file.at(offset, count)
        room = needed - len(data)
        if not room:
            break
        data += packed[:room] if packing == 1 else _unpacked(packed, room)
    if len(data) < needed:
        raise truncated("TIFF", f"{needed:,} bytes of samples were announced").error()
    stored = np.frombuffer(data, f"{layout.order}f8").reshape(height, width)
    return stored.astype(np.float64)


def _unpacked(packed: bytes, room: int) -> bytes:
    try:
        # Bounded: no more is unpacked than the map has room for.
        return zlib.decompressobj().decompress(packed, room)
    except zlib.error as error:
        raise corrupt("TIFF", "a strip cannot be unpacked").error() from error


def _head(order: str, *, big: bool, directory: int) -> bytes:
    mark = b"II" if order == "<" else b"MM"
    if big:
        return mark + struct.pack(f"{order}HHHQ", 43, 8, 0, directory)
    return mark + struct.pack(f"{order}HI", 42, directory)


def _directory(
    order: str, big: bool, at: int, entries: tuple[tuple[int, int, list[int]], ...]
) -> bytes:
    """The entries, and behind them the values that do not fit into one."""
    count, number, room = ("Q", "Q", 8) if big else ("H", "I", 4)
    size = (8 + 20 * len(entries) if big else 2 + 12 * len(entries)) + room
    body, tail = struct.pack(f"{order}{count}", len(entries)), b""
    for tag, kind, values in entries:
        packed = struct.pack(f"{order}{len(values)}{_CODES[kind]}", *values)
        body += struct.pack(f"{order}HH{number}", tag, kind, len(values))
        if len(packed) <= room:
            body += packed.ljust(room, b"\0")
        else:
            body += struct.pack(f"{order}{number}", at + size + len(tail))
            tail += packed
    return body + bytes(room) + tail
