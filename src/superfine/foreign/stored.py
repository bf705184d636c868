"""Tensors that still lie in a file: their shapes are known, their values are not read."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import torch
from torch import Tensor

from superfine.errors import ModelFileError, UnsafeModelError
from superfine.schema import Shape

# Words that wrap or prefix the tensors of a network; averaged weights come first.
WRAPPERS = (
    "params_ema", "g_ema", "model_ema", "state_dict_ema", "ema_state_dict", "ema",
    "params", "state_dict", "model_state_dict", "generator", "netG", "net", "model", "network",
    "weights", "module", "_orig_mod",
)  # fmt: skip

# Entries of a zip archive; real files have a few hundred.
_MOST_ENTRIES = 20_000

# What reading an entry of a damaged archive raises.
_DAMAGES = (
    zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, EOFError, NotImplementedError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """One tensor in a file.

    Attributes:
        shape: As the file claims, and as `read` will return or refuse.
        read: Reads it as `dtype`; raises ModelFileError when the file is damaged.
        dtype: Of what `read` returns: float32 for every floating type in the file.
    """

    shape: Shape
    read: Callable[[], Tensor]
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True, eq=False)
class StoredTensors:
    """The tensors of a file by name, without wrappers and shared prefixes.

    Attributes:
        tensors: Those of real floating numbers, in the order of the file.
        ordered: Whether that order is the order of the network's layers.
        whole: Those of whole numbers or marks, such as the positions in a window of attention or
            a counter of batches; no network of the zoo has any.
        prefix: What was taken off the front of every name, with its dots: "module.".
        size: Bytes of all numbers in the file; each once, though tensors may share them.
    """

    tensors: Mapping[str, StoredTensor]
    ordered: bool
    whole: Mapping[str, StoredTensor] = field(default_factory=dict)
    prefix: str = ""
    size: int = 0


def named(tensors: Mapping[str, StoredTensor], *, keeps_order: bool, size: int) -> StoredTensors:
    """`tensors` without the prefixes they all share.

    Args:
        keeps_order: Whether files of this format keep the order in which they were written.
        size: Bytes of their numbers in the file.

    Raises:
        ModelFileError: When there is no tensor, or none of floating numbers.
    """
    if not tensors:
        raise ModelFileError("The file holds no named tensors.", hint="Give a state_dict.")
    prefix = ""
    while True:
        names = [name[len(prefix) :] for name in tensors]
        first = names[0].partition(".")[0] + "."
        if first[:-1] not in WRAPPERS or not all(name.startswith(first) for name in names):
            break
        prefix += first
    found = {name[len(prefix) :]: tensor for name, tensor in tensors.items()}
    floats = {name: tensor for name, tensor in found.items() if tensor.dtype.is_floating_point}
    whole = {name: tensor for name, tensor in found.items() if name not in floats}
    if not floats:
        name, tensor = next(iter(whole.items()))
        raise ModelFileError(f"{name} is {tensor.dtype}; weights are real floating numbers.")
    # A file sorted by name has forgotten the order of the layers.
    ordered = keeps_order and list(floats) != sorted(floats)
    return StoredTensors(floats, ordered=ordered, whole=whole, prefix=prefix, size=size)


def is_zip(data: bytes) -> bool:
    """Whether `data` begins as a zip archive."""
    return data.startswith(b"PK\x03\x04")


def open_zip(data: bytes) -> zipfile.ZipFile:
    """The archive `data`; its entries are plain, named once, and no larger than `data` allows.

    Entries are only ever read by name into memory; no path in the archive is used.

    Raises:
        ModelFileError: When the archive is damaged or too large.
        UnsafeModelError: When it is built to deceive.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise ModelFileError(
            "The archive is cut off or damaged.", hint="Fetch the file again."
        ) from None
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > _MOST_ENTRIES:
        raise ModelFileError(f"The archive holds {len(entries):,} entries.")
    if len(set(names)) < len(names):
        raise UnsafeModelError("The archive holds two entries of one name.")
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
            raise UnsafeModelError(f"The archive holds an entry outside itself: {path}.")
        if entry.flag_bits & 0x1:
            raise UnsafeModelError(f"The archive holds an encrypted entry: {path}.")
    return archive


def read_entry(archive: zipfile.ZipFile, name: str, size: int) -> bytes:
    """The `size` bytes of an entry.

    Raises:
        ModelFileError: When the entry is missing, damaged or of another size.
    """
    try:
        with archive.open(name) as entry:
            # One byte more than expected shows a lie about the size without unpacking it all.
            data = entry.read(size + 1)
    except _DAMAGES:
        data = b""
    if len(data) != size:
        raise ModelFileError(
            f"{name} in the archive is damaged: expected {size:,} bytes.",
            hint="Fetch the file again.",
        )
    return data
