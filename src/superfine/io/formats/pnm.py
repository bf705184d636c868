"""PBM, PGM and PPM, P1 to P6: decoded here, because Pillow rounds 16-bit colour to 8 bits.

Source: Netpbm, the PBM, PGM and PPM formats.
"""

from __future__ import annotations

import re

import numpy as np
import torch
from jaxtyping import Shaped
from numpy.typing import NDArray
from torch import Tensor

from superfine.errors import PictureError
from superfine.io.formats.structure import Damage, Structure, corrupt, truncated
from superfine.io.gate import Limits, PictureFile

_TOKEN = re.compile(rb"(?:\s|#[^\n]*\n)*([^\s#]+)")
_HEADER = 2**16
_BITMAP, _COLOUR, _PLAIN = (1, 4), (3, 6), (1, 2, 3)


def inspect(file: PictureFile, limits: Limits) -> Structure:
    """The header of a PBM, PGM or PPM.

    Raises:
        PictureError: Numbers are missing or make no sense.
    """
    kind, width, height, largest, start = _header(file)
    samples = width * height * (3 if kind in _COLOUR else 1)
    if kind == 4:
        needed = (width + 7) // 8 * height
    elif kind in _PLAIN:
        needed = samples  # at least one character each
    else:
        needed = samples * (1 if largest < 256 else 2)
    whole = start + needed <= file.size
    return Structure(
        width=width,
        height=height,
        channels=3 if kind in _COLOUR else 1,
        bit_depth=1 if kind in _BITMAP else (8 if largest < 256 else 16),
        damage=None if whole else truncated("PNM", f"{needed:,} bytes of pixels were announced"),
    )


def check(file: PictureFile, structure: Structure) -> Damage | None:
    """PNM has no checksums; the header already says whether rows are missing."""
    return structure.damage


def decode(file: PictureFile) -> Shaped[Tensor, "h w c"]:
    """The pixels, rows first, as uint8, or uint16 when the largest code is above 255.

    A largest code that is neither 255 nor 65535 is stretched to it, rounding to nearest.

    Raises:
        PictureError: A sample above the largest code, or text that is no number.
    """
    kind, width, height, largest, start = _header(file)
    channels = 3 if kind in _COLOUR else 1
    count = width * height * channels
    values: NDArray[np.integer]
    if kind == 4:
        row = (width + 7) // 8
        bits = np.unpackbits(
            np.frombuffer(file.at(start, row * height), np.uint8).reshape(height, row), axis=1
        )
        values = bits[:, :width]
    elif kind in _PLAIN:
        values = _plain_numbers(file.at(start, file.size), kind, count)
    else:
        stored = np.dtype(">u2" if largest > 255 else "u1")
        values = np.frombuffer(file.at(start, count * stored.itemsize), stored)
    if values.size < count:
        raise truncated("PNM", f"{count:,} samples were announced").error()
    if values.max(initial=0) > largest:
        raise corrupt("PNM", f"a sample is above the largest code {largest}").error()
    if kind in _BITMAP:
        values = 1 - values  # 1 is black
    full = 65535 if largest > 255 else 255
    native = values.astype(np.uint16 if largest > 255 else np.uint8)
    if largest != full:
        native = ((native.astype(np.uint32) * full + largest // 2) // largest).astype(native.dtype)
    return torch.from_numpy(native.reshape(height, width, channels))


def _header(file: PictureFile) -> tuple[int, int, int, int, int]:
    """Kind 1..6, width, height, largest code, and where the samples begin."""
    head = file.at(0, _HEADER)
    kind, offset = head[1] - ord("0"), 2
    numbers: list[int] = []
    while len(numbers) < (2 if kind in _BITMAP else 3):
        token = _TOKEN.match(head, offset)
        if token is None:
            raise truncated("PNM", "its header is not complete").error()
        if not token[1].isdigit() or len(token[1]) > 10:
            raise corrupt("PNM", "its header holds something that is no number").error()
        numbers.append(int(token[1]))
        offset = token.end()
    width, height, largest = (*numbers, 1)[:3]
    if not 1 <= largest <= 65535:
        raise corrupt("PNM", f"its largest code is {largest}, not 1 to 65535").error()
    return kind, width, height, largest, offset + 1


def _plain_numbers(text: bytes, kind: int, count: int) -> NDArray[np.integer]:
    # The digits of a plain bitmap need no space between them.
    words = list(re.sub(rb"\s", b"", text).decode("latin-1")) if kind == 1 else text.split()
    try:
        return np.array(words[:count], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise _no_number() from error


def _no_number() -> PictureError:
    return corrupt("PNM", "a sample is no number").error()
