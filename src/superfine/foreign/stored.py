"""Tensors that still lie in a file: their shapes are known, their values are not read."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

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
        read: Reads it as float32; raises ModelFileError when the file is damaged.
    """

    shape: Shape
    read: Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class StoredTensors:
    """The tensors of a file by name, without wrappers and shared prefixes.

    Attributes:
        tensors: In the order of the file.
        ordered: Whether that order is the order of the network's layers.
    """

    tensors: Mapping[str, StoredTensor]
    ordered: bool


def named(tensors: Mapping[str, StoredTensor], *, keeps_order: bool) -> StoredTensors:
    """`tensors` without the prefixes they all share.

    Args:
        keeps_order: Whether files of this format keep the order in which they were written.

    Raises:
        ModelFileError: When there is no tensor.
    """
    if not tensors:
        raise ModelFileError("The file holds no named tensors.", hint="Give a state_dict.")
    found = dict(tensors)
    while True:
        first = next(iter(found)).partition(".")[0]
        if first not in WRAPPERS or not all(name.startswith(first + ".") for name in found):
            break
        found = {name[len(first) + 1 :]: tensor for name, tensor in found.items()}
    # A file sorted by name has forgotten the order of the layers.
    return StoredTensors(found, ordered=keeps_order and list(found) != sorted(found))


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
