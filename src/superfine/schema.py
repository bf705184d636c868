"""Which tensors a network of the zoo consists of; told without allocating any of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import torch
from torch import nn

from superfine.models import ModelSpec, find
from superfine.unfilled import Unfilled

Shape = tuple[int, ...]


def build_empty(spec: ModelSpec, scale: int) -> nn.Module:
    """The network without memory behind its tensors; draws no random number."""
    with Unfilled(), torch.device("meta"):
        return spec.build(scale)


def shapes_of(spec: ModelSpec, scale: int) -> Mapping[str, Shape]:
    """Name -> shape of every tensor of the network, in the order of its layers."""
    return _shapes(spec.name, scale)


@cache
def _shapes(name: str, scale: int) -> Mapping[str, Shape]:
    state = build_empty(find(name), scale).state_dict()
    return MappingProxyType({key: tuple(tensor.shape) for key, tensor in state.items()})


def difference(expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> str:
    """What of `found` is not as `expected`, in words; empty when all is."""
    wrong = [
        f"{name} is {shown(found[name])} instead of {shown(shape)}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    missing = [f"{name} is missing" for name in expected if name not in found]
    extra = [f"{name} is unknown" for name in found if name not in expected]
    return listed([*wrong, *missing, *extra], most=4)


def shown(shape: Shape) -> str:
    """A shape in words: "64x1x3x3"."""
    return "x".join(map(str, shape)) or "a single number"


def listed(parts: list[str], *, most: int) -> str:
    """The first `most` of `parts` in one line, and how many more there are."""
    rest = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + rest
