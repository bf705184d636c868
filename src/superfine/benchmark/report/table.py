"""The scores as rows of text, each beside its published figure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from superfine.benchmark.metric import DEPTH_COLUMNS, METRICS, Column
from superfine.benchmark.results import Benchmark, Cell
from superfine.benchmark.tables import of_another_protocol

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Figure:
    """One metric of a row.

    Attributes:
        ours: What was measured, with the digits tables print.
        published: The figure it is compared with, as printed there; empty where none is known.
        difference: Ours less theirs, with its sign.
        tone: "near", "better" or "worse"; empty where there is no difference.
        source: Its number in the list of sources, from 1; 0 where there is none.
    """

    ours: str
    published: str = ""
    difference: str = ""
    tone: str = ""
    source: int = 0


@dataclass(frozen=True)
class Row:
    """One model on one set at one scale.

    Attributes:
        model: Its name, with what was done beside.
        data_set: Name of the set.
        scale: HR pixels per LR pixel.
        count: Pictures.
        figures: In the order of the metrics.
        verdict: Its number in the list of verdicts, from 1; 0 where there is none.
    """

    model: str
    data_set: str
    scale: int
    count: int
    figures: tuple[Figure, ...]
    verdict: int


@dataclass(frozen=True)
class Table:
    """The scores.

    Attributes:
        metrics: The columns.
        compared: For each metric, whether any figure of it is published.
        rows: In the order of the run.
        sources: Of published figures; a row names them by number.
        verdicts: Row and sentence, in the order of the rows.
        notes: What else to know, in sentences.
    """

    metrics: tuple[Column, ...]
    compared: tuple[bool, ...]
    rows: tuple[Row, ...]
    sources: tuple[str, ...]
    verdicts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def table(benchmark: Benchmark) -> Table:
    """The table of a run."""
    metrics = tuple(column(name) for name in benchmark.metrics)
    sources: list[str] = []
    verdicts: list[tuple[str, str]] = []
    rows = []
    for cell in benchmark.cells:
        figures = tuple(_figure(cell, metric, sources) for metric in metrics)
        if cell.verdict is not None:
            verdicts.append((title_of(cell), cell.verdict.sentence))
        number = len(verdicts) if cell.verdict is not None else 0
        name = name_of(cell)
        rows.append(Row(name, cell.data_set, cell.scale, len(cell.pictures), figures, number))
    compared = tuple(any(m.name in cell.published for cell in benchmark.cells) for m in metrics)
    notes = tuple(dict.fromkeys(note for cell in benchmark.cells for note in cell.notes))
    return Table(metrics, compared, tuple(rows), tuple(sources), tuple(verdicts), notes)


def column(name: str) -> Column:
    """The column of the metric called `name`; one that needs a file of the user's is no known one.

    All of those that there are, LPIPS and DISTS, are distances.
    """
    known: tuple[Column, ...] = (*METRICS, *DEPTH_COLUMNS)
    for column in known:
        if column.name == name:
            return column
    return Column(name, name.upper(), "", 4, False, "By a network from a file of the user's.")


def name_of(cell: Cell) -> str:
    """What people call the model of `cell`; "+" is the field's sign for self-ensemble."""
    return f"{cell.model}+" if cell.self_ensemble else cell.model


def title_of(cell: Cell) -> str:
    """Model, set and scale in words."""
    return f"{name_of(cell)}, {cell.data_set} ×{cell.scale}"


def in_digits(value: float, metric: Column) -> str:
    """`value` as tables print it; a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return f"{value:.{metric.decimals}f}".replace("-", MINUS)


def _figure(cell: Cell, metric: Column, sources: list[str]) -> Figure:
    ours = in_digits(cell.mean(metric.name), metric)
    known, difference = cell.published.get(metric.name), cell.difference(metric.name)
    if known is None or difference is None or not math.isfinite(difference):
        return Figure(ours)
    source = ", ".join(part for part in (known.source, known.note) if part)
    if of_another_protocol(cell, metric.name):
        source += f" (measured under {known.protocol}, not {cell.protocol})"
    if known.doubtful:
        source += " (doubtful)"
    if source not in sources:
        sources.append(source)
    return Figure(
        ours,
        published=known.printed.replace("-", MINUS),
        difference=_signed(difference, metric),
        tone=_tone(difference, metric),
        source=sources.index(source) + 1,
    )


def _signed(difference: float, metric: Column) -> str:
    text = f"{difference:+.{metric.decimals}f}".replace("-", MINUS)
    return text if any(digit in text for digit in "123456789") else text[1:]


def _tone(difference: float, metric: Column) -> str:
    # 0.05 dB, where a verdict begins, and as many last digits of other metrics.
    if abs(difference) <= 5 * 10**-metric.decimals:
        return "near"
    return "better" if (difference > 0) == metric.higher_is_better else "worse"
