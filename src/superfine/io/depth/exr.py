"""EXR: half or float depth in one channel, scan lines or tiles; deep pixels are refused.

Our own short reading of the header decides what comes in, before OpenEXR sees the file.

Source: the OpenEXR file layout, openexr.com; ILM's naming of channels (`Z` is depth).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import BinaryIO

import numpy as np

from superfine.io.depth.samples import Rows, Samples
from superfine.io.formats.structure import corrupt, truncated, unsupported
from superfine.io.gate import Limits, PictureFile, require_size

MAGIC = b"v/1\x01"
_TILED, _DEEP, _PARTS = 0x200, 0x800, 0x1000
_LARGEST_HEADER = 2**20
_TYPES = {0: "whole numbers", 1: "<f2", 2: "<f4"}
_USUAL = "Z"
# What renderers, scanners and people call depth, best first; without layer, in lower case.
_NAMES = ("z", "depth", "y", "r")


# Rows in one block of pixels, by the number of the compression in the file: none, RLE, ZIPS, ZIP,
# PIZ, PXR24, B44, B44A, DWAA and DWAB. Newer ones are left to OpenEXR.
_ROWS = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)


@dataclass(frozen=True)
class _Channel:
    """One channel of the header; `kind` as in the file: 0 whole numbers, 1 half, 2 float."""

    name: str
    kind: int
    across: int
    down: int


def read(file: PictureFile, limits: Limits) -> Samples:
    """The map in an EXR: channel `Z`, `depth`, `Y` or `R`, of any layer, or the only one.

    The data window is read, whatever part of it is to be displayed.

    Raises:
        PictureError: Deep, in several parts, without such a channel, or damaged.
        LimitError: Larger than `limits`, all channels counted.
    """
    import OpenEXR

    fields, end = _header(file)
    channels, width, height = _structure(fields)
    require_size(width, height, frames=len(channels), limits=limits)
    _require_blocks(file, fields, end, height)
    chosen = _depth_channel(channels)
    try:
        # What goes wrong OpenEXR tells standard output, where our own results may go.
        with file.stream() as stream, redirect_stdout(StringIO()):
            picture = OpenEXR.File(stream, separate_channels=True, num_threads=0)
            rows = np.array(picture.channels()[chosen.name].pixels, order="C")
    except Exception as error:  # pybind11 turns C++ exceptions into several kinds
        file.require_unchanged()
        raise corrupt("EXR", "the decoder cannot read its samples").error() from error
    if rows.shape != (height, width) or rows.dtype.str != _TYPES[chosen.kind]:
        raise corrupt("EXR", "its samples are not what its header announces").error()
    others = [channel.name for channel in channels if channel is not chosen]
    notes = (f"Channel {chosen.name!r} was taken; there are {len(others)} more.",) if others else ()
    return Samples(rows, "exr", rows.dtype.str, name=chosen.name, notes=notes)


def write(rows: Rows, dtype: str, name: str, file: BinaryIO) -> None:
    """Writes `rows` of half or float into channel `name` or `Z` of an EXR, packed without loss."""
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    channels = {name or _USUAL: np.ascontiguousarray(rows, np.dtype(dtype).newbyteorder("="))}
    content = BytesIO()  # a full disk is then no matter of the encoder's
    OpenEXR.File(header, channels, num_threads=0).write(content)
    file.write(content.getbuffer())


def _header(file: PictureFile) -> tuple[dict[bytes, bytes], int]:
    """The attributes of the header, and where it ends."""
    head = file.at(0, _LARGEST_HEADER)
    if len(head) < 8:
        raise truncated("EXR", "its header is not complete").error()
    (flags,) = struct.unpack("<I", head[4:8])
    if flags & _DEEP:
        raise unsupported(
            "The EXR is deep: it has several samples for each pixel.", "Flatten it first."
        )
    if flags & _PARTS:
        raise unsupported("The EXR has several parts; one was expected.", "Save one part of it.")
    fields, at = {}, 8
    while head[at : at + 1] != b"\0":
        name, value, at = _attribute(head, at)
        fields[name] = value
    return fields, at + 1


def _structure(fields: dict[bytes, bytes]) -> tuple[tuple[_Channel, ...], int, int]:
    """The channels, columns and rows that the header announces."""
    window, listed = fields.get(b"dataWindow", b""), fields.get(b"channels")
    if len(window) != 16 or listed is None:
        raise corrupt("EXR", "its header has no size or no channels").error()
    left, top, right, bottom = struct.unpack("<4i", window)
    return tuple(_channels(listed)), right - left + 1, bottom - top + 1


def _attribute(head: bytes, at: int) -> tuple[bytes, bytes, int]:
    """Name and value of the attribute at `at`, and where the next one begins."""
    name, found, rest = head[at : at + 512].partition(b"\0")
    kind, found_kind, _ = rest.partition(b"\0")
    at += len(name) + len(kind) + 2
    if found and found_kind and at + 4 <= len(head):
        (size,) = struct.unpack_from("<i", head, at)
        if 0 <= size <= len(head) - at - 4:
            return name, head[at + 4 : at + 4 + size], at + 4 + size
    raise truncated("EXR", "its header is not complete").error()


def _require_blocks(file: PictureFile, fields: dict[bytes, bytes], start: int, height: int) -> None:
    """Checks that the last block of scan lines is there, by the list of them behind the header.

    Raises:
        PictureError: E_TRUNCATED.
    """
    packing = fields.get(b"compression", b"")[:1]
    tiled = int.from_bytes(file.at(4, 4), "little") & _TILED
    if tiled or len(packing) != 1 or packing[0] >= len(_ROWS):
        return
    count = -(-height // _ROWS[packing[0]])
    listed = file.at(start, 8 * count)
    last = max(struct.unpack(f"<{count}Q", listed)) if len(listed) == 8 * count else file.size
    leader = file.at(last, 8)
    if len(leader) < 8 or last + 8 + struct.unpack("<4xi", leader)[0] > file.size:
        raise truncated("EXR", "its last rows are missing").error()


def _channels(listed: bytes) -> Iterator[_Channel]:
    at = 0
    while at < len(listed) - 1:
        name, found, _ = listed[at : at + 256].partition(b"\0")
        at += len(name) + 1
        if not found or at + 16 > len(listed):
            raise corrupt("EXR", "its list of channels is broken").error()
        kind, across, down = struct.unpack_from("<i4xii", listed, at)
        at += 16
        yield _Channel(name.decode("utf-8", "replace"), kind, across, down)


def _depth_channel(channels: tuple[_Channel, ...]) -> _Channel:
    found = None
    for wanted in _NAMES:
        # "ViewLayer.Depth.Z" is channel Z of a layer.
        matches = [c for c in channels if c.name.rpartition(".")[2].lower() == wanted]
        found = found or (matches[0] if matches else None)
    found = found or (channels[0] if len(channels) == 1 else None)
    if found is None:
        names = ", ".join(repr(channel.name[:40]) for channel in channels[:8]) or "none"
        raise unsupported(
            f"The EXR has channels {names}; one called Z, depth, Y or R was expected.",
            "Save the depth in a channel called Z.",
        )
    if found.kind not in (1, 2) or (found.across, found.down) != (1, 1):
        what = _TYPES.get(found.kind, "unknown") if found.across == found.down == 1 else "thinned"
        raise unsupported(
            f"Channel {found.name!r} of the EXR is {what}; half or float was expected.",
            "Save it as half or float.",
        )
    return found
