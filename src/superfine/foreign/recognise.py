"""Which network of the zoo a file holds, told by the shapes of its tensors.

A layer is the tensors that share a name up to the last dot. Layers of a shape that occurs once
need no name. Layers of equal shape are told apart by the numbers in their names, by their
neighbours, or by the order of the file; where none of these tells, the file is refused.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from superfine.errors import ModelFileError
from superfine.foreign.stored import StoredTensors
from superfine.models import ZOO, ModelSpec
from superfine.schema import Shape, listed, shapes_of, shown

# The last parts of the names in a layer with their shapes, sorted.
_Signature = tuple[tuple[str, Shape], ...]
_Layers = dict[str, _Signature]


@dataclass(frozen=True)
class Recognised:
    """What a file holds.

    Attributes:
        spec: The network.
        scales: Every scale whose tensors have these shapes.
        names: Name of a tensor in the zoo -> its name in the file.
    """

    spec: ModelSpec
    scales: tuple[int, ...]
    names: Mapping[str, str]


def recognise(stored: StoredTensors, *, called: str) -> Recognised:
    """The network, variant and scales whose tensors have exactly the shapes in `stored`.

    Args:
        called: The name of the file, which decides between variants of equal shapes.

    Raises:
        ModelFileError: When no network has them, or the file does not tell which is which.
    """
    shapes = {name: tensor.shape for name, tensor in stored.tensors.items()}
    theirs = _layers(shapes)
    # Building every network takes seconds. A file may hold more numbers than are trained.
    total = _numbers_in(shapes)
    fits = _fitting(_candidates(least=total, most=total), theirs)
    fits = fits or _fitting(_candidates(least=1, most=total - 1), theirs)
    if not fits:
        raise _unrecognised(shapes)
    name = _told(list(fits), called)
    scales = fits[name]
    spec = next(s for s in ZOO if s.name == name)
    expected = shapes_of(spec, scales[0])
    layers = _match(_layers(expected), theirs, ordered=stored.ordered)
    names = {}
    for ours in expected:
        layer, _, role = ours.rpartition(".")
        names[ours] = ".".join(filter(None, (layers[layer], role)))
    return Recognised(spec, tuple(scales), names)


def _candidates(*, least: int, most: int) -> Iterator[tuple[ModelSpec, int]]:
    """Every network with `least` to `most` trained numbers, at every scale."""
    for spec in ZOO:
        for scale in spec.scales:
            if least <= spec.parameters[scale] <= most:
                yield spec, scale


def _numbers_in(shapes: Mapping[str, Shape]) -> int:
    return sum(math.prod(shape) for shape in shapes.values())


def _told(names: list[str], called: str) -> str:
    """The only one of `names`, or the longest of them that is in the name of the file."""
    if len(names) == 1:
        return names[0]
    words = re.sub(r"[^a-z0-9]+", "-", called.lower())
    if not (told := [name for name in names if name in words]):
        raise ModelFileError(
            f"The shapes fit several networks: {', '.join(names)}.",
            hint="Put the name of the right one in the file name.",
        )
    return max(told, key=len)


def _fitting(
    candidates: Iterable[tuple[ModelSpec, int]], theirs: _Layers
) -> Mapping[str, list[int]]:
    """Name -> scales of the networks that consist of layers as `theirs`."""
    fits: dict[str, list[int]] = defaultdict(list)
    for spec, scale in candidates:
        if Counter(_layers(shapes_of(spec, scale)).values()) == Counter(theirs.values()):
            fits[spec.name].append(scale)
    return fits


def _layers(shapes: Mapping[str, Shape]) -> _Layers:
    """Layer -> its signature, in the order of `shapes`."""
    layers: dict[str, list[tuple[str, Shape]]] = defaultdict(list)
    for name, shape in shapes.items():
        layer, _, role = name.rpartition(".")
        layers[layer].append((role, shape))
    return {layer: tuple(sorted(parts)) for layer, parts in layers.items()}


def _match(ours: _Layers, theirs: _Layers, *, ordered: bool) -> dict[str, str]:
    """Our layer -> their layer; both have the same signatures equally often."""
    if ours == theirs:
        return {layer: layer for layer in ours}
    places = {layer: place for place, layer in enumerate(ours)}
    groups = [
        (
            [o for o, s in ours.items() if s == signature],
            [t for t, s in theirs.items() if s == signature],
        )
        for signature in dict.fromkeys(ours.values())
    ]
    matched: dict[str, str] = {}
    # Groups that need nothing but their own names come first: the others lean on them.
    for slots, members in sorted(groups, key=lambda group: len(_patterns(group[1]))):
        if len(_patterns(members)) == 1:
            row = sorted(members, key=_numbers)
            if len({_numbers(member) for member in row}) < len(row):
                raise _ambiguous(members)
        else:
            row = _by_neighbours(members, {t: places[o] for o, t in matched.items()})
            if not row and ordered:
                row = members
        if not row:
            raise _ambiguous(members)
        matched.update(zip(slots, row, strict=True))
    return matched


def _patterns(layers: list[str]) -> set[str]:
    """The names with their numbers left out."""
    return {re.sub(r"\d+", "#", layer) for layer in layers}


def _numbers(layer: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", layer))


def _by_neighbours(members: list[str], places: Mapping[str, int]) -> list[str]:
    """`members` in the order of the matched layers just before them in their own containers.

    Layer `map.1` stands right behind `map.0`, whose place is known when its shape occurs once.
    Empty when a member has no such neighbour.
    """
    keyed = []
    for member in members:
        parent, _, own = member.rpartition(".")
        before = [
            (int(last), place)
            for neighbour, place in places.items()
            for container, _, last in [neighbour.rpartition(".")]
            if container == parent and last.isdecimal() and own.isdecimal() and int(last) < int(own)
        ]
        if not parent or not before:
            return []
        keyed.append((max(before)[1], int(own), member))
    return [member for _, _, member in sorted(keyed)]


def _ambiguous(members: list[str]) -> ModelFileError:
    return ModelFileError(
        f"The file does not tell the order of its layers {listed(sorted(members), most=4)}.",
        hint="Save it in the order of the network, or with numbered names.",
    )


def _unrecognised(shapes: Mapping[str, Shape]) -> ModelFileError:
    """The error that says what is there and how it differs from the nearest network."""
    there = Counter((name.rpartition(".")[2], shape) for name, shape in shapes.items())
    nearest, missing, extra = "", list[str](), list[str]()
    # A wrong shape is one missing and one extra; more than that is another network.
    fewest = max(2, len(shapes) // 8) + 1
    total = _numbers_in(shapes)
    for spec, scale in _candidates(least=max(1, total // 2), most=2 * total):
        needed = Counter((n.rpartition(".")[2], s) for n, s in shapes_of(spec, scale).items())
        lacking, over = needed - there, there - needed
        if lacking.total() + over.total() < fewest:
            fewest = lacking.total() + over.total()
            nearest = f"{spec.name} at scale {scale}"
            missing = [f"{role} {shown(shape)} is missing" for role, shape in lacking]
            extra = [
                f"{name} is {shown(shape)}"
                for name, shape in shapes.items()
                if (name.rpartition(".")[2], shape) in over
            ]
    supported = f"Supported are: {', '.join(s.name for s in ZOO if any(s.parameters.values()))}."
    if nearest:
        return ModelFileError(
            f"The file is nearest to {nearest}, but does not fit: "
            f"{listed([*missing, *extra], most=6)}.",
            hint=supported,
        )
    found = [f"{name} {shown(shape)}" for name, shape in shapes.items()]
    return ModelFileError(
        f"The {len(found)} tensors fit no network: {listed(found, most=4)}.", hint=supported
    )
