"""EXIF and colour profiles as untrusted bytes: kept when sound, dropped with a note when not.

Source: CIPA DC-008 (Exif 2.32); ICC.1:2022.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_LARGEST_EXIF = 2**20
LARGEST_PROFILE = 4 * 2**20
_ORIENTATION, _ACROSS, _DOWN, _UNIT = 0x0112, 0x011A, 0x011B, 0x0128
_USED = {_ORIENTATION: 3, _ACROSS: 5, _DOWN: 5, _UNIT: 3}  # the type each must have
_POINTERS = (0x8769, 0x8825, 0xA005)  # EXIF, GPS and interoperability directories
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MOST_DIRECTORIES = 16


@dataclass(frozen=True)
class Exif:
    """An EXIF block that was walked without finding anything wrong.

    Attributes:
        data: The block, its orientation reset to 1 because the pixels are turned already.
        orientation: What the tag said, 1 to 8.
        dpi: Horizontal and vertical dots per inch.
    """

    data: bytes
    orientation: int
    dpi: tuple[float, float] | None = None


def read_exif(block: bytes) -> tuple[Exif | None, str]:
    """The sound EXIF block, or None with the reason to drop it."""
    data = block.removeprefix(b"Exif\0\0")
    if len(data) > _LARGEST_EXIF:
        return None, f"it has {len(data):,} bytes"
    try:
        places, order = _walk(data)
        dpi = _dots_per_inch(data, places, order)
    except (struct.error, ValueError) as error:
        return None, str(error)
    place = places.get(_ORIENTATION)
    if place is None:
        return Exif(data, 1, dpi), ""
    (value,) = struct.unpack_from(order + "H", data, place)
    upright = data[:place] + struct.pack(order + "H", 1) + data[place + 2 :]
    return Exif(upright, value if 1 <= value <= 8 else 1, dpi), ""


def _dots_per_inch(data: bytes, places: dict[int, int], order: str) -> tuple[float, float] | None:
    if _ACROSS not in places or _DOWN not in places:
        return None
    unit = struct.unpack_from(order + "H", data, places[_UNIT])[0] if _UNIT in places else 2
    values = []
    for tag in (_ACROSS, _DOWN):
        (pointer,) = struct.unpack_from(order + "I", data, places[tag])
        above, below = struct.unpack_from(order + "II", data, pointer)
        values.append(above / below if below else 0.0)
    if unit not in (2, 3) or not all(values):
        return None
    scale = 2.54 if unit == 3 else 1.0
    return (values[0] * scale, values[1] * scale)


def _walk(data: bytes) -> tuple[dict[int, int], str]:
    """Where the values of the tags we use lie in `data`, and the byte order.

    Raises:
        ValueError: A directory that loops or reaches beyond the block.
        struct.error: A block that is too short.
    """
    if data[:4] not in (b"II*\0", b"MM\0*"):
        raise ValueError("it does not start like EXIF")
    order = "<" if data[:2] == b"II" else ">"
    first: int = struct.unpack_from(order + "I", data, 4)[0]
    waiting, seen, places = [first], set[int](), dict[int, int]()
    while waiting:
        offset = waiting.pop()
        if offset in seen or len(seen) >= _MOST_DIRECTORIES:
            raise ValueError("its directories form a loop")
        seen.add(offset)
        (count,) = struct.unpack_from(order + "H", data, offset)
        for at in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind, values, pointer = struct.unpack_from(order + "HHII", data, at)
            length = _BYTES.get(kind, 1) * values
            if length > 4 and pointer + length > len(data):
                raise ValueError(f"its tag 0x{tag:04x} reaches beyond it")
            if tag in _POINTERS:
                waiting.append(pointer)
            elif offset == first and _USED.get(tag) == kind:
                places[tag] = at + 8
        end = offset + 2 + 12 * count
        following = struct.unpack_from(order + "I", data, end)[0] if end + 4 <= len(data) else 0
        if following:
            waiting.append(following)
    return places, order


_CHANNELS = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}


def profile_fault(profile: bytes, *, channels: int) -> str:
    """Why an ICC profile does not fit so many colour channels; "" when it does."""
    if len(profile) > LARGEST_PROFILE:
        return f"it has {len(profile):,} bytes"
    if len(profile) < 132 or profile[36:40] != b"acsp":
        return "it is no ICC profile"
    size, count = struct.unpack(">I", profile[:4])[0], struct.unpack(">I", profile[128:132])[0]
    if size > len(profile) or 132 + 12 * count > len(profile):
        return "it is cut short"
    for at in range(132, 132 + 12 * count, 12):
        _, offset, length = struct.unpack(">4sII", profile[at : at + 12])
        if offset + length > len(profile):
            return "it is cut short"
    if _CHANNELS.get(profile[16:20]) != channels:
        space = profile[16:20].decode("latin-1").strip()
        return f"it is for {space!r} and the picture has {channels} colour channels"
    return ""


_TRANSFERS = {8: "linear light", 16: "PQ (HDR)", 18: "HLG (HDR)"}  # ITU-T H.273, as in `cicp`


def unusual_codes(profile: bytes) -> str:
    """What the codes mean when a sound profile says they are no display codes; "" when they are.

    Networks were trained on display codes, so linear and HDR pictures come out less well.
    """
    for at in range(132, 132 + 12 * struct.unpack(">I", profile[128:132])[0], 12):
        name, offset, length = struct.unpack(">4sII", profile[at : at + 12])
        tag = profile[offset : offset + length]
        if name == b"cicp" and len(tag) >= 12 and tag[9] in _TRANSFERS:
            return _TRANSFERS[tag[9]]
        # A curve without points is the identity; one with a single point is a gamma, 256 = 1.0.
        if name in (b"rTRC", b"kTRC") and tag[:4] == b"curv":
            points = tag[8:12]
            if points == b"\0\0\0\0" or (points == b"\0\0\0\1" and tag[12:14] == b"\1\0"):
                return _TRANSFERS[8]
    return ""
