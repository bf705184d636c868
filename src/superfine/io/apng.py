"""APNG out: the frames of an animation as chunks of one PNG, exact in 8 and 16 bits.

Written by hand, because Pillow merges equal frames and knows 8 bits only.

Source: W3C PNG Specification (Third Edition), section 11.3.6.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence

from superfine.io.formats import png
from superfine.io.gate import PictureFile


def join(stills: Sequence[bytes], *, delays_ms: Sequence[int], loop: int) -> bytes:
    """One APNG of whole frames.

    Args:
        stills: PNG files of one size, depth and colour type; the first gives the metadata.
        delays_ms: How long each frame is shown, 0 to 65535.
        loop: How often all of it plays; 0 means for ever.
    """
    pieces = [png.SIGNATURE]
    counter = itertools.count()
    width, height = struct.unpack(">II", stills[0][16:24])
    for number, (still, delay) in enumerate(zip(stills, delays_ms, strict=True)):
        control = struct.pack(">IIIIIHHBB", next(counter), width, height, 0, 0, delay, 1000, 0, 0)
        if number == 0:
            for kind, data in _before_pixels(still):
                pieces.append(_chunk(kind, data))
                if kind == b"IHDR":
                    pieces.append(_chunk(b"acTL", struct.pack(">II", len(stills), loop)))
        pieces.append(_chunk(b"fcTL", control))
        pixels = _pixels(still)
        if number == 0:
            pieces.append(_chunk(b"IDAT", pixels))
        else:
            pieces.append(_chunk(b"fdAT", struct.pack(">I", next(counter)) + pixels))
    return b"".join([*pieces, _chunk(b"IEND", b"")])


def _before_pixels(still: bytes) -> Iterator[tuple[bytes, bytes]]:
    with PictureFile(still) as file:
        for chunk in png.chunks(file):
            if chunk.kind == b"IDAT":
                return
            yield chunk.kind, file.at(chunk.offset, chunk.length)


def _pixels(still: bytes) -> bytes:
    with PictureFile(still) as file:
        return b"".join(
            file.at(chunk.offset, chunk.length)
            for chunk in png.chunks(file)
            if chunk.kind == b"IDAT"
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
