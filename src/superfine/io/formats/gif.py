"""GIF: blocks one after the other; frames are counted without decoding any.

Source: CompuServe, Graphics Interchange Format, version 89a.
"""

from __future__ import annotations

import struct

from superfine.errors import LimitError
from superfine.io.formats.structure import Damage, Structure, corrupt, truncated
from superfine.io.gate import Limits, PictureFile

_MOST_FRAMES = 100_000


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of a GIF and its number of frames.

    Raises:
        PictureError: The file stops inside its header, or holds no picture.
        LimitError: More frames than a budget of pixels could ever hold.
    """
    head = file.at(0, 13)
    if len(head) < 13:
        raise truncated("GIF", "its header is not complete").error()
    width, height, flags = struct.unpack("<HHB", head[6:11])
    frames, damage = _walk(file, 13 + _palette_bytes(flags))
    if frames == 0:
        raise (damage or corrupt("GIF", "it holds no picture")).error()
    return Structure(width, height, channels=3, bit_depth=8, frames=frames, damage=damage)


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """GIF has no checksums; the header walk already found what is missing."""
    return structure.damage


def _walk(file: PictureFile, offset: int) -> tuple[int, Damage | None]:
    frames = 0
    while offset < file.size:
        block = file.at(offset, 10)
        if block[:1] == b";":
            return frames, None
        if block[:1] == b"!":
            offset = _skip_data(file, offset + 2)
        elif block[:1] == b"," and len(block) == 10:
            frames += 1
            if frames > _MOST_FRAMES:
                raise LimitError(
                    f"The GIF has more than {_MOST_FRAMES:,} frames.", hint="Split the animation."
                )
            offset = _skip_data(file, offset + 11 + _palette_bytes(block[9]))
        elif len(block) < 10:
            break
        else:
            return frames, corrupt("GIF", f"a block of unknown kind {block[0]} at byte {offset:,}")
    return frames, truncated("GIF", "its end mark is missing")


def _palette_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_data(file: PictureFile, offset: int) -> int:
    """The offset behind a chain of sub-blocks, each a length and so many bytes."""
    window, start = file.at(offset, 2**16), offset
    while offset < file.size:
        if offset - start >= len(window):
            window, start = file.at(offset, 2**16), offset
        length = window[offset - start]
        offset += 1 + length
        if length == 0:
            break
    return offset
