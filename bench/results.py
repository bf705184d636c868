"""Writes `docs/results.md`: every figure of the seeds' tables, and the targets, beside ours.

    python bench/results.py

Refuses to when a network falls short, or has no weights, and `bench/seed_tables.py` does not say
why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from seed_tables import ABSENT, BARE, COLUMNS, Section, needs_reason, sections

from superfine.benchmark.standing import Cell, Shelf, read_measured
from superfine.card import Card, shipped_cards
from superfine.data.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results.md"
MEASURED = ROOT / "results" / "measured.csv"


def page(shelf: Shelf) -> str:
    """The whole page."""
    found = sections(shelf)
    told = [s for s in found if s.cells]
    lines = [
        *_HEAD.splitlines(),
        "",
        "## In short",
        "",
        *_summary(told),
        "",
        *_BELOW_SUMMARY.splitlines(),
        "",
        *_table(("network", "seed", "what the seed has"), BARE),
        "",
        "## Set5 targets",
        "",
        *_TARGETS.splitlines(),
        "",
        *_target_rows(found),
        "",
        "## Why, and what would close it",
        "",
        *_reasons(found),
        "",
        *(line for section in told for line in _of_network(section, shelf.cards)),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


_HEAD = """\
# Results

Every figure of the seeds' tables beside ours. The seeds are the public projects this one grew out
of; their tables are what it has to meet. `make results` writes this page, from
`results/papers.csv` ([published](published.md)), `results/measured.csv`
([benchmark](benchmark.md)) and the cards of the shipped weights; a test compares them.

- **Beaten**: ours is better by more than half a unit of the last digit that is printed.
- **Met**: ours is at most half a unit away. A printed 36.65 stands for all that is rounded to it.
- **Short**: ours is worse by more than that.
- **Not measured**: and why: no *weights* are shipped, *pictures* of the set are missing, the
  weights have *seen* the set in training, or the benchmark has not been *run*.

Ours is the newest figure of weights that are shipped now, over all pictures of the set. It has one
digit more than the printed figure, and the rest is cut off for the worse: nothing is rounded up.
The difference says how much better ours is: above 0 is better, also for RMSE, of which less is
better. Ours is measured under the protocol of the figure ([protocols](protocols.md)); where only
`y-matlab` was measured, it has a *. The zoo names no protocol: its row of bicubic is `seed-zoo`, so
its own runs are taken for that. Figures with a ? are doubtful: known slips, other pictures, other
units. The notes below the tables say which; they are counted as they are printed. B100 is also
called BSD100."""

_BELOW_SUMMARY = """\
"From below": so many of the met figures are printed higher than ours. "Of doubtful": so many of the
short cells fall short of a figure with a ?. `vdsr`, `vdsr-nobias` or `vdsr-22` stands for
VDSR, `drcn` or `drcn-17` for DRCN, and `rdn-b`, or else the smaller `rdn-a`, for RDN: the first of
them that is shipped. In the seeds without figures there is nothing to meet:"""

_TARGETS = """\
PSNR in dB on Set5 under `y-matlab`. The target is the paper's or the best public figure; it is met
from the printed figure upwards, not from half a digit below. The seed's own is its best run."""


def _summary(told: Sequence[Section]) -> list[str]:
    head = ("network", "seed", "cells", "beaten", "met", "from below", "short", "of doubtful")
    rows = [(s.network.title, s.network.seed, *_counts(s.cells)) for s in told]
    every = [cell for section in told for cell in section.cells]
    rows.append(("**all**", "", *(f"**{count}**" for count in _counts(every))))
    return _table((*head, "not measured"), rows)


def _counts(cells: Sequence[Cell]) -> tuple[int, ...]:
    met = [cell for cell in cells if cell.standing == "met"]
    short = [cell for cell in cells if cell.standing == "short"]
    return (
        len(cells),
        sum(cell.standing == "beaten" for cell in cells),
        len(met),
        sum(cell.gain is not None and cell.gain < 0 for cell in met),
        len(short),
        sum(cell.figure.doubtful for cell in short),
        sum(cell.standing == "not measured" for cell in cells),
    )


def _target_rows(found: Sequence[Section]) -> list[str]:
    rows = []
    for section in found:
        for cell in section.targets:
            own = _best_run(section, cell.figure.scale)
            rows.append(
                (
                    *(section.network.title, f"x{cell.figure.scale}", cell.figure.printed, own),
                    *(cell.ours_cut or "–", cell.gain_cut or "–", _verdict(cell)),
                )
            )
    head = ("network", "scale", "target", "seed's own", "ours", "difference", "verdict")
    total, beaten, met, _, short, _, open_ = _counts([c for s in found for c in s.targets])
    closing = f"{total} targets: {beaten} beaten, {met} met, {short} short, {open_} not measured."
    return [*_table(head, rows), "", closing]


def _best_run(section: Section, scale: int) -> str:
    runs = [
        cell.figure.printed
        for cell in section.cells
        if COLUMNS[cell.figure.source] == "own run"
        and (cell.figure.data_set, cell.figure.scale, cell.figure.metric) == ("set5", scale, "psnr")
    ]
    return max(runs, key=Decimal, default="–")


