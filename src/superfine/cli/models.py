"""`superfine models`: the networks, their weights, and what a weight file says of itself."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from superfine import ledger
from superfine.card import LARGEST_HEADER, Card, header_from_bytes, read_card, shipped_cards
from superfine.cli import get
from superfine.cli.console import put
from superfine.cli.models_convert import convert
from superfine.cli.models_inspect import show_layers
from superfine.cli.models_list import show_list
from superfine.errors import UnknownNameError, UsageError, unknown_name
from superfine.purposes import PURPOSES, shipped_for

app = typer.Typer(help="Shows the networks and their weights.", no_args_is_help=True)
app.command("list")(show_list)
app.command("inspect")(show_layers)
app.command("convert")(convert)
app.command("get")(get.get)


@app.command("info")
def show_info(
    model: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Such as fsrcnn-x4.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Shows all that a weight file says of itself; nothing in it is run."""
    path, card = _find(model)
    values = {**_described(path, card), **asdict(card), "path": str(path)}
    if as_json:
        put(json.dumps({"v": 1, **values}).encode())
        return
    width = max(map(len, values))
    for name, value in values.items():
        if value not in ("", (), {}):
            put(f"{name.ljust(width)}  {_in_words(value)}".encode(errors="surrogateescape"))


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
    return {
        "name": path.stem,
        "architecture": card.architecture,
        "scale": card.scale,
        "channels": card.channels,
        "parameters": _parameters(path),
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


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_in_words(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
