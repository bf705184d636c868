"""The tensors that a pickle of torch describes, before any of their numbers is read.

A tensor is a view (offset, shape, stride) of a storage; a description may claim any size, so that
each is checked against the bytes that its storage has in the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from superfine.errors import ModelFileError, UnsafeModelError
from superfine.foreign.pickled import Global, Meaning, Opaque
from superfine.foreign.stored import WRAPPERS, StoredTensor, StoredTensors, named
from superfine.schema import Shape

_FLOATS = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
}
_WHOLE = {
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_UNUSUAL = frozenset(
    (
        "ComplexFloatStorage", "ComplexDoubleStorage", "QInt8Storage", "QUInt8Storage",
        "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage", "UntypedStorage",
    )
)  # fmt: skip
_STORAGES = {**_FLOATS, **_WHOLE}
_DTYPES = frozenset(str(dtype).removeprefix("torch.") for dtype in _STORAGES.values())

_DENSE = Global("torch._utils", "_rebuild_tensor_v2")
_PARAMETER = Global("torch._utils", "_rebuild_parameter")
_ORDERED_DICT = Global("collections", "OrderedDict")
_TENSORS = (_DENSE, _PARAMETER, _ORDERED_DICT)
# Numbers and marks beside the weights, in the checkpoints of trainings; kept closed.
_HARMLESS = frozenset(
    (
        Global("torch", "Size"),
        Global("torch", "device"),
        Global("_codecs", "encode"),
        Global("numpy", "dtype"),
        Global("numpy.core.multiarray", "scalar"),
        Global("numpy._core.multiarray", "scalar"),
        Global("collections", "defaultdict"),
        Global("collections", "Counter"),
        Global("builtins", "dict"),
        Global("__builtin__", "dict"),
    )
)

# Larger claims are lies, and would only make sums slow.
_LARGEST_NUMBER = 1 << 48
_MOST_AXES = 8
# How often a dict of tensors may be wrapped in another dict.
_DEEPEST_WRAPPING = 8


@dataclass(frozen=True)
class Storage:
    """A reference to `count` numbers under `key`."""

    key: str
    dtype: torch.dtype
    count: int


@dataclass(frozen=True)
class _Described:
    """A tensor as the pickle describes it."""

    storage: Storage
    offset: int
    shape: Shape
    stride: Shape


def meaning_of_torch(storages: dict[str, Storage] | None = None) -> Meaning:
    """What names and references mean in a file of torch; `storages` collects the references."""
    seen = {} if storages is None else storages

    def fetch(reference: object) -> object:
        match reference:
            case ("storage", Global("torch", kind), str(key), str(), int(count), *rest) if (
                kind in _STORAGES and 0 <= count <= _LARGEST_NUMBER and rest in ([], [None])
            ):
                storage = Storage(key, _STORAGES[kind], count)
                if seen.setdefault(key, storage) != storage:
                    raise ModelFileError(f"The file describes its storage {key} twice.")
                return storage
        raise damaged()

    return Meaning(_accept, _call, fetch)


def _accept(name: Global) -> None:
    if name in _TENSORS or name in _HARMLESS:
        return
    if name.module == "torch" and (name.name in _STORAGES or name.name in _DTYPES):
        return
    if (name.module == "torch" and name.name in _UNUSUAL) or (
        name.module == "torch._utils" and name.name.startswith("_rebuild_")
    ):
        raise ModelFileError(
            f"The file holds unusual tensors ({name}): sparse, quantised, complex or without data.",
            hint="Ask for dense floating-point weights.",
        )
    raise UnsafeModelError(
        f"The file would import {name}: it holds more than tensors; nothing in it was run.",
        hint="Ask for the state_dict alone, best as .safetensors.",
    )


def _call(name: Global, arguments: tuple[object, ...]) -> object:
    if name == _ORDERED_DICT:
        return {}
    if name == _PARAMETER:
        return arguments[0]
    if name != _DENSE:
        return Opaque()
    match arguments:
        case (Storage() as storage, int(offset), tuple(shape), tuple(stride), *_):
            return _Described(storage, _whole((offset,))[0], _whole(shape), _whole(stride))
    raise damaged()


def _whole(numbers: tuple[object, ...]) -> Shape:
    checked = tuple(n for n in numbers if isinstance(n, int) and 0 <= n <= _LARGEST_NUMBER)
    if len(checked) != len(numbers) or len(numbers) > _MOST_AXES:
        raise damaged()
    return checked


def stored_tensors(
    found: object, raw: Callable[[Storage], bytes], size: Callable[[Storage], int]
) -> StoredTensors:
    """The described tensors in `found`, each checked against the `size` of its storage."""
    stored = {}
    sizes = {}
    for name, tensor in _unwrapped(found).items():
        _refuse_lies(name, tensor, size(tensor.storage))
        dtype = tensor.storage.dtype
        dtype = dtype if dtype in _WHOLE.values() else torch.float32
        stored[name] = StoredTensor(tensor.shape, partial(_read, tensor, raw, dtype), dtype)
        sizes[tensor.storage.key] = tensor.storage.count * tensor.storage.dtype.itemsize
    return named(stored, keeps_order=True, size=sum(sizes.values()))


def _unwrapped(found: object) -> dict[str, _Described]:
    """The dict of tensors in a checkpoint, under whatever words it is wrapped."""
    for _ in range(_DEEPEST_WRAPPING):
        if not isinstance(found, dict):
            break
        inner = [found[w] for w in WRAPPERS if isinstance(found.get(w), dict) and found[w]]
        tensors = {str(k): v for k, v in found.items() if isinstance(v, _Described)}
        dicts = [v for v in found.values() if isinstance(v, dict) and v]
        if inner:
            found = inner[0]
        elif tensors or len(dicts) != 1:
            return tensors
        else:
            found = dicts[0]
    raise ModelFileError("The file holds no dict of tensors.", hint="Give a state_dict.")


def _refuse_lies(name: str, tensor: _Described, available: int) -> None:
    """Refuses a tensor or a storage that claims more than the `available` bytes of the file."""
    storage = tensor.storage
    if 0 in tensor.shape and len(tensor.shape) == len(tensor.stride):
        return
    pairs = list(zip(tensor.shape, tensor.stride, strict=False))
    last = tensor.offset + sum((length - 1) * step for length, step in pairs)
    if (
        len(tensor.shape) != len(tensor.stride)
        or storage.count * storage.dtype.itemsize > available
        or last >= storage.count
        or math.prod(tensor.shape) > storage.count
    ):
        raise ModelFileError(
            f"{name} claims {math.prod(tensor.shape):,} numbers, but its storage has "
            f"{available // storage.dtype.itemsize:,}.",
            hint="Ask for dense floating-point weights.",
        )


def _read(tensor: _Described, raw: Callable[[Storage], bytes], dtype: torch.dtype) -> Tensor:
    if 0 in tensor.shape:
        return torch.empty(tensor.shape, dtype=dtype)
    numbers = torch.frombuffer(bytearray(raw(tensor.storage)), dtype=tensor.storage.dtype)
    view = numbers.as_strided(tensor.shape, tensor.stride, tensor.offset)
    # A copy: the storage may be shared with other tensors of the file.
    return view.to(dtype, memory_format=torch.contiguous_format, copy=True)


def damaged() -> ModelFileError:
    """The error for a file that contradicts itself."""
    return ModelFileError("The torch file is damaged.", hint="Fetch the file again.")
