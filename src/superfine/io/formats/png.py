"""PNG: chunks with lengths and checksums, so truncation and damage can be told apart exactly.

Source: W3C PNG Specification (Third Edition), including APNG.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from superfine.errors import LimitError
from superfine.io.formats.structure import Damage, Structure, corrupt, truncated
from superfine.io.gate import Limits, PictureFile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INCH = 0.0254
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_MANY = 100_000  # chunks that are not pixels; a file with more is an attack on the reader


@dataclass(frozen=True)
class Chunk:
    """Where one chunk lies: its four-letter kind, and offset and length of its data."""

    kind: bytes
    offset: int
    length: int

    @property
    def end(self) -> int:
        """Offset behind the checksum."""
        return self.offset + self.length + 4


def chunks(file: PictureFile) -> Iterator[Chunk]:
    """The chunks up to IEND or the end of the file; the last may reach beyond it."""
    offset = len(SIGNATURE)
    while offset + 8 <= file.size:
        length, kind = struct.unpack(">I4s", file.at(offset, 8))
        chunk = Chunk(kind, offset + 8, length)
        yield chunk
        if kind == b"IEND":
            return
        offset = chunk.end


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of a PNG or APNG.

    Raises:
        PictureError: The file stops inside its header.
        LimitError: Text that unpacks to more than the limit.
    """
    header = file.at(8, 25)
    if len(header) < 25:
        raise truncated("PNG", "its header is not complete").error()
    length, kind, width, height, depth, colour = struct.unpack(">I4sIIBB", header[:18])
    if kind != b"IHDR" or length != 13 or colour not in _CHANNELS:
        raise corrupt("PNG", "it does not start with a valid header").error()
    frames, dpi, text, others, transparent = 1, None, 0, 0, False
    last = Chunk(b"", 8, 0)
    for last in chunks(file):
        if last.kind in (b"IDAT", b"IEND", b"fdAT"):
            continue
        others += 1
        if last.kind in _TEXT:
            text += _text_bytes(file, last, limits.max_metadata_bytes - text)
        if text > limits.max_metadata_bytes or others > _MANY:
            raise LimitError(
                f"The PNG carries more than {limits.max_metadata_bytes:,} bytes of text.",
                hint="Strip its metadata, or raise the limit if you trust the file.",
            )
        if last.kind == b"acTL" and last.length == 8:
            frames = max(1, struct.unpack(">I", file.at(last.offset, 4))[0])
        elif last.kind == b"pHYs" and last.length == 9:
            dpi = _dots_per_inch(file.at(last.offset, 9))
        elif last.kind == b"tRNS":
            transparent = True
    whole = last.kind == b"IEND" and last.end <= file.size
    return Structure(
        width=width,
        height=height,
        channels=_CHANNELS[colour] + (1 if transparent and colour in (0, 2, 3) else 0),
        bit_depth=depth,
        frames=frames,
        dpi=dpi,
        damage=None if whole else truncated("PNG", "its end mark is missing"),
    )


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """Compares every checksum; reads the whole file once."""
    if structure.damage:
        return structure.damage
    for chunk in chunks(file):
        crc = zlib.crc32(chunk.kind)
        for start in range(chunk.offset, chunk.offset + chunk.length, 2**20):
            crc = zlib.crc32(file.at(start, min(2**20, chunk.offset + chunk.length - start)), crc)
        if crc.to_bytes(4, "big") != file.at(chunk.offset + chunk.length, 4):
            kind = chunk.kind.decode("latin-1")
            return corrupt("PNG", f"the checksum of its chunk {kind!r} is wrong")
    return None


def profile_bytes(file: PictureFile, *, at_most: int) -> int:
    """Unpacked size of the colour profile, or `at_most` + 1 when it is larger; 0 without one."""
    for chunk in chunks(file):
        if chunk.kind == b"IDAT":
            return 0
        if chunk.kind == b"iCCP":
            data = file.at(chunk.offset, min(chunk.length, at_most))
            return _unpacked(data.partition(b"\0")[2][1:], at_most)
    return 0


def _text_bytes(file: PictureFile, chunk: Chunk, room: int) -> int:
    if chunk.length > room or chunk.kind == b"tEXt":
        return chunk.length
    data = file.at(chunk.offset, chunk.length)
    rest = data.partition(b"\0")[2]
    if chunk.kind == b"zTXt":
        return chunk.length + _unpacked(rest[1:], room)
    if rest[:1] != b"\x01":  # iTXt that is not compressed
        return chunk.length
    packed = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return chunk.length + _unpacked(packed, room)


def _unpacked(packed: bytes, at_most: int) -> int:
    # Bounded: a bomb of a gigabyte is never unpacked further than the limit.
    try:
        return len(zlib.decompressobj().decompress(packed, max(1, at_most + 1)))
    except zlib.error:
        return 0


def _dots_per_inch(data: bytes) -> tuple[float, float] | None:
    across, down, unit = struct.unpack(">IIB", data)
    if unit != 1 or not across or not down:
        return None
    return (round(across * _INCH, 2), round(down * _INCH, 2))
