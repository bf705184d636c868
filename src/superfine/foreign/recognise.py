"""Which network of the zoo a file holds, told by the shapes of its tensors.

A layer is the tensors that share a name up to the last dot. Layers of a shape that occurs once
need no name. Layers of equal shape are told apart by a layout we know, else by the numbers in their
names, by their neighbours, or by the order of the file; where none of these tells, the file is
refused.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from superfine.errors import ModelFileError, UnknownNameError
from superfine.foreign.layouts import Layout, layouts_of
from superfine.foreign.order import Layers, Told, layers_in, match, placed
from superfine.foreign.stored import StoredTensors
from superfine.foreign.tidy import View, plain_shapes, sources_of, split, views
from superfine.models import ZOO, ModelSpec, find
from superfine.schema import shapes_of

_Candidate = tuple[ModelSpec, int]

# Lengths of filters are trained values too, at most one for every 27 others.
_SPARE = 1.1


@dataclass(frozen=True, eq=False)
class Recognised:
    """What a file holds.

    Attributes:
        spec: The network.
        scales: Every scale whose tensors have these shapes.
        view: The tensors of the file, in the way in which they fit.
        layers: Our layer -> theirs.
        told: What told layers of equal shape apart.
        layout: Whose names they have; None when they are ours or of nobody we know.
    """

    spec: ModelSpec
    scales: tuple[int, ...]
    view: View
    layers: Mapping[str, str]
    told: Told
    layout: Layout | None

    def read(self) -> dict[str, Tensor]:
        """The weights under our names, as the file has them; reads them."""
        found = {}
        for plain, ours in sources_of(shapes_of(self.spec, self.scales[0])).items():
            layer, _, role = plain.rpartition(".")
            theirs = ".".join(filter(None, (self.layers[layer], role)))
            if len(ours) == 1:
                found[ours[0]] = self.view.tensors[theirs].read()
            elif theirs in self.view.normed:
                found.update(zip(ours, (t.read() for t in self.view.normed[theirs]), strict=True))
            else:
                found.update(zip(ours, split(self.view.tensors[theirs].read()), strict=True))
        return found


def recognise(stored: StoredTensors, *, called: str) -> Recognised | None:
    """The network, variant and scales whose tensors have the shapes in `stored`; None for none.

    Args:
        stored: The tensors of a file.
        called: The name of the file, which decides between variants of equal shapes.

    Raises:
        ModelFileError: When several networks have them, or the file does not tell which is which.
    """
    for view in views(stored):
        theirs = layers_in({name: tensor.shape for name, tensor in view.tensors.items()})
        exact, roughly = _candidates(view, called)
        if fits := _fitting(exact, theirs) or _fitting(roughly, theirs):
            return _recognised(view, theirs, fits, called)
    return None


def _recognised(
    view: View, theirs: Layers, fits: Mapping[str, list[int]], called: str
) -> Recognised:
    named = {
        name: (layout, layers)
        for name, scales in fits.items()
        for layout in layouts_of(find(name))
        if layout.network in ("", name)
        and (layers := placed(layout, _layers_of(find(name), scales[0]), theirs)) is not None
    }
    usual = [name for name, (layout, _) in named.items() if layout.network]
    name = _told(list(fits), called, usual)
    spec, scales = find(name), fits[name]
    if name in named:
        layout, layers = named[name]
        return Recognised(spec, tuple(scales), view, layers, "layout", layout)
    ours = _layers_of(spec, scales[0])
    told, layers = match(ours, theirs, ordered=view.ordered)
    return Recognised(spec, tuple(scales), view, layers, told, None)


def _candidates(view: View, called: str) -> tuple[list[_Candidate], list[_Candidate]]:
    """The networks at the scales with as many trained numbers as `view`, and those with about so.

    Building every network for its shapes would take seconds.
    """
    total = sum(math.prod(tensor.shape) for tensor in view.tensors.values())
    lengths = sum(math.prod(length.shape) for length, _ in view.normed.values())
    exact, roughly = [], []
    for spec in (*ZOO, *_named_in(called)):
        for scale in spec.scales:
            trained = spec.parameters[scale]
            # A network of one size only may hold many more that are not trained.
            frozen = spec.side is not None and trained <= total
            if trained in (total, total + lengths):
                exact.append((spec, scale))
            elif trained and (frozen or total / _SPARE <= trained <= total * _SPARE):
                roughly.append((spec, scale))
    return exact, roughly


def _named_in(called: str) -> Iterator[ModelSpec]:
    """The network of any number of blocks and units that the name of a file tells."""
    for name in re.findall(r"drrn-b\d+u\d+", _words(called)):
        try:
            spec = find(name)
        except UnknownNameError:
            continue
        if spec not in ZOO:
            yield spec


def _told(names: list[str], called: str, usual: list[str]) -> str:
    """The only one of `names`, or the longest in the name of the file, or what is `usual`."""
    words = _words(called)
    told = names if len(names) == 1 else [name for name in names if name in words] or usual
    if not told:
        raise ModelFileError(
            f"The shapes fit several networks: {', '.join(names)}.",
            hint="Put the name of the right one in the file name.",
        )
    return max(told, key=len)


def _words(called: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", called.lower())


def _fitting(candidates: Iterable[_Candidate], theirs: Layers) -> dict[str, list[int]]:
    """Name -> scales of the networks that consist of layers as `theirs`."""
    fits: dict[str, list[int]] = defaultdict(list)
    for spec, scale in candidates:
        if Counter(_layers_of(spec, scale).values()) == Counter(theirs.values()):
            fits[spec.name].append(scale)
    return fits


def _layers_of(spec: ModelSpec, scale: int) -> Layers:
    return layers_in(plain_shapes(shapes_of(spec, scale)))
