"""`superfine models info`: may I use these weights, how good are they, how were they made."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from superfine import ledger
from superfine.card import LARGEST_HEADER, Card, header_from_bytes, read_card, shipped_cards
from superfine.cli.console import put, shown
from superfine.cli.options import Debug, Json
from superfine.data.catalogue.sets import CATALOGUE
from superfine.errors import UnknownNameError, UsageError, unknown_name
from superfine.purposes import PURPOSES, shipped_for

_WIDTH = 100
# What a fact is called stands before it in a column so wide.
_COLUMN = 14


def show_info(
    model: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Such as fsrcnn-x4.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Shows all that a weight file says of itself; nothing in it is run."""
    path, card = _find(model)
    if as_json:
        values = {**_described(path, card), **asdict(card), "path": str(path)}
        put(json.dumps({"v": 1, **values}).encode())
        return
    for line in _page(path, card):
        put(line.encode())


def _find(model: str) -> tuple[Path, Card]:
    cards = dict(shipped_cards())
    shipped = {path.stem: path for path in cards}
    for purpose in PURPOSES:
        shipped |= {f"{purpose}-x{s}": path for s, path in shipped_for(purpose).items()}
    same = [p for name, p in shipped.items() if model in (name, name.rpartition("-x")[0])]
    if same:
        path = max(same, key=lambda p: cards[p].scale)
        return path, cards[path]
    path = Path(model)
    if not path.exists() and model in ledger.read().networks:
        raise UnknownNameError(
            f"No weights of {model} are shipped.",
            hint=f"Its layers and costs: superfine models inspect {model}",
        )
    if not path.exists():
        raise unknown_name("model", model, shipped, listing="superfine models list")
    card = read_card(path)
    if card is None:
        raise UsageError(
            f"{path} has no card of ours: only its shapes tell what it is.",
            hint=f"See what it is: superfine models inspect {path}",
        )
    return path, card


def _described(path: Path, card: Card) -> dict[str, object]:
    cost = _cost(card)
    speed = _speed(path)
    return {
        "name": path.stem,
        "architecture": card.architecture,
        "scale": card.scale,
        "channels": card.channels,
        "parameters": _parameters(path),
        "macs": cost and cost.macs,
        "megapixels_per_second": speed and speed.megapixels_per_second,
        "set5_psnr": card.scores.get("Set5", {}).get("psnr"),
        "bytes": path.stat().st_size,
        "licence": card.licence,
    }


def _parameters(path: Path) -> int:
    """Values in the file, counted from its header."""
    with path.open("rb") as file:
        header = header_from_bytes(file.read(8 + LARGEST_HEADER))
    shapes = (
        entry["shape"]
        for name, entry in header.items()
        if name != "__metadata__" and isinstance(entry, dict)
    )
    return sum(math.prod(shape) for shape in shapes)


def _cost(card: Card) -> ledger.Cost | None:
    entry = ledger.read().networks.get(card.architecture)
    return entry.costs.get(card.scale) if entry else None


def _speed(path: Path) -> ledger.Speed | None:
    """Of shipped weights; a file elsewhere that is called the same has none."""
    known = {shipped for shipped, _ in shipped_cards()}
    return ledger.read().speeds.get(path.stem) if path in known else None


def _page(path: Path, card: Card) -> Iterator[str]:
    entry = ledger.read().networks.get(card.architecture)
    paper = f"; {entry.paper}" if entry else ""
    yield shown(f"{path.stem}: {card.architecture} x{card.scale}, {card.channels}{paper}")
    for question, facts in (
        ("May I use it?", _permission(card)),
        ("How good is it?", _quality(path, card)),
        ("How was it made?", _making(path, card)),
    ):
        yield ""
        yield question
        for name, text in facts:
            yield from _fact(name, "\n".join(map(shown, text.splitlines())))


def _fact(name: str, text: str) -> Iterator[str]:
    """`text` in a column beside `name`; its own lines stay lines, and keep their indentation."""
    for number, line in enumerate(text.splitlines()):
        first = f"  {name if number == 0 else '':<{_COLUMN}}"
        words = line.lstrip()
        inside = " " * (len(line) - len(words))
        yield textwrap.fill(
            words,
            _WIDTH,
            initial_indent=first + inside,
            subsequent_indent=" " * len(first) + inside,
            break_long_words=False,
        )


def _permission(card: Card) -> Iterator[tuple[str, str]]:
    yield "licence", card.licence or "not stated, which is no permission"
    sets = [
        f"{data}: {terms}" if (terms := card.terms.get(data.partition(" (")[0])) else data
        for data in card.training_data
    ]
    yield "trained on", "\n".join(sets) or "not stated"
    if card.apart_from:
        yield "apart from", f"{', '.join(card.apart_from)}: none of their pictures was found in it"
    if card.limits:
        yield "limits", card.limits


def _quality(path: Path, card: Card) -> Iterator[tuple[str, str]]:
    for name, metrics in sorted(card.scores.items(), key=lambda item: _place(item[0])):
        title, _, some = name.partition(" (")
        values = ", ".join(f"{metric} {value:.4f}" for metric, value in metrics.items())
        yield title, f"{values} ({some}" if some else values
    if card.scores:
        yield "measured", f"under {card.protocol or 'an unknown protocol'}; PSNR in dB"
    else:
        yield "measured", "nothing"
    yield "size", f"{_parameters(path):,} parameters, {path.stat().st_size:,} bytes"
    if cost := _cost(card):
        width, height = ledger.STANDARD_SIZE
        yield "cost", f"{cost.macs / 1e9:.3g} GMACs for a result of {width}x{height}"
    if speed := _speed(path):
        machine = ledger.read().machine
        yield "speed", f"{speed.megapixels_per_second:.3g} MP/s of result on {machine}"


def _place(name: str) -> tuple[int, str]:
    """Set5 before Set14, as tables have it; other sets by name."""
    titles = [data_set.title for data_set in CATALOGUE]
    title = name.partition(" ")[0]
    return (titles.index(title) if title in titles else len(titles)), name


def _making(path: Path, card: Card) -> Iterator[tuple[str, str]]:
    yield "training", card.training or "not stated"
    if card.history:
        yield "on the way", ", ".join(f"{step:,}: {psnr:.2f} dB" for step, psnr in card.history)
    if card.recipe:
        yield "recipe", card.recipe
    yield "written by", f"superfine {card.code_version}"
    yield "sha256", f"{card.sha256} of its tensors"
    yield "file", str(path)
