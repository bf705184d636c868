"""What `torch.save` writes, in its two layouts, without torch's loader.

Since torch 1.6 a file is a zip archive: `NAME/data.pkl` describes the tensors and `NAME/data/KEY`
holds the bytes of a storage. Before, it was five pickles in a row and then the storages.
`torch.load(weights_only=True)` reads both, but takes the memory a file claims before it looks
whether the file has it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from superfine.errors import ModelFileError, UnsafeModelError
from superfine.foreign.described import Storage, damaged, meaning_of_torch, stored_tensors
from superfine.foreign.pickled import read_pickle
from superfine.foreign.stored import StoredTensors, read_entry

_LARGEST_PICKLE = 8 << 20
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001


def read_torch_zip(archive: zipfile.ZipFile) -> StoredTensors:
    """The tensors of a file of `torch.save` since 1.6.

    Raises:
        ModelFileError: When the archive is something else, is damaged or holds unusual tensors.
        UnsafeModelError: When it holds more than tensors.
    """
    entries = {entry.filename: entry for entry in archive.infolist()}
    root = _root(entries)
    pickle = entries[root + "data.pkl"]
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise UnsafeModelError("The archive is compressed, which torch never does.")
    if pickle.file_size > _LARGEST_PICKLE:
        raise ModelFileError(f"The description of the tensors claims {pickle.file_size:,} bytes.")
    order = root + "byteorder"
    if order in entries and read_entry(archive, order, 6) != b"little":
        raise ModelFileError("The file was written on a big-endian machine.")
    text = read_entry(archive, pickle.filename, pickle.file_size)
    found = read_pickle(io.BytesIO(text), meaning_of_torch())

    def raw(storage: Storage) -> bytes:
        return read_entry(
            archive, f"{root}data/{storage.key}", storage.count * storage.dtype.itemsize
        )

    def size(storage: Storage) -> int:
        entry = entries.get(f"{root}data/{storage.key}")
        return min(entry.file_size, entry.compress_size) if entry else 0

    return stored_tensors(found, raw, size)


def _root(names: Mapping[str, object]) -> str:
    """The folder inside the archive, with its slash, that holds the pickle."""
    if any(name.endswith("constants.pkl") or "/code/" in name for name in names):
        raise UnsafeModelError(
            "The file is TorchScript: a program, not weights.",
            hint="Ask for the state_dict, as .safetensors or .pth.",
        )
    if any(name.endswith(("archive_format", ".pt2")) or "/models/" in name for name in names):
        raise UnsafeModelError(
            "The file is an exported program (.pt2), not weights.",
            hint="Ask for the state_dict, as .safetensors or .pth.",
        )
    roots = [name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise ModelFileError("The archive is neither a .npz nor a file of torch.save.")
    return roots[0]


def is_torch_legacy(data: bytes) -> bool:
    """Whether `data` begins as a pickle, as files of `torch.save` before 1.6 do."""
    return len(data) > 2 and data[0] == 0x80 and data[1] <= 5


def read_torch_legacy(data: bytes) -> StoredTensors:
    """The tensors of a file of `torch.save` before 1.6.

    Raises:
        ModelFileError: When the file is another pickle, is damaged or holds unusual tensors.
        UnsafeModelError: When it holds more than tensors.
    """
    stream = io.BytesIO(data)
    meaning = meaning_of_torch()
    if read_pickle(stream, meaning) != _LEGACY_MAGIC:
        raise ModelFileError("The file is a pickle, but not one of torch.save.")
    if read_pickle(stream, meaning) != _LEGACY_PROTOCOL:
        raise ModelFileError("The file is of an unknown version of torch.save.")
    system = read_pickle(stream, meaning)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ModelFileError("The file was written on a big-endian machine.")
    storages: dict[str, Storage] = {}
    found = read_pickle(stream, meaning_of_torch(storages))
    pieces = _legacy_pieces(data, stream, storages, read_pickle(stream, meaning))

    def raw(storage: Storage) -> bytes:
        return data[pieces[storage.key]]

    def size(storage: Storage) -> int:
        piece = pieces.get(storage.key, slice(0, 0))
        return int(piece.stop) - int(piece.start)

    return stored_tensors(found, raw, size)


def _legacy_pieces(
    data: bytes, stream: io.BytesIO, storages: Mapping[str, Storage], keys: object
) -> dict[str, slice]:
    """Where in `data` each storage lies: its count as eight bytes, then its numbers."""
    pieces = {}
    for key in keys if isinstance(keys, list) else []:
        storage = storages.get(key) if isinstance(key, str) else None
        count = int.from_bytes(stream.read(8), "little")
        if storage is None or storage.count != count:
            raise damaged()
        start = stream.tell()
        stop = start + count * storage.dtype.itemsize
        if stop > len(data):
            raise damaged()
        pieces[key] = slice(start, stop)
        stream.seek(stop)
    return pieces