def _reasons(found: Sequence[Section]) -> Iterator[str]:
    """Networks without weights, those that fall short, and everything else that is missing."""
    yield from _listed(
        "Networks without weights. [The queue](../recipes/QUEUE.md) has the commands of the runs "
        "that\ncan be made, best first, and how long they take.",
        ((s, s.network.waits_for) for s in found),
        lambda cell: cell.lack == "weights",
    )
    yield from _listed(
        "Networks that fall short of a figure without doubts:",
        ((s, s.network.short) for s in found),
        needs_reason,
    )
    yield from _listed(
        "Weights that have seen the set in training. Others, trained without it, would close it:",
        ((s, f"{_sets(s, 'seen')}.") for s in found),
        lambda cell: cell.lack == "seen",
    )
    yield from _listed(
        "Not run. `superfine benchmark NETWORK --data SET --protocol NAME` would close it:",
        ((s, f"{_sets(s, 'row')}.") for s in found),
        lambda cell: cell.lack == "row",
    )
    yield from ("Pictures that are missing, whatever the network:", "")
    for name, reason in ABSENT.items():
        cells = [cell for s in found for cell in s.cells if cell.lack == "pictures"]
        count = sum(cell.figure.data_set.partition("/")[0] == name for cell in cells)
        yield f"- **{_title(name)}**, {_count(count, 'cell')}: {reason}"


def _listed(
    opening: str, reasons: Iterable[tuple[Section, str]], wanted: Callable[[Cell], bool]
) -> Iterator[str]:
    """`opening`, and the reason of each network that has such cells; nothing where none has."""
    lines = []
    for section, reason in reasons:
        cells, targets = sum(map(wanted, section.cells)), sum(map(wanted, section.targets))
        told = [_count(cells, "cell")] * bool(cells) + [_count(targets, "target")] * bool(targets)
        if told:
            lines.append(f"- **{section.network.title}**, {' and '.join(told)}: {reason}")
    if lines:
        yield from (*opening.splitlines(), "", *lines, "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _sets(section: Section, lack: str) -> str:
    lacking = (c for c in (*section.cells, *section.targets) if c.lack == lack)
    return ", ".join(dict.fromkeys(_title(cell.figure.data_set) for cell in lacking))


def _of_network(section: Section, cards: Sequence[Card]) -> Iterator[str]:
    network = section.network
    used = {cell.ours.weights for cell in section.cells if cell.ours is not None}
    trained = [
        f"- Ours, `{card.architecture}-x{card.scale}`: {', '.join(card.training_data)}; "
        f"{card.training}."
        for card in cards
        if card.sha256 in used
    ]
    yield from (f"## {network.title}", "", f"Seed: {network.seed}.", "")
    yield from (*trained, "") if trained else ()
    head = ("set", "metric", "scale", "column", "printed", "protocol", "ours", "difference")
    yield from (*_table((*head, "verdict"), map(_cell_row, section.cells)), "")
    yield from _notes(section.cells)


def _cell_row(cell: Cell) -> tuple[str, ...]:
    figure = cell.figure
    unit = "" if figure.unit == "1" else f" {figure.unit}"
    trained = f", {figure.trained_on}" if figure.trained_on and "zoo" in figure.source else ""
    star = "*" if cell.of_another_protocol else ""
    return (
        _title(figure.data_set),
        figure.metric + unit,
        f"x{figure.scale}",
        COLUMNS[figure.source] + trained,
        figure.printed + ("?" if figure.doubtful else ""),
        figure.protocol,
        cell.ours_cut + star if cell.ours else "–",
        cell.gain_cut or "–",
        _verdict(cell),
    )


def _verdict(cell: Cell) -> str:
    if cell.lack is None:
        return cell.standing
    return f"not measured: {'run' if cell.lack == 'row' else cell.lack}"


def _notes(cells: Sequence[Cell]) -> Iterator[str]:
    """Why figures are doubtful, each reason once."""
    notes: dict[str, list[str]] = {}
    for figure in (cell.figure for cell in cells if cell.figure.doubtful):
        where = f"{_title(figure.data_set)} x{figure.scale} {figure.metric}"
        notes.setdefault(figure.note, []).append(where)
    for note, where in notes.items():
        yield f"- ? {', '.join(where)}: {note}."
    if notes:
        yield ""


def _title(name: str) -> str:
    """As tables write the set; "set5/baby" is one of its pictures."""
    data_set, slash, picture = name.partition("/")
    known = {s.name: s.title for s in CATALOGUE} | {"nyuv2": "NYU v2", "holopix": "Holopix50k"}
    return known[data_set] + slash + picture


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def shelf() -> Shelf:
    """What is measured and shipped now."""
    cards = tuple(card for _, card in shipped_cards())
    return Shelf(read_measured(MEASURED), cards, frozenset(ABSENT))


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(shelf()), encoding="utf-8")


if __name__ == "__main__":
    main()
