"""What to say of a file that fits no network: which ones come near it, and what is different."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from superfine.errors import ModelFileError
from superfine.foreign.stored import StoredTensors
from superfine.foreign.tidy import plain_shapes, views
from superfine.models import ZOO, ModelSpec
from superfine.schema import Shape, difference, listed, shapes_of, shown

# Of networks to name, and of differences to name for each.
_MOST_NETWORKS = 3
_MOST_DIFFERENCES = 3


@dataclass(frozen=True)
class _Near:
    """A network that is not in a file, and how far it is from being in it."""

    name: str
    scale: int
    different: int
    words: str


def unrecognised(stored: StoredTensors, *, hint: str) -> ModelFileError:
    """The error for a file that no network of the zoo fits."""
    # Without what belongs to no layer.
    *_, view = views(stored)
    shapes = {name: tensor.shape for name, tensor in view.tensors.items()}
    nearest: dict[str, _Near] = {}
    for near in sorted(_near(shapes), key=lambda near: near.different):
        nearest.setdefault(near.name, near)
    if nearest:
        told = [f"{n.name} x{n.scale} ({n.words})" for n in nearest.values()][:_MOST_NETWORKS]
        return ModelFileError(f"The file fits no network. Nearest: {'; '.join(told)}.", hint=hint)
    found = [f"{name} {shown(shape)}" for name, shape in shapes.items()]
    return ModelFileError(
        f"The {len(found)} tensors fit no network: {listed(found, most=4)}.", hint=hint
    )


def _near(shapes: Mapping[str, Shape]) -> Iterator[_Near]:
    """Every network that differs in few tensors from `shapes`."""
    # A wrong shape is one missing and one extra; much more than that is another network.
    most = max(2, len(shapes) // 8)
    total = sum(math.prod(shape) for shape in shapes.values())
    for spec in ZOO:
        for scale in spec.scales:
            if spec.side is None and max(1, total // 2) <= spec.parameters[scale] <= 2 * total:
                near = _compared(spec, scale, shapes)
                if near.different <= most:
                    yield near


def _compared(spec: ModelSpec, scale: int, shapes: Mapping[str, Shape]) -> _Near:
    expected = plain_shapes(shapes_of(spec, scale))
    needed, there = (Counter((_role(n), s) for n, s in x.items()) for x in (expected, shapes))
    lacking, over = needed - there, there - needed
    different = lacking.total() + over.total()
    if len(expected.keys() ^ shapes.keys()) <= different:  # the names are ours
        return _Near(spec.name, scale, different, difference(expected, shapes))
    missing = [f"{_which(entry, expected)} is missing" for entry in lacking]
    extra = [f"{n} {shown(s)} is unknown" for n, s in shapes.items() if (_role(n), s) in over]
    return _Near(
        spec.name, scale, different, listed([*missing, *extra], most=2 * _MOST_DIFFERENCES)
    )


def _which(entry: tuple[str, Shape], expected: Mapping[str, Shape]) -> str:
    """The name of the tensor of that role and shape, or what it is where several are."""
    role, shape = entry
    names = [name for name, s in expected.items() if (_role(name), s) == entry]
    return f"{names[0]} {shown(shape)}" if len(names) == 1 else f"a {role} of {shown(shape)}"


def _role(name: str) -> str:
    return name.rpartition(".")[2]
