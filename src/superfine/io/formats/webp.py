"""WebP: a RIFF container; canvas, frames and completeness are in its chunk headers.

Source: RFC 9649.
"""

from __future__ import annotations

import struct

from superfine.io.formats.structure import Damage, Structure, corrupt, truncated
from superfine.io.gate import Limits, PictureFile


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of a still or animated WebP.

    Raises:
        PictureError: The header is damaged or not complete.
    """
    head = file.at(0, 30)
    if len(head) < 30:
        raise truncated("WebP", "its header is not complete").error()
    riff = struct.unpack("<I", head[4:8])[0] + 8
    width, height, alpha = _canvas(head)
    frames, end = _walk(file, min(riff, file.size))
    whole = riff <= file.size and end <= file.size
    return Structure(
        width=width,
        height=height,
        channels=4 if alpha else 3,
        bit_depth=8,
        frames=max(1, frames),
        damage=None if whole else truncated("WebP", f"{riff:,} bytes were announced"),
    )


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """WebP has no checksums; the header walk already found what is missing."""
    return structure.damage


def _canvas(head: bytes) -> tuple[int, int, bool]:
    kind = head[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(head[24:27], "little")
        height = 1 + int.from_bytes(head[27:30], "little")
        return width, height, bool(head[20] & 0x10)
    if kind == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), bool(bits >> 28 & 1)
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF, False
    raise corrupt("WebP", "its first chunk holds no picture").error()


def _walk(file: PictureFile, end: int) -> tuple[int, int]:
    """Number of animation frames, and where the last chunk ends."""
    frames, offset = 0, 12
    while offset + 8 <= end:
        kind, length = struct.unpack("<4sI", file.at(offset, 8))
        frames += kind == b"ANMF"
        offset += 8 + length + (length & 1)
    # The padding byte of the last chunk is often left out.
    return frames, offset - 1
