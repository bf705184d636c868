"""`superfine models list`: every network, those with weights first; read without torch."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from superfine import ledger
from superfine.card import Card, shipped_cards
from superfine.cli.console import put, put_table, say
from superfine.cli.options import Json
from superfine.ledger import Cost, Entry, Speed
from superfine.purposes import PURPOSES, shipped_for

_TASKS = {
    "y": "luma",
    "rgb": "colour",
    "depth": "depth",
    "depth+guide": "depth, photo",
    "depth+rgb": "depth, photo",
    "depth+start": "depth, photo",
}
# The scale the short table tells the cost at, where a network has it.
_USUAL_SCALE = 4
# Needs no weights, so that it is told among those that are shipped.
_BICUBIC = "bicubic"


@dataclass(frozen=True)
class _Weights:
    """Shipped weights and what is known of them."""

    path: Path
    card: Card
    purposes: tuple[str, ...]
    speed: Speed | None

    @property
    def psnr(self) -> float | None:
        return self.card.scores.get("Set5", {}).get("psnr")


def show_list(
    as_json: Json = False,
) -> None:
    """Lists every network and what it costs, and the shipped weights with what they reach."""
    weights = _shipped()
    if as_json:
        _put_json(weights)
        return
    put_table([_WEIGHTS_HEAD, *map(_weights_row, weights), _bicubic_row()])
    put(b"")
    networks = (e for name, e in ledger.read().networks.items() if name != _BICUBIC)
    put_table([_NETWORK_HEAD, *map(_network_row, networks)])
    _explain()


def _shipped() -> list[_Weights]:
    purposes = {purpose: set(shipped_for(purpose).values()) for purpose in PURPOSES}
    speeds = ledger.read().speeds
    return [
        _Weights(
            path, card, tuple(p for p in PURPOSES if path in purposes[p]), speeds.get(path.stem)
        )
        for path, card in shipped_cards()
    ]


def _put_json(weights: list[_Weights]) -> None:
    """One object for each network and scale, those with shipped weights first."""
    entries = ledger.read().networks
    shipped = {(w.card.architecture, w.card.scale): w for w in weights}
    others = [(e.name, s) for e in entries.values() for s in e.costs if (e.name, s) not in shipped]
    for name, scale in (*shipped, *others):
        values = _described(entries[name], scale, shipped.get((name, scale)))
        put(json.dumps({"v": 1, **values}).encode())


def _described(entry: Entry, scale: int, weights: _Weights | None) -> dict[str, object]:
    cost = entry.costs[scale]
    speed = weights and weights.speed
    latency = ledger.read().latency(entry.name, scale)
    return {
        "name": f"{entry.name}-x{scale}",
        "shipped": weights is not None,
        "purposes": weights.purposes if weights else (),
        "architecture": entry.name,
        "scale": scale,
        "channels": entry.channels,
        "side": entry.side,
        **asdict(cost),
        "size": ledger.STANDARD_SIZE if entry.side is None else (entry.side * scale,) * 2,
        "latency": latency and asdict(latency),
        "set5_psnr": weights and weights.psnr,
        "megapixels_per_second": speed and speed.megapixels_per_second,
        "times_bicubic": speed and speed.times_bicubic,
        "machine": speed and ledger.read().machine,
        "bytes": weights and weights.path.stat().st_size,
        "licence": weights and weights.card.licence,
        "paper": entry.paper,
    }


_WEIGHTS_HEAD = (
    *("name", "scale", "channels", "parameters", "GMACs", "Set5 dB", "MP/s", "licence"),
    "purpose",
)


def _weights_row(weights: _Weights) -> tuple[str, ...]:
    card, psnr = weights.card, weights.psnr
    cost = ledger.read().networks[card.architecture].costs[card.scale]
    return (
        weights.path.stem,
        f"x{card.scale}",
        card.channels,
        f"{cost.parameters:,}",
        _giga(cost),
        "-" if psnr is None else f"{psnr:.2f}",
        _rate(weights.speed),
        card.licence or "-",
        " ".join(weights.purposes) or "-",
    )


def _bicubic_row() -> tuple[str, ...]:
    speed = ledger.read().speeds.get(_BICUBIC)
    return (_BICUBIC, "any", "rgb", "0", "0", "-", _rate(speed), "-", "-")


def _rate(speed: Speed | None) -> str:
    return f"{speed.megapixels_per_second:.3g}" if speed else "-"


_NETWORK_HEAD = ("network", "task", "scales", "parameters", "GMACs", "field", "paper")


def _network_row(entry: Entry) -> tuple[str, ...]:
    cost = entry.costs[min(entry.costs, key=lambda scale: (abs(scale - _USUAL_SCALE), -scale))]
    field = "all" if cost.receptive_field is None else str(cost.receptive_field)
    return (
        entry.name,
        _TASKS[entry.channels] if entry.side is None else f"{entry.side}x{entry.side} only",
        " ".join(map(str, entry.costs)),
        f"{cost.parameters:,}",
        _giga(cost),
        field,
        _short(entry.paper),
    )


def _giga(cost: Cost) -> str:
    """Thousand millions of MACs in three digits, or all before the point."""
    value = cost.macs / 1e9
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _short(paper: str) -> str:
    """Authors, venue and year of "Authors, Title, with commas, Venue year"."""
    authors, _, venue = re.sub(r", .*, ", "\0", paper).partition("\0")
    return f"{authors}, {venue}".replace(" Workshops", "W")


def _explain() -> None:
    width, height = ledger.STANDARD_SIZE
    say(
        f"\nGMACs: thousand million multiplications for a result of {width}x{height}, or of the "
        "only size; field:\nLR pixels across that an output pixel sees. Networks are told at "
        f"x{_USUAL_SCALE}, or at the nearest scale;\n--json tells all. Weights of other people: "
        "superfine models get --list"
    )
    if machine := ledger.read().machine:
        say(f"MP/s: megapixels of output a second, on {machine}.")
