"""Writes the ledger, `src/superfine/ledger.json`, and the tables of docs/networks.md and README.md.

    python bench/ledger.py

Speeds and latencies, which `bench/model_speed.py` measures, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from superfine import ledger
from superfine.card import Card, shipped_cards
from superfine.inspection import inspect
from superfine.ledger import Entry, Ledger
from superfine.models import ZOO, ModelSpec
from superfine.purposes import PURPOSES, shipped_for
from superfine.schema import build_empty

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "networks.md"
README = ROOT / "README.md"

# The sets whose PSNR the README shows, as cards call them, and that of bicubic under y-matlab.
SHOWN = ("Set5", "Set14", "B100")
BICUBIC = {2: (33.66, 30.23, 29.56), 3: (30.39, 27.54, 27.21), 4: (28.42, 26.00, 25.96)}

# Published thousand millions of MACs for a result of 1280x720, by scale, and where a count of ours
# would look wrong beside some papers, why.
PUBLISHED: dict[str, tuple[dict[int, float], str]] = {
    "srcnn-915": ({2: 7.4, 3: 7.4, 4: 7.4}, ""),
    "srcnn-955": (
        {2: 52.7, 3: 52.7, 4: 52.7},
        "the SRCNN of most tables, also where scores are those of 9-1-5",
    ),
    "fsrcnn": (
        {2: 2.9, 3: 1.3, 4: 0.7},
        "6.0, 5.0 and 4.6 elsewhere: the kernel of the last layer counted at every HR pixel",
    ),
    "espcn": ({2: 4.9, 3: 2.3, 4: 1.4}, ""),
    "vdsr": ({2: 612.6, 3: 612.6, 4: 612.6}, ""),
    "drcn": ({2: 17974, 3: 17974, 4: 17974}, ""),
    "drrn": ({2: 6796.9, 3: 6796.9, 4: 6796.9}, ""),
    "lapsrn": (
        {2: 100.7, 4: 125.7},
        "29.9 and 149.4 elsewhere: `lapsrn-official`, from 320x180 pixels at x2 too, transposed "
        "convolutions counted at every HR pixel",
    ),
    "edsr-baseline": ({2: 316, 3: 160, 4: 114}, ""),
    "edsr": ({2: 9385, 3: 4477, 4: 2895}, "twice as much where operations are meant"),
    "rdn-b": ({2: 5096, 3: 2285, 4: 1309}, ""),
    "span-48": (
        {2: 94.4, 4: 24.5},
        "printed beside the parameters of `span`, which is 52 features wide",
    ),
    "rcan": ({2: 3527, 3: 1587, 4: 917}, "twice as much where operations are meant"),
    "wdsr-a": ({2: 273, 3: 122, 4: 69.0}, ""),
    "imdn": ({2: 158.8, 3: 71.5, 4: 40.9}, ""),
}

_TASKS = {
    "y": "luma",
    "rgb": "colour",
    "depth": "depth",
    "depth+guide": "depth with photo",
    "depth+rgb": "depth with photo",
    "depth+start": "depth with photo",
}


def entry(spec: ModelSpec) -> Entry:
    """What a network of the zoo costs at each of its scales."""
    networks = {scale: build_empty(spec, scale).to("meta").eval() for scale in spec.scales}
    costs = {scale: inspect(net, spec, scale).cost for scale, net in networks.items()}
    return Entry(spec.name, spec.channels, spec.side, spec.paper, costs)


def filled(page: str, found: Ledger) -> str:
    """docs/networks.md with its three tables made anew."""
    for name, rows in (
        ("weights", _weights(found, shipped_cards())),
        ("networks", (_network(entry, found) for entry in found.networks.values())),
        ("published", _published(found)),
    ):
        page = _with_table(page, name, rows)
    return page


def with_scores(readme: str, shipped: Sequence[tuple[Path, Card]]) -> str:
    """README.md with its table of scores made anew: a row for each network, a column a scale."""
    cards = {(card.architecture, card.scale): card for _, card in shipped}
    networks = list(dict.fromkeys(card.architecture for _, card in shipped))
    rows = [
        _row((name, *(_psnrs(cards.get((name, scale))) for scale in BICUBIC))) for name in networks
    ]
    plain = (" / ".join(f"{value:.2f}" for value in values) for values in BICUBIC.values())
    return _with_table(readme, "scores", [*rows, _row(("bicubic", *plain))])


def _psnrs(card: Card | None) -> str:
    if card is None:
        return "–"
    return " / ".join(f"{card.scores[name]['psnr']:.2f}" for name in SHOWN)


def _with_table(page: str, name: str, rows: Iterable[str]) -> str:
    """`page` with the rows of the table that stands between two comments made anew."""
    text = "".join(f"{row}\n" for row in rows)
    page, count = re.subn(
        rf"(<!-- {name} -->\n(?:[^\n]+\n){{2}}).*?(<!-- end -->)",
        lambda match: match[1] + text + match[2],
        page,
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"The page has {count} tables called {name}, expected 1.")
    return page


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _weights(found: Ledger, shipped: Sequence[tuple[Path, Card]]) -> Iterable[str]:
    chosen = {purpose: shipped_for(purpose).values() for purpose in PURPOSES}
    for path, card in shipped:
        cost = found.networks[card.architecture].costs[card.scale]
        speed = found.speeds.get(path.stem)
        yield _row(
            (
                f"`{path.stem}`",
                ", ".join(p for p in PURPOSES if path in chosen[p]) or "–",
                f"{cost.parameters:,}",
                _short(cost.macs / 1e9),
                f"{card.scores['Set5']['psnr']:.2f}" if "Set5" in card.scores else "–",
                f"{speed.megapixels_per_second:.3g}" if speed else "–",
                f"{speed.times_bicubic:.3g}" if speed else "–",
                card.licence or "unknown",
            )
        )
    bicubic = found.speeds.get("bicubic")
    rate = f"{bicubic.megapixels_per_second:.3g}" if bicubic else "–"
    yield _row(("`bicubic`", "–", "0", "0", "–", rate, "1", "–"))


def _network(network: Entry, found: Ledger) -> str:
    costs = network.costs.values()
    fields = ("whole" if c.receptive_field is None else str(c.receptive_field) for c in costs)
    task = _TASKS[network.channels] + (
        f", {network.side}x{network.side} only" if network.side else ""
    )
    return _row(
        (
            f"`{network.name}`",
            task,
            ", ".join(map(str, network.costs)),
            _each(f"{cost.parameters:,}" for cost in costs),
            _each(_short(cost.macs / 1e9) for cost in costs),
            _each(_short(cost.activations / 1e6) for cost in costs),
            _each(_short(cost.memory / 2**20) for cost in costs),
            _each(_latency(found, f"{network.name}-x{scale}") for scale in network.costs),
            _each(fields),
            network.paper,
        )
    )


def _latency(found: Ledger, name: str) -> str:
    """Milliseconds in three digits, or all before the point."""
    if name not in found.latencies:
        return "–"
    value = 1000 * found.latencies[name]
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _published(found: Ledger) -> Iterable[str]:
    for name, (figures, remark) in PUBLISHED.items():
        ours = [_short(found.networks[name].costs[scale].macs / 1e9) for scale in figures]
        theirs = [f"{figure:,g}" for figure in figures.values()]
        scales = ", ".join(map(str, figures))
        yield _row((f"`{name}`", scales, _each(theirs), _each(ours), remark))


def _each(values: Iterable[str]) -> str:
    """One value for every scale; a single one where all are the same."""
    given = list(values)
    return given[0] if len(set(given)) == 1 else " / ".join(given)


def _short(value: float) -> str:
    """Four digits, or all before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def main() -> None:
    """Counts and writes."""
    before = ledger.read() if ledger.PATH.is_file() else Ledger({})
    found = replace(before, networks={spec.name: entry(spec) for spec in ZOO})
    ledger.PATH.write_text(ledger.to_text(found), encoding="utf-8")
    # The table of weights shows the purposes, which are read from the ledger.
    ledger.read.cache_clear()
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    readme = with_scores(README.read_text(encoding="utf-8"), shipped_cards())
    README.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
