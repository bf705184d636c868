"""JPEG: the markers from SOI to EOI, to refuse what decodes wrongly and to find a missing end.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
import struct

from superfine.io.formats.structure import Damage, Structure, corrupt, truncated, unsupported
from superfine.io.gate import Limits, PictureFile

_HUFFMAN = (0xC0, 0xC1, 0xC2)
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_ARITHMETIC = (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
# Inside coded data 0xFF is followed by 0 or by a restart marker; anything else ends it.
_END_OF_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_SEGMENTS = (0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0))
_WINDOW = 2**20


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of a JPEG up to its first scan.

    Raises:
        PictureError: E_FORMAT for 12-bit, lossless and arithmetic coding, or a damaged header.
    """
    dpi: tuple[float, float] | None = None
    frame: bytes | None = None
    offset = 2
    while True:
        marker, offset = _next_marker(file, offset)
        if marker in _ALONE:
            continue
        if marker == 0xD9:
            raise corrupt("JPEG", "it ends before its first line").error()
        (length,) = struct.unpack(">H", _exactly(file, offset, 2))
        if marker == 0xE0:
            dpi = _dots_per_inch(file.at(offset + 2, 12)) or dpi
        elif marker in _FRAMES:
            _refuse_coding(marker, _exactly(file, offset + 2, 1)[0])
            frame = _exactly(file, offset + 3, 5)
        elif marker == 0xDA:
            break
        offset += length
    if frame is None:
        raise corrupt("JPEG", "its size is missing").error()
    height, width, components = struct.unpack(">HHB", frame)
    if components not in (1, 3, 4):
        raise unsupported(
            f"The JPEG has {components} colour components; 1, 3 or 4 were expected.",
            "Export it again as RGB.",
        )
    # Four components are CMYK, which is converted to RGB.
    return Structure(width, height, channels=min(components, 3), bit_depth=8, dpi=dpi)


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """Walks all scans up to the end mark; what lies behind it is not part of the picture."""
    offset = _first_scan(file)
    while offset < file.size:
        block = file.at(offset, _WINDOW)
        found = _END_OF_SCAN.search(block)
        if found is None:
            # The last byte may be the first half of a marker.
            offset += max(1, len(block) - 1)
            continue
        marker = block[found.end() - 1]
        offset += found.end()
        if marker == 0xD9:
            return None
        if marker in _SEGMENTS:
            length = file.at(offset, 2)
            offset += int.from_bytes(length, "big") if len(length) == 2 else 2
    return truncated("JPEG", "its end mark is missing")


def _first_scan(file: PictureFile) -> int:
    offset = 2
    while True:
        marker, offset = _next_marker(file, offset)
        if marker in _ALONE:
            continue
        offset += int.from_bytes(_exactly(file, offset, 2), "big")
        if marker == 0xDA:
            return offset


def _next_marker(file: PictureFile, offset: int) -> tuple[int, int]:
    """The next marker and the offset behind it; stray bytes before it are skipped."""
    while True:
        block = file.at(offset, 4096)
        found = re.search(rb"\xff+[^\x00\xff]", block)
        if found:
            return block[found.end() - 1], offset + found.end()
        if len(block) < 4096:
            raise truncated("JPEG", "its header is not complete").error()
        offset += len(block) - 1


def _exactly(file: PictureFile, offset: int, count: int) -> bytes:
    data = file.at(offset, count)
    if len(data) < count:
        raise truncated("JPEG", "its header is not complete").error()
    return data


def _refuse_coding(marker: int, precision: int) -> None:
    hint = "Export it again as an ordinary 8-bit JPEG, or as a 16-bit PNG or TIFF."
    if marker in _ARITHMETIC:
        raise unsupported("The JPEG is arithmetic-coded; only Huffman coding is read.", hint)
    if marker not in _HUFFMAN:
        raise unsupported("The JPEG is lossless or hierarchical; neither is read.", hint)
    if precision != 8:
        raise unsupported(f"The JPEG has {precision} bits per sample; only 8 are read.", hint)


def _dots_per_inch(data: bytes) -> tuple[float, float] | None:
    if data[:5] != b"JFIF\0" or len(data) < 12:
        return None
    unit, across, down = struct.unpack(">BHH", data[7:12])
    if unit not in (1, 2) or not across or not down:
        return None
    scale = 2.54 if unit == 2 else 1.0
    return (across * scale, down * scale)
