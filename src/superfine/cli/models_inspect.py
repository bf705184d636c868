"""`superfine models inspect`: a network layer by layer, and what it costs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from superfine import ledger
from superfine.cli.console import put, put_table, shown
from superfine.cli.options import Debug, Json
from superfine.errors import UsageError

if TYPE_CHECKING:  # they import torch, which --help does without
    from superfine.inspection import Inspection, Layer, Subject


_CONVENTION = b"""
A MAC is a multiplication and its addition, in convolutions, linear layers and attention; not in
biases, activation functions or the bicubic enlargement. Activations are the values convolutions
put out, memory that of all tensors at one time in float32, beside weights and input. All for one
picture."""


def show_layers(
    model: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="Such as rcan, fsrcnn-x3 or net.pth.")
    ],
    scale: Annotated[
        int | None,
        typer.Option("-s", "--scale", help="Of the network, where it has several. Usual: 4."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Of the result. Usual: 1280x720.", show_default=False),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Shows the layers of a network: parameters, multiplications, activations, memory and reach.

    A name needs no weights. A file may be anybody's; nothing in it is run.
    """
    from superfine.inspection import inspect, subject

    wanted = None if size is None else _parsed_size(size)
    found = subject(model, scale=scale)
    inspection = inspect(found.network, found.spec, found.scale, size=wanted)
    if as_json:
        put(json.dumps({"v": 1, **_values(found, inspection)}).encode())
        return
    head = ("layer", "kind", "uses", "output", "kernel", "parameters", "MACs")
    put_table([head, *map(_row, merged(inspection.layers))])
    put(b"")
    put_table(list(_summary(found, inspection)))
    put(_CONVENTION)
    for sentence in (*inspection.notes, *found.findings):
        put(shown(sentence).encode())


def _parsed_size(text: str) -> tuple[int, int]:
    sides = re.fullmatch(r"(\d{1,5})[x×X](\d{1,5})", text, re.ASCII)
    if sides is None or 0 in map(int, sides.groups()):
        raise UsageError(f"{text!r} is no size.", hint="Give --size 1280x720.")
    return int(sides[1]), int(sides[2])


def _values(found: Subject, inspection: Inspection) -> dict[str, object]:
    known = ledger.read().latency(found.spec.name, found.scale)
    return {
        "architecture": found.spec.name,
        "scale": found.scale,
        "channels": found.spec.channels,
        **asdict(inspection),
        "latency": known and asdict(known),
        "findings": found.findings,
    }


def merged(layers: Iterable[Layer]) -> Iterator[tuple[str, list[Layer]]]:
    """Layers that are alike and differ in name by numbers only, each group under one name."""
    groups: dict[tuple[object, ...], list[Layer]] = {}
    for layer in layers:
        pattern = re.sub(r"\d+", "#", layer.name)
        alike = (pattern, layer.kind, layer.uses, layer.output, layer.kernel, layer.parameters)
        groups.setdefault(alike, []).append(layer)
    for group in groups.values():
        yield _range_of([layer.name for layer in group]), group


def _range_of(names: list[str]) -> str:
    """One name for all: "body.0" and "body.3" are "body.0-3"."""
    words = zip(*(re.split(r"(\d+)", name) for name in names), strict=True)
    return "".join(
        word[0] if len(set(word)) == 1 else "{}-{}".format(*_ends(map(int, word))) for word in words
    )


def _ends(numbers: Iterable[int]) -> tuple[int, int]:
    held = set(numbers)
    return min(held), max(held)


def _row(named: tuple[str, list[Layer]]) -> tuple[str, ...]:
    name, layers = named
    first = layers[0]
    return (
        shown(name) or "-",
        first.kind,
        str(sum(layer.uses for layer in layers)),
        "x".join(map(str, first.output)) or "-",
        "x".join(map(str, first.kernel)) or "-",
        f"{sum(layer.parameters for layer in layers):,}",
        f"{sum(layer.macs for layer in layers):,}",
    )


def _summary(found: Subject, inspection: Inspection) -> Iterator[tuple[str, str]]:
    lr, sr, field = inspection.lr, inspection.sr, inspection.receptive_field
    frozen = f", and {inspection.frozen:,} that never learn" if inspection.frozen else ""
    yield "network", f"{found.spec.name} x{found.scale} ({found.spec.channels})"
    yield "size", f"{lr[0]}x{lr[1]} -> {sr[0]}x{sr[1]}"
    yield "parameters", f"{inspection.parameters:,}{frozen}"
    yield "MACs", f"{inspection.macs:,}"
    yield "activations", f"{inspection.activations:,}"
    yield "memory", f"{inspection.memory / 2**20:,.1f} MiB"
    yield "field", "the whole picture" if field is None else f"{field}x{field} LR pixels"
    # The same for all weights of a network.
    if known := ledger.read().latency(found.spec.name, found.scale):
        width, height = known.size
        yield "latency", f"{known.seconds:.3g} s for {width}x{height} on {known.machine}"
