"""Other people's safetensors files."""

from __future__ import annotations

from functools import partial

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from superfine.card import header_from_bytes
from superfine.errors import ModelFileError
from superfine.foreign.stored import StoredTensor, StoredTensors, named


def is_safetensors(data: bytes) -> bool:
    """Whether `data` begins as a safetensors file: a length, then JSON."""
    return data[8:9] == b"{"


def read_safetensors(data: bytes) -> StoredTensors:
    """The tensors of a safetensors file.

    The library refuses overlaps, holes and sizes that differ from the file's, so that no claim
    takes more memory than the file has bytes.

    Raises:
        ModelFileError: When the file is damaged or holds other than real floating numbers.
    """
    header_from_bytes(data)  # a limit on the header far below the library's
    try:
        tensors: dict[str, Tensor] = load(data)
    except (SafetensorError, KeyError) as error:
        raise ModelFileError(
            f"The safetensors file is damaged: {error}.", hint="Fetch the file again."
        ) from None
    weights = {name: t for name, t in tensors.items() if t.is_floating_point() or t.numel() != 1}
    for name, tensor in weights.items():
        if not tensor.is_floating_point():
            raise ModelFileError(f"{name} is {tensor.dtype}; weights are real floating numbers.")
    stored = {n: StoredTensor(tuple(t.shape), partial(_as_float, t)) for n, t in weights.items()}
    return named(stored, keeps_order=False)


def _as_float(tensor: Tensor) -> Tensor:
    return tensor.float()
