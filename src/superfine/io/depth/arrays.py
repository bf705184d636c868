"""NPY and NPZ, without pickle: header and size are checked before a sample is touched."""

from __future__ import annotations

import io
import math
import tokenize
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from superfine.errors import PictureError
from superfine.io.depth.samples import Rows, Samples, pick, require_number
from superfine.io.formats.structure import corrupt, truncated, unsupported
from superfine.io.gate import Limits, PictureFile, require_size

MAGIC = b"\x93NUMPY"
_LARGEST_HEADER = 2**16
_HEADER_FAULTS = (
    *(ValueError, TypeError, SyntaxError, RecursionError, MemoryError),
    tokenize.TokenError,  # from a second attempt of numpy's, for headers of Python 2
)
_USUAL = "depth"  # the array of an NPZ that is taken among several, and what ours is called
_ENCRYPTED = 1
# What zipfile says of a damaged archive; RuntimeError of encryption and of unknown ways to pack.
_UNPACKING = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError)
# Every NPZ of ours says this, so that the same map gives the same bytes.
_MIDNIGHT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class _Header:
    """What an NPY says of its array, and where its samples begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def shaped(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The samples in the shape of the array."""
        return stored.reshape(self.shape, order="F" if self.fortran else "C")


def read_npy(
    file: PictureFile, limits: Limits, *, index: int | None, boolean: bool = False
) -> Samples:
    """The map in an NPY of shape (h, w), (1, h, w) or (h, w, 1), or frame `index` of (n, h, w).

    Of a stack in C order only the frame itself is read.

    Args:
        boolean: Whether an array of true and false will do, as for a mask.

    Raises:
        PictureError: No array of numbers of such a shape, or damaged.
        LimitError: Larger than `limits`.
    """
    header = _header(file.at(0, _LARGEST_HEADER + 16), boolean=boolean)
    needed = header.size * header.dtype.itemsize
    if header.start + needed > file.size:
        raise truncated("NPY", f"{needed:,} bytes of samples were announced").error()
    count, height, width = _frames(header.shape)
    frame = pick(index, count, "The array")
    if header.fortran:
        # The samples of one frame lie scattered over the whole array.
        require_size(width, height, frames=count, limits=limits)
        stored = np.frombuffer(file.at(header.start, needed), header.dtype)
        rows = header.shaped(stored).reshape(count, height, width)[frame]
    else:
        require_size(width, height, frames=1, limits=limits)
        step = height * width * header.dtype.itemsize
        stored = np.frombuffer(file.at(header.start + frame * step, step), header.dtype)
        rows = stored.reshape(height, width)
    return Samples(_native(rows), "npy", header.dtype.str)


def read_npz(file: PictureFile, limits: Limits, *, index: int | None) -> Samples:
    """The map in an NPZ: its only array, or the one called `depth`.

    Raises:
        PictureError: Several arrays and none of that name, no map, or damaged.
        LimitError: Larger than `limits`.
    """
    try:
        with file.stream() as stream, zipfile.ZipFile(stream) as archive:
            entry = _chosen(archive)
            name = entry.filename.removesuffix(".npy")
            with archive.open(entry) as packed:
                header = _header(packed.read(_LARGEST_HEADER + 16), boolean=False)
                count, height, width = _frames(header.shape)
                frame = pick(index, count, f"The array {name!r}")
                require_size(width, height, frames=count, limits=limits)
                needed = header.start + header.size * header.dtype.itemsize
                if entry.file_size != needed:
                    raise corrupt("NPZ", f"the array {name!r} is not as long as it says").error()
                packed.seek(0)
                data = packed.read(needed)
                if len(data) != needed or packed.read(1):
                    raise corrupt("NPZ", f"the array {name!r} is not as long as it says").error()
    except _UNPACKING as error:
        file.require_unchanged()
        raise corrupt("NPZ", "its archive cannot be unpacked").error() from error
    stored = np.frombuffer(data, header.dtype, offset=header.start)
    rows = header.shaped(stored).reshape(count, height, width)[frame]
    return Samples(_native(rows), "npz", header.dtype.str, name=name)


def write_npy(rows: Rows, dtype: str, file: BinaryIO | io.BytesIO) -> None:
    """Writes `rows` as one NPY in C order, in the byte order that `dtype` names."""
    stored = np.ascontiguousarray(rows, dtype)
    description = {"descr": npy.dtype_to_descr(stored.dtype), "fortran_order": False}
    npy.write_array_header_1_0(file, {**description, "shape": stored.shape})
    file.write(stored.data)


def write_npz(rows: Rows, dtype: str, name: str, file: BinaryIO) -> None:
    """Writes `rows` as the only array, called `name` or `depth`, of a deflated NPZ."""
    content = io.BytesIO()
    write_npy(rows, dtype, content)
    entry = zipfile.ZipInfo(f"{name or _USUAL}.npy", _MIDNIGHT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry, content.getbuffer())


def _header(head: bytes, *, boolean: bool) -> _Header:
    if not head.startswith(MAGIC):
        raise corrupt("NPY", "it does not start like an NPY array").error()
    stream = io.BytesIO(head)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy 1 and Python 2 wrote headers that still fit
            version = npy.read_magic(stream)
            reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = reader(stream, max_header_size=_LARGEST_HEADER)
    except _HEADER_FAULTS as error:
        raise corrupt("NPY", "its header does not describe an array").error() from error
    require_number(dtype.str if dtype.names is None else "a record", boolean=boolean)
    if any(side < 0 for side in shape):
        raise corrupt("NPY", f"its shape is {shape}").error()
    return _Header(tuple(shape), dtype, fortran, stream.tell())


def _frames(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Number of maps, rows and columns of an array of `shape`."""
    plain = shape[:-1] if len(shape) in (3, 4) and shape[-1] == 1 else shape
    if len(plain) == 2:
        return 1, plain[0], plain[1]
    if len(plain) == 3:
        return plain[0], plain[1], plain[2]
    raise unsupported(
        f"The array has shape {shape}; (h, w) or (n, h, w) was expected.",
        "Save one map as a two-dimensional array.",
    )


def _chosen(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    arrays = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
    named = [entry for entry in arrays if entry.filename == f"{_USUAL}.npy"]
    found = named or arrays
    if len(found) == 1:
        if found[0].flag_bits & _ENCRYPTED:
            raise unsupported("The NPZ is encrypted.", "Save it again without a password.")
        return found[0]
    names = ", ".join(repr(entry.filename.removesuffix(".npy")[:40]) for entry in arrays[:8])
    raise PictureError(
        f"The NPZ holds {len(arrays)} arrays ({names or 'none'}); one called 'depth' was expected.",
        hint="Save the map alone, or call it 'depth'.",
        code="E_FORMAT",
    )


def _native(rows: NDArray[Any]) -> Rows:
    return np.array(rows, rows.dtype.newbyteorder("="), order="C")
