"""TIFF and BigTIFF: the first directory, and whether its strips lie inside the file.

Source: Adobe TIFF 6.0 and its supplements; the BigTIFF extension.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from superfine.errors import PictureError
from superfine.io.formats.structure import Damage, Structure, corrupt, truncated, unsupported
from superfine.io.gate import Limits, PictureFile

_WIDTH, _HEIGHT, _BITS, _COLOURS, _ORIENTATION = 256, 257, 258, 262, 274
_SAMPLES, _ACROSS, _DOWN, UNIT, _EXTRA, _KIND = 277, 282, 283, 296, 338, 339
_DATA = ((273, 279), (324, 325))  # offsets and byte counts of strips and of tiles
_EXIF = 34665  # the directory libvips does not hand out
_CAMERA_RAW = 50706  # DNGVersion
_PALETTE, _LAB = 3, (8, 9)
# Bytes of one value of each type: BYTE, ASCII, SHORT, LONG, RATIONAL, ... IFD8.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTES |= {16: 8, 17: 8, 18: 8}
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_PAGES = 10_000
_MOST_VALUES = 2**22


@dataclass(frozen=True)
class Layout:
    """How numbers are written in one file: byte order and 32 or 64 bits."""

    order: str
    big: bool

    def directory(self, file: PictureFile, offset: int) -> tuple[dict[int, Entry], int]:
        """The entries of the directory at `offset`, and where the next directory lies."""
        count_bytes, entry_bytes = (8, 20) if self.big else (2, 12)
        head = file.at(offset, count_bytes)
        if offset == 0 or len(head) < count_bytes:
            raise truncated("TIFF", "its directory is missing").error()
        (count,) = struct.unpack(self.order + ("Q" if self.big else "H"), head)
        if count > 4096:
            raise corrupt("TIFF", f"a directory of {count:,} entries").error()
        start = offset + count_bytes
        body = file.at(start, count * entry_bytes + (8 if self.big else 4))
        if len(body) < count * entry_bytes:
            raise truncated("TIFF", "its directory is not complete").error()
        entries = {}
        for at in range(0, count * entry_bytes, entry_bytes):
            entry = self._entry(body[at : at + entry_bytes], start + at)
            entries[entry.tag] = entry
        following = body[count * entry_bytes :]
        return entries, int.from_bytes(following, "big" if self.order == ">" else "little")

    def _entry(self, raw: bytes, offset: int) -> Entry:
        if self.big:
            tag, kind, count = struct.unpack(self.order + "HHQ", raw[:12])
            room, inline = 8, offset + 12
            (pointer,) = struct.unpack(self.order + "Q", raw[12:])
        else:
            tag, kind, count = struct.unpack(self.order + "HHI", raw[:8])
            room, inline = 4, offset + 8
            (pointer,) = struct.unpack(self.order + "I", raw[8:])
        fits = _BYTES.get(kind, 1) * count <= room
        return Entry(tag, kind, count, inline if fits else pointer)

    def numbers(self, file: PictureFile, entry: Entry | None) -> tuple[int, ...]:
        """The values of an integer entry; empty when it is missing or not complete."""
        if entry is None or entry.kind not in _CODES or entry.count > _MOST_VALUES:
            return ()
        raw = file.at(entry.offset, _BYTES[entry.kind] * entry.count)
        if len(raw) < _BYTES[entry.kind] * entry.count:
            return ()
        return struct.unpack(f"{self.order}{entry.count}{_CODES[entry.kind]}", raw)

    def ratio(self, file: PictureFile, entry: Entry | None) -> float | None:
        """The value of a RATIONAL entry; None when it is missing or divides by zero."""
        raw = file.at(entry.offset, 8) if entry and entry.kind == 5 else b""
        if len(raw) < 8:
            return None
        above, below = struct.unpack(self.order + "II", raw)
        return above / below if below else None


@dataclass(frozen=True)
class Entry:
    """One tag of a directory; `offset` is where its values begin in the file."""

    tag: int
    kind: int
    count: int
    offset: int


def open_layout(file: PictureFile) -> tuple[Layout, int]:
    """Byte order and width of the numbers, and the offset of the first directory."""
    head = file.at(0, 16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    if len(head) < (16 if big else 8):
        raise truncated("TIFF", "its header is not complete").error()
    (first,) = struct.unpack(order + ("Q" if big else "I"), head[8:16] if big else head[4:8])
    return Layout(order, big), first


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of the first page.

    Raises:
        PictureError: A damaged directory, or samples of a kind we do not read.
    """
    layout, first = open_layout(file)
    tags, following = layout.directory(file, first)

    def value(tag: int, default: int) -> int:
        return (layout.numbers(file, tags.get(tag)) or (default,))[0]

    if _CAMERA_RAW in tags:
        raise unsupported(
            "This is a camera raw file (DNG); a developed picture was expected.",
            "Develop it to a 16-bit TIFF or PNG first.",
        )
    samples, colours, bits = value(_SAMPLES, 1), value(_COLOURS, 1), value(_BITS, 1)
    _refuse_samples(bits, value(_KIND, 1), samples)
    extra = layout.numbers(file, tags.get(_EXTRA))
    alpha = 1 if extra else 0
    colour = 3 if colours == _PALETTE or samples - alpha > 1 else 1
    later, later_damage = _later_pages(file, layout, following, {first})
    return Structure(
        width=value(_WIDTH, 0),
        height=value(_HEIGHT, 0),
        channels=colour + alpha,
        bit_depth=bits,
        pages=1 + later,
        dpi=_dots_per_inch(file, layout, tags, value(UNIT, 2)),
        damage=_missing_data(file, layout, tags) or later_damage,
        orientation=value(_ORIENTATION, 1),
        lab=colours in _LAB,
        notes=("The EXIF of this TIFF is not carried over.",) if _EXIF in tags else (),
    )


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """TIFF has no checksums; the header walk already found what is missing."""
    return structure.damage


