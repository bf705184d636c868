"""BMP: a fixed header and rows of known length.

Source: Microsoft, Bitmap Storage (BITMAPINFOHEADER and its successors).
"""

from __future__ import annotations

import struct

from superfine.io.formats.structure import Damage, Structure, truncated, unsupported
from superfine.io.gate import Limits, PictureFile

_UNPACKED = (0, 3)  # BI_RGB and BI_BITFIELDS: the length follows from the size


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of a BMP.

    Raises:
        PictureError: The header is not complete, or of the 1980s OS/2 kind.
    """
    head = file.at(0, 54)
    if len(head) < 54:
        raise truncated("BMP", "its header is not complete").error()
    start, header_bytes, width, height = struct.unpack("<IIii", head[10:26])
    if header_bytes < 40:
        raise unsupported("This is an OS/2 bitmap; a Windows BMP was expected.", "Save it as PNG.")
    bits, packing = struct.unpack("<HI", head[28:34])
    palette = file.at(14 + header_bytes, 4 * 2**bits) if bits <= 8 else b""
    needed = start + (width * bits + 31) // 32 * 4 * abs(height)
    complete = packing not in _UNPACKED or needed <= file.size
    return Structure(
        width=max(0, width),
        height=abs(height),  # negative: stored from the top down
        channels=1 if _grey(palette) else 3,
        bit_depth=min(8, bits),
        dpi=_dots_per_inch(*struct.unpack("<ii", head[38:46])),
        damage=None if complete else truncated("BMP", f"{needed:,} bytes were announced"),
    )


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """BMP has no checksums; the header already says whether rows are missing."""
    return structure.damage


def _grey(palette: bytes) -> bool:
    return bool(palette) and palette[0::4] == palette[1::4] == palette[2::4]


def _dots_per_inch(across: int, down: int) -> tuple[float, float] | None:
    if across <= 0 or down <= 0:
        return None
    return (round(across * 0.0254, 2), round(down * 0.0254, 2))
