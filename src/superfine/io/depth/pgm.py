"""PGM with the codes it holds: as a picture its largest code would be stretched to white.

Source: Netpbm, the PGM format.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np

from superfine.io.depth.samples import Rows, Samples
from superfine.io.formats import pnm
from superfine.io.formats.structure import corrupt, truncated, unsupported
from superfine.io.gate import Limits, PictureFile, require_size

_HEADER = 2**16
_GAP = rb"(?:\s|#[^\n]*\n)+"
_NUMBERS = re.compile(rb"P([25])" + 3 * (_GAP + rb"(\d{1,10})") + rb"\s")


def looks_like(head: bytes) -> bool:
    """Whether a file starts like a PBM, PGM or PPM."""
    return head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace()


def read(file: PictureFile, limits: Limits) -> Samples:
    """The map in a PGM, as bytes or as text.

    Raises:
        PictureError: In colour, a bitmap, or damaged.
        LimitError: Larger than `limits`.
    """
    found = pnm.inspect(file, limits)
    if file.at(0, 2) not in (b"P2", b"P5"):
        what = "three channels" if found.channels == 3 else "one bit for each sample"
        raise unsupported(
            f"The picture has {what}; depth in grey of 8 or 16 bits was expected.",
            "Convert it to a PGM without loss.",
        )
    require_size(found.width, found.height, frames=1, limits=limits)
    damage = pnm.check(file, found)
    if damage:
        raise damage.error()
    header = _NUMBERS.match(file.at(0, _HEADER))
    if header is None:
        raise corrupt("PGM", "its header is not a size and a largest code").error()
    largest = int(header[4])
    dtype = ">u2" if largest > 255 else "|u1"
    count = found.width * found.height
    if header[1] == b"5":
        stored = np.frombuffer(file.at(header.end(), count * np.dtype(dtype).itemsize), dtype)
    else:
        stored = _plain(file.at(header.end(), file.size), count)
    if stored.max(initial=0) > largest:
        raise corrupt("PGM", f"a sample is above the largest code {largest}").error()
    rows = stored.reshape(found.height, found.width)
    return Samples(rows.astype(np.dtype(dtype).newbyteorder("=")), "pgm", dtype)


def _plain(text: bytes, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    words = text.split(maxsplit=count)[:count]
    if len(words) < count:
        raise truncated("PGM", f"{count:,} samples were announced").error()
    if not all(word.isdigit() and len(word) <= 5 for word in words):
        raise corrupt("PGM", "a sample is no number").error()
    return np.array(words, dtype=np.int64)


def write(rows: Rows, dtype: str, file: BinaryIO) -> None:
    """Writes `rows` of 8 or 16 bits, as bytes."""
    largest = 255 if np.dtype(dtype).itemsize == 1 else 65535
    file.write(f"P5\n{rows.shape[1]} {rows.shape[0]}\n{largest}\n".encode())
    file.write(np.ascontiguousarray(rows, dtype).data)
