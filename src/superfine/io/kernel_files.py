"""The kinds of files kernels come in, one function each; what they mean is decided in `kernels`."""

from __future__ import annotations

import io
import re
import struct
import zlib
from itertools import pairwise

import numpy as np
import torch

from superfine.errors import PictureError, UsageError
from superfine.io.depth.arrays import write_npy
from superfine.io.formats.structure import corrupt
from superfine.io.gate import Limits, PictureFile, require_size
from superfine.io.mat5 import Matrix
from superfine.io.pictures import read
from superfine.io.writer import encode
from superfine.types import Image, Kernel

_WHITE = 65535
_PNG_START = 8 + 25  # the signature and the header of a PNG, before which no other chunk stands
# What our PNGs say of themselves.
_KEYWORD = b"superfine kernel"
_TEXT = re.compile(
    r"black (?P<black>[-+.e\d]+), white (?P<white>[-+.e\d]+), "
    r"x(?P<scale>\d{1,3}), anchor (?P<row>\d{1,4}) (?P<column>\d{1,4})"
)


def kernel_npy(values: Matrix) -> bytes:
    """One NPY of `values`."""
    stream = io.BytesIO()
    write_npy(values, "<f8", stream)
    return stream.getvalue()


def kernel_png(kernel: Kernel) -> bytes:
    """A 16-bit grey PNG of `kernel`, with what black and white stand for in a text chunk."""
    black, white = min(0.0, float(kernel.values.min())), float(kernel.values.max())
    codes = ((kernel.values - black) * (_WHITE / (white - black))).round()
    picture = encode(Image(codes.to(torch.int32).to(torch.uint16)[None]), "png")
    text = (
        f"black {black!r}, white {white!r}, x{kernel.scale}, "
        f"anchor {kernel.anchor[0]} {kernel.anchor[1]}"
    )
    body = b"tEXt" + _KEYWORD + b"\0" + text.encode("latin-1")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:_PNG_START] + chunk + picture[_PNG_START:]


def read_png(
    file: PictureFile, limits: Limits, *, scale: int
) -> tuple[Matrix, tuple[int, int] | None]:
    """The values of a grey PNG and, where it is one of ours for `scale`, the anchor.

    Of other PNGs black is 0, which is what programs write that scale a kernel to white.

    Raises:
        PictureError: Colours, transparency, or damage.
        LimitError: Larger than `limits`.
    """
    data = file.at(0, file.size)
    image = read(data, limits=limits)
    if not image.grey or image.alpha is not None:
        raise PictureError(
            "The PNG has colours or transparency; a kernel is grey.",
            hint="Give the kernel itself, not a plot of it.",
        )
    codes = image.pixels[0].to(torch.int32).double().numpy()
    said = _text(data)
    if said is None:
        return codes, None
    black, white = float(said["black"]), float(said["white"])
    values = black + codes * ((white - black) / _WHITE)
    anchor = int(said["row"]), int(said["column"])
    return values, anchor if int(said["scale"]) == scale else None


def _text(data: bytes) -> re.Match[str] | None:
    place = data.find(b"tEXt" + _KEYWORD + b"\0")
    if place < 4:
        return None
    (length,) = struct.unpack(">I", data[place - 4 : place])
    start = place + 4 + len(_KEYWORD) + 1
    return _TEXT.fullmatch(data[start : place + 4 + min(length, 1024)].decode("latin-1"))


def read_text(file: PictureFile, limits: Limits) -> Matrix:
    """Rows of numbers, apart by spaces, tabs, commas or semicolons; `#` and `%` start remarks.

    Raises:
        PictureError: Something else, or rows of different lengths.
        LimitError: Larger than `limits`.
    """
    text = file.at(0, file.size).decode("utf-8", "replace")
    lines = (re.split(r"[#%]", line)[0] for line in text.splitlines())
    cells = [
        found for line in lines if (found := re.split(r"[\s,;]+", line.strip(" \t,;"))) != [""]
    ]
    if not cells or any(len(a) != len(b) for a, b in pairwise(cells)):
        raise corrupt("text", "its rows are missing or of different lengths").error()
    require_size(len(cells[0]), len(cells), frames=1, limits=limits)
    try:
        return np.array([[float(cell) for cell in row] for row in cells])
    except ValueError as error:
        raise corrupt("text", "it holds something else than numbers").error() from error


def read_hdf5(file: PictureFile, limits: Limits) -> dict[str, Matrix]:
    """The matrices of real numbers in a MATLAB 7.3 file, by name; those too large are passed over.

    Raises:
        UsageError: h5py is missing.
        PictureError: Damaged.
    """
    try:
        import h5py
    except ImportError:
        raise UsageError(
            "This MATLAB file needs h5py, which is not installed.",
            hint="pip install 'superfine[train]', or save the kernel with -v7.",
        ) from None
    found = {}
    try:
        with file.stream() as stream, h5py.File(stream, "r") as content:
            for name in content:
                # A link into another file, or samples kept in one, would read what nobody named.
                link = content.get(name, getlink=True)
                variable = content[name] if isinstance(link, h5py.HardLink) else None
                if not isinstance(variable, h5py.Dataset) or variable.external:
                    continue
                numbers = variable.ndim == 2 and variable.dtype.kind in "iuf"
                if numbers and not variable.is_virtual and variable.size <= limits.max_pixels:
                    # MATLAB lays columns out first.
                    found[name] = np.asarray(variable[()], np.float64).T
    except (OSError, RuntimeError, KeyError, ValueError, MemoryError) as error:
        file.require_unchanged()
        raise corrupt("MATLAB", "HDF5 cannot read it").error() from error
    return found
