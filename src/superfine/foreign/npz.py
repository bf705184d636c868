"""NumPy archives: one array per entry, never a pickled one."""

from __future__ import annotations

import io
import math
import zipfile
from functools import partial

import numpy as np
import torch
from torch import Tensor

from superfine.errors import ModelFileError, UnsafeModelError
from superfine.foreign.stored import StoredTensor, StoredTensors, named, read_entry
from superfine.schema import Shape

# An array's header with its type and shape; numpy's own limit for text it will parse.
_LARGEST_HEADER = 10_000
# Deflate packs at most about 1032 to 1; weights hardly pack at all.
_MOST_UNPACKED = 1 << 30


def read_npz(archive: zipfile.ZipFile) -> StoredTensors:
    """The arrays of a `.npz` archive.

    Raises:
        ModelFileError: When an array is damaged, too large or not of real floating numbers.
        UnsafeModelError: When an array holds pickled objects.
    """
    size = sum(entry.file_size for entry in archive.infolist())
    if size > _MOST_UNPACKED:
        raise ModelFileError(f"The archive unpacks to more than {_MOST_UNPACKED:,} bytes.")
    stored = {}
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        shape, dtype = _header(archive, entry)
        if dtype.kind not in "fiub" or dtype.itemsize > 8:
            raise ModelFileError(f"{name} is {dtype}; weights are real floating numbers.")
        read_as = np.dtype(np.float32) if dtype.kind == "f" else dtype.newbyteorder("=")
        stored[name] = StoredTensor(
            shape, partial(_read, archive, entry, read_as), _torch_type(read_as)
        )
    return named(stored, keeps_order=True, size=size)


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[Shape, np.dtype[np.generic]]:
    """Shape and type of an array, its size checked against the entry's."""
    length = min(entry.file_size, _LARGEST_HEADER)
    try:
        with archive.open(entry) as file:
            start = io.BytesIO(file.read(length))
        version = np.lib.format.read_magic(start)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        shape, _, dtype = readers[version](start)
    except Exception as error:
        # numpy parses the header as Python text and raises whatever that meets.
        raise ModelFileError(
            f"{entry.filename} is not a NumPy array: {type(error).__name__}."
        ) from None
    if dtype.hasobject:
        raise UnsafeModelError(
            f"{entry.filename} holds pickled Python objects; nothing was run.",
            hint="Ask for the weights as plain arrays.",
        )
    if min(shape, default=0) < 0 or start.tell() + math.prod(shape) * dtype.itemsize != (
        entry.file_size
    ):
        raise ModelFileError(f"{entry.filename} has another size than its shape says.")
    return tuple(shape), dtype


def _torch_type(dtype: np.dtype[np.generic]) -> torch.dtype:
    return torch.from_numpy(np.empty(0, dtype)).dtype


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, dtype: np.dtype[np.generic]) -> Tensor:
    data = read_entry(archive, entry.filename, entry.file_size)
    array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return torch.from_numpy(np.ascontiguousarray(array, dtype=dtype))
