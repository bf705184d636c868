"""PFM: a text header, then float32 rows from the bottom up.

Source: P. Debevec, the "Portable FloatMap" description, and the stereo data of Middlebury. The
size of the header's scale is what viewers multiply by to show a map, not part of its values: it
is not applied, as in Middlebury's own code. Its sign is the byte order.
"""

from __future__ import annotations

import math
import re
from typing import BinaryIO

import numpy as np

from superfine.io.depth.samples import Rows, Samples
from superfine.io.formats.structure import corrupt, truncated, unsupported
from superfine.io.gate import Limits, PictureFile, require_size

_HEADER = 2**16
# Comments stand where Netpbm allows them: from a # to the end of its line.
_GAP = rb"(?:\s|#[^\n]*\n)+"
_SIZE = re.compile(rb"Pf" + _GAP + rb"(\d{1,10})" + _GAP + rb"(\d{1,10})" + _GAP)
# Exactly one line end follows the scale: the next byte may be a sample that looks like one.
_SCALE = re.compile(rb"([^\s#]{1,40})[ \t]*(?:#[^\n]*)?(?:\r?\n|\s)")


def looks_like(head: bytes) -> bool:
    """Whether a file starts like a PFM, in grey or in colour."""
    return head[:2] in (b"Pf", b"PF") and head[2:3].isspace()


def read(file: PictureFile, limits: Limits) -> Samples:
    """The map in a PFM.

    Raises:
        PictureError: In colour, damaged, or without a byte order.
        LimitError: Larger than `limits`.
    """
    head = file.at(0, _HEADER)
    if head.startswith(b"PF"):
        raise unsupported(
            "The PFM has three channels; depth in one (`Pf`) was expected.",
            "Save one channel of it.",
        )
    size = _SIZE.match(head)
    scale = _SCALE.match(head, size.end()) if size else None
    if size is None or scale is None:
        raise corrupt("PFM", "its header is not a size and a scale").error()
    width, height = int(size[1]), int(size[2])
    require_size(width, height, frames=1, limits=limits)
    order = _byte_order(scale[1])
    count = width * height
    if scale.end() + 4 * count > file.size:
        raise truncated("PFM", f"{4 * count:,} bytes of samples were announced").error()
    stored = np.frombuffer(file.at(scale.end(), 4 * count), f"{order}f4")
    # Bottom row first -> top row first.
    rows = stored.reshape(height, width)[::-1].astype(np.float32)
    return Samples(rows, "pfm", f"{order}f4")


def _byte_order(text: bytes) -> str:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not math.isfinite(scale) or scale == 0:
        shown = text.decode("ascii", "replace")
        raise corrupt("PFM", f"its scale is {shown!r}, so its byte order is unknown").error()
    return "<" if scale < 0 else ">"


def write(rows: Rows, dtype: str, file: BinaryIO) -> None:
    """Writes float32 `rows` in the byte order that `dtype` names, with a scale of 1."""
    scale = "1.0" if dtype.startswith(">") else "-1.0"
    file.write(f"Pf\n{rows.shape[1]} {rows.shape[0]}\n{scale}\n".encode())
    file.write(np.ascontiguousarray(rows[::-1], dtype).data)
