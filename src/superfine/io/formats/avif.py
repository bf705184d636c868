"""AVIF: ISO boxes; sizes come from the `ispe` properties, completeness from the box lengths.

Source: ISO/IEC 14496-12 and 23008-12; AV1 Image File Format 1.1.
"""

from __future__ import annotations

import struct

from superfine.io.formats.structure import Damage, Structure, corrupt, truncated
from superfine.io.gate import Limits, PictureFile


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of an AVIF still picture.

    Raises:
        PictureError: A header that is damaged or not complete.
    """
    meta, whole = _walk(file)
    if meta is None:
        raise truncated("AVIF", "its header is not complete").error()
    properties = file.at(meta[0], min(meta[1], limits.max_metadata_bytes))
    sizes = _sizes(properties)
    if not sizes:
        raise corrupt("AVIF", "its size is missing").error()
    # A picture made of tiles lists the tiles and the whole; the whole is the largest.
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Structure(
        width=width,
        height=height,
        channels=4 if b"auxid:1" in properties or b"auxiliary:alpha" in properties else 3,
        bit_depth=_bit_depth(properties),
        damage=None if whole else truncated("AVIF", "its last box is not complete"),
    )


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """AVIF has no checksums; the header walk already found what is missing."""
    return structure.damage


def _walk(file: PictureFile) -> tuple[tuple[int, int] | None, bool]:
    """Offset and length of the `meta` box, and whether every top-level box is complete."""
    meta: tuple[int, int] | None = None
    offset = 0
    while offset + 8 <= file.size:
        length, kind = struct.unpack(">I4s", file.at(offset, 8))
        if length == 1 and offset + 16 <= file.size:
            (length,) = struct.unpack(">Q", file.at(offset + 8, 8))
        if length == 0:  # up to the end of the file
            length = file.size - offset
        if length < 8:
            raise corrupt("AVIF", f"a box of {length} bytes at byte {offset:,}").error()
        if kind == b"meta" and meta is None:
            meta = (offset, length)
        offset += length
    return meta, offset <= file.size


def _sizes(properties: bytes) -> list[tuple[int, int]]:
    sizes = []
    start = properties.find(b"ispe")
    while start >= 0:
        if start + 16 <= len(properties):
            sizes.append(struct.unpack(">II", properties[start + 8 : start + 16]))
        start = properties.find(b"ispe", start + 4)
    return sizes


def _bit_depth(properties: bytes) -> int:
    start = properties.find(b"av1C")
    if start < 0 or start + 7 > len(properties):
        return 8
    flags = properties[start + 6]
    if not flags & 0x40:
        return 8
    return 12 if flags & 0x20 else 10
