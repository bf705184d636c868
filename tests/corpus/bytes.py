"""Picture files put together byte by byte, for what no encoder would write."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def noise(height: int, width: int, channels: int, dtype: type = np.uint8) -> NDArray[Any]:
    """Seeded random codes over the whole range of an integer type."""
    largest = np.iinfo(dtype).max
    return np.random.default_rng(7).integers(0, largest, (height, width, channels), dtype, True)


def ramp(height: int, width: int) -> NDArray[np.uint8]:
    """A smooth RGB picture that survives lossy coding."""
    across = np.linspace(0, 255, width)[None, :, None]
    down = np.linspace(0, 255, height)[:, None, None]
    colours = np.array([1.0, 0.5, 0.25])
    return (across * 0.5 * colours + down * 0.5 * colours[::-1]).astype(np.uint8)


def packed(picture: PillowImage.Image, name: str, **options: Any) -> bytes:
    """A picture as the bytes of a file, by Pillow."""
    file = BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    """One PNG chunk, with its own checksum or a wrong one."""
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(
    width: int,
    height: int,
    rows: bytes,
    *,
    depth: int = 8,
    colour: int = 2,
    before: bytes = b"",
    tail: bytes = b"",
) -> bytes:
    """A PNG from rows that carry their filter bytes; `before` goes between header and pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return SIGNATURE + header + before + pixels + chunk(b"IEND", b"") + tail


def png_of(codes: NDArray[Any], *, before: bytes = b"", tail: bytes = b"") -> bytes:
    """A PNG of (h, w, c) codes in 8 or 16 bits, not by any library."""
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[codes.shape[2]]
    stored = codes.astype(">u2") if codes.dtype == np.uint16 else codes
    rows = b"".join(b"\0" + row.tobytes() for row in stored)
    depth = 8 * codes.dtype.itemsize
    return png(
        codes.shape[1], codes.shape[0], rows, depth=depth, colour=colour, before=before, tail=tail
    )


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    """A JPEG with one more segment behind its start mark."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data + jpeg[2:]


def exif(
    entries: list[tuple[int, int, int, int]], *, following: int = 0, rest: bytes = b""
) -> bytes:
    """A little-endian EXIF block of one directory: tag, kind, count and value or offset each."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    return head + body + struct.pack("<I", following) + rest


def bmp_header(width: int, height: int) -> bytes:
    """The start of a 24-bit BMP without its pixels."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54) + info


def write(folder: Path, name: str, data: bytes) -> Path:
    """`data` as a file in `folder`."""
    path = folder / name
    path.write_bytes(data)
    return path
