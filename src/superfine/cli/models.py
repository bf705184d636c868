"""`superfine models`: what is shipped, and what a weight file says of itself."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from superfine.card import LARGEST_HEADER, Card, header_from_bytes, read_card, shipped_cards
from superfine.cli.console import put, put_table
from superfine.errors import ModelFileError, unknown_name

app = typer.Typer(help="Shows the networks and their weights.", no_args_is_help=True)

_JSON = typer.Option("--json", help="JSON on standard output.")


@app.command("list")
def show_list(as_json: Annotated[bool, _JSON] = False) -> None:
    """Lists the shipped weights with what they were measured at."""
    found = [_described(path, card) for path, card in shipped_cards()]
    if as_json:
        for values in found:
            put(json.dumps({"v": 1, **values}).encode())
        return
    rows: list[tuple[str, ...]] = [
        ("name", "scale", "channels", "parameters", "Set5 dB", "kB", "licence")
    ]
    rows += [_row(values) for values in found]
    rows.append(("bicubic", "any", "rgb", "0", "-", "-", "-"))
    put_table(rows)


@app.command("info")
def show_info(
    model: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Such as fsrcnn-x4.")],
    as_json: Annotated[bool, _JSON] = False,
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
    shipped = {path.stem: (path, card) for path, card in shipped_cards()}
    if model in shipped:
        return shipped[model]
    same = [pair for pair in shipped.values() if pair[1].architecture == model]
    if same:
        return max(same, key=lambda pair: pair[1].scale)
    path = Path(model)
    if not path.exists():
        raise unknown_name("model", model, shipped, listing="superfine models list")
    card = read_card(path)
    if card is None:
        raise ModelFileError(
            f"{path} has no card of ours: only its shapes tell what it is.",
            hint=f"Try it: superfine upscale photo.jpg -m {path}",
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


def _row(values: dict[str, object]) -> tuple[str, ...]:
    psnr = values["set5_psnr"]
    return (
        str(values["name"]),
        f"x{values['scale']}",
        str(values["channels"]),
        f"{values['parameters']:,}",
        f"{psnr:.2f}" if isinstance(psnr, float) else "-",
        f"{int(str(values['bytes'])) / 1000:.0f}",
        str(values["licence"]) or "-",
    )


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_in_words(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