def _refuse_samples(bits: int, kind: int, samples: int) -> None:
    hint = "Export it as 8-bit, 16-bit or 32-bit float RGB."
    if kind == 3 and bits not in (32, 64):
        raise unsupported(f"The TIFF has {bits}-bit float samples; 32 or 64 were expected.", hint)
    if kind not in (1, 3, 4) or (kind in (1, 4) and bits not in (1, 2, 4, 8, 16)):
        raise unsupported(f"The TIFF has {bits}-bit samples of kind {kind}.", hint)
    if samples > 5:
        raise unsupported(f"The TIFF has {samples} channels; at most CMYK and alpha.", hint)


def _later_pages(
    file: PictureFile, layout: Layout, following: int, seen: set[int]
) -> tuple[int, Damage | None]:
    """Number of pages behind the first; a chain that comes back to itself ends there."""
    pages = 0
    while following and following not in seen and pages < _MOST_PAGES:
        seen.add(following)
        pages += 1
        try:
            tags, following = layout.directory(file, following)
        except PictureError as error:
            return pages, Damage(error.code, error.message)
        damage = _missing_data(file, layout, tags)
        if damage:
            return pages, damage
    return pages, None


def _missing_data(file: PictureFile, layout: Layout, tags: dict[int, Entry]) -> Damage | None:
    for offsets_tag, counts_tag in _DATA:
        if offsets_tag not in tags:
            continue
        offsets = layout.numbers(file, tags[offsets_tag])
        counts = layout.numbers(file, tags.get(counts_tag))
        if not offsets or (counts_tag in tags and not counts):
            return truncated("TIFF", "the list of its strips is missing")
        ends = [start + count for start, count in zip(offsets, counts, strict=False)]
        if max(ends, default=0) > file.size or max(offsets) >= file.size:
            return truncated("TIFF", "its pixels reach beyond the end of the file")
        return None
    return corrupt("TIFF", "it says nowhere where its pixels are")


def _dots_per_inch(
    file: PictureFile, layout: Layout, tags: dict[int, Entry], unit: int
) -> tuple[float, float] | None:
    across, down = (layout.ratio(file, tags.get(tag)) for tag in (_ACROSS, _DOWN))
    if not across or not down or unit not in (2, 3):
        return None
    scale = 2.54 if unit == 3 else 1.0
    return (across * scale, down * scale)
