"""Other people's safetensors files."""

from __future__ import annotations

from functools import partial

import torch
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
        ModelFileError: When the file is damaged or holds other than real or whole numbers.
    """
    header_from_bytes(data)  # a limit on the header far below the library's
    try:
        tensors: dict[str, Tensor] = load(data)
    except (SafetensorError, KeyError) as error:
        raise ModelFileError(
            f"The safetensors file is damaged: {error}.", hint="Fetch the file again."
        ) from None
    for name, tensor in tensors.items():
        if tensor.is_complex():
            raise ModelFileError(f"{name} is {tensor.dtype}; weights are real floating numbers.")
    stored = {name: _stored(tensor) for name, tensor in tensors.items()}
    return named(stored, keeps_order=False, size=len(data))


def _stored(tensor: Tensor) -> StoredTensor:
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return StoredTensor(tuple(tensor.shape), partial(tensor.to, dtype), dtype)
