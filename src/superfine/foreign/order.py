"""Which layer of a file is which of ours, for layers of equal shape.

A layer is the tensors that share a name up to the last dot.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from superfine.errors import ModelFileError
from superfine.foreign.layouts import Layout
from superfine.schema import Shape, listed

# The last parts of the names in a layer with their shapes, sorted.
Signature = tuple[tuple[str, Shape], ...]
Layers = Mapping[str, Signature]

# What told layers of equal shape apart: our own names, a layout, what the names show, or nothing
# but the order of the file.
Told = Literal["own names", "layout", "names", "order"]


def layers_in(shapes: Mapping[str, Shape]) -> Layers:
    """Layer -> its signature, in the order of `shapes`."""
    layers: dict[str, list[tuple[str, Shape]]] = defaultdict(list)
    for name, shape in shapes.items():
        layer, _, role = name.rpartition(".")
        layers[layer].append((role, shape))
    return {layer: tuple(sorted(parts)) for layer, parts in layers.items()}


def placed(layout: Layout, ours: Layers, theirs: Layers) -> dict[str, str] | None:
    """Our layer -> theirs; None when `layout` does not name every layer of both.

    Args:
        layout: Of the family of `ours`.
        ours: Layer -> signature.
        theirs: Layer -> signature, as many of each as in `ours`.
    """
    found: dict[str, str] = {}
    for our_forms, their_forms in layout.layers:
        slots, layers = _called(ours, our_forms), _called(theirs, their_forms)
        for signature in {ours[slot] for slot in slots}:
            row = [slot for slot in slots if ours[slot] == signature]
            other = [layer for layer in layers if theirs[layer] == signature]
            if len(row) != len(other):
                return None
            found.update(zip(row, other, strict=True))
    whole = len(found) == len(ours) and len(set(found.values())) == len(theirs)
    return found if whole else None


def _called(layers: Layers, forms: str) -> list[str]:
    """The names of `forms`, one form after the other, each in the order of its numbers."""
    called: list[str] = []
    for form in forms.split():
        pattern = re.compile(form.replace(".", r"\.").replace("#", r"(\d+)"))
        choice = [word for words in re.findall(r"\(([^)]*)\)", form) for word in words.split("|")]
        keyed = [
            (tuple(choice.index(p) if p in choice else int(p) for p in match.groups()), layer)
            for layer in layers
            if (match := pattern.fullmatch(layer))
        ]
        called += [layer for _, layer in sorted(keyed)]
    return called


def match(ours: Layers, theirs: Layers, *, ordered: bool) -> tuple[Told, dict[str, str]]:
    """Our layer -> their layer; both have the same signatures equally often."""
    if ours == theirs:
        return "own names", {layer: layer for layer in ours}
    places = {layer: place for place, layer in enumerate(ours)}
    groups = [
        (
            [o for o, s in ours.items() if s == signature],
            [t for t, s in theirs.items() if s == signature],
        )
        for signature in dict.fromkeys(ours.values())
    ]
    told: Told = "names"
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
                row, told = members, "order"
        if not row:
            raise _ambiguous(members)
        matched.update(zip(slots, row, strict=True))
    return told, matched


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
