"""Weight files put together by hand, for what no library would write."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from superfine.card import Card
from superfine.models import find
from superfine.own_file import encode

BILLION = 10**9


class Shell:
    """What every tutorial on unsafe pickles shows."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch canary",)


def network() -> nn.Module:
    torch.manual_seed(0)
    return find("fsrcnn").build(2)


def state() -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network().state_dict().items()}


def own_file() -> bytes:
    return encode(network(), Card("fsrcnn", 2, "y"))


def torch_file(value: object, *, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def zip_file(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # zipfile warns of duplicate names
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


class _Storage:
    """Pickled as a reference to a storage of `count` numbers."""

    def __init__(self, count: int) -> None:
        self.count = count


class Claim:
    """Pickled as a tensor that claims any shape."""

    def __init__(self, count: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.parts = (_Storage(count), 0, shape, stride, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, self.parts


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> object:
        if isinstance(obj, _Storage):
            return ("storage", torch.FloatStorage, "0", "cpu", obj.count)
        return None


def described(value: object) -> bytes:
    """A torch archive whose one storage holds four numbers, whatever `value` claims."""
    file = io.BytesIO()
    _Pickler(file, protocol=2).dump(value)
    return zip_file(
        ("a/data.pkl", file.getvalue()), ("a/byteorder", b"little"), ("a/data/0", bytes(16))
    )


def lying_legacy() -> bytes:
    file = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(value, file, protocol=2)
    _Pickler(file, protocol=2).dump({"first.weight": Claim(BILLION, (BILLION,), (1,))})
    pickle.dump(["0"], file, protocol=2)
    return file.getvalue() + struct.pack("<q", BILLION) + bytes(16)


def raw_pickle(body: bytes) -> bytes:
    return zip_file(("a/data.pkl", b"\x80\x02" + body), ("a/byteorder", b"little"))


def deep_key() -> bytes:
    # {((((...),),),): 1}: hashing the key would use up the stack of the interpreter.
    return raw_pickle(b"})" + b"\x85" * 400_000 + b"K\x01s.")


def header(entries: object, body: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(shape: list[int], start: int, stop: int) -> dict[str, object]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, stop]}


def with_card(tensors: dict[str, Tensor], **changed: object) -> bytes:
    """A file that claims to be ours, with any tensors and any change of its card."""
    card = json.loads(Card("fsrcnn", 2, "y").to_metadata()["superfine"])
    card["hyper_parameters"] = {"width": 56, "shrunk": 12, "depth": 4}
    return to_safetensors(tensors, metadata={"superfine": json.dumps({**card, **changed})})


def without(name: str) -> dict[str, Tensor]:
    return {key: tensor for key, tensor in state().items() if key != name}


def changed_byte(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(shape: str, dtype: str = "<f4", body: bytes = b"") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def nan_state() -> dict[str, Tensor]:
    tensors = state()
    tensors["shrink.0.bias"][3] = float("nan")
    return tensors


def parametrised() -> dict[str, Tensor]:
    tensors = state()
    weight = tensors.pop("shrink.0.weight")
    tensors["shrink.0.weight_g"] = weight.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    tensors["shrink.0.weight_v"] = weight
    return tensors


def flat() -> dict[str, Tensor]:
    tensors = parametrised()
    tensors["shrink.0.weight_v"][3] = 0
    return tensors


def wide() -> dict[str, Tensor]:
    """SPAN whose convolutions in training form do not fit together."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in find("span-28").build(4).state_dict().items():
        layer, _, role = name.rpartition(".")
        if layer == "last":
            layer = "last.sk"
        tensors[f"{layer}.{role}"] = tensor
    for i in range(3):
        tensors |= {f"last.conv.{i}.weight": torch.ones(3, 5, 1, 1)}
        tensors |= {f"last.conv.{i}.bias": torch.ones(2)}
    return tensors


def shifted() -> dict[str, Tensor]:
    tensors = dict(find("edsr-baseline").build(2).state_dict())
    bias = torch.full((3,), -100.0)
    return tensors | {"sub_mean.weight": torch.full((3, 3, 1, 1), torch.nan), "sub_mean.bias": bias}


def encrypted() -> bytes:
    data = bytearray(torch_file(state()))
    central = data.find(b"PK\x01\x02")
    data[central + 8] |= 1  # the flag of encryption, as scanners of pickles stumble over it
    return bytes(data)


def unusual(make: Callable[[], Tensor]) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of sparse and quantised tensors
        return torch_file({"a.weight": make()})


def header_of_99_mb() -> bytes:
    text = b'{"__metadata__":{"a":"' + b"x" * 99_000_000 + b'"}}'
    return struct.pack("<Q", len(text)) + text
