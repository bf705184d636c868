"""Every picture's values, and how they lie beside each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from superfine.benchmark.metric import Column
from superfine.benchmark.report.table import column, in_digits, name_of
from superfine.benchmark.report.tradeoff import group_of, quality_metric
from superfine.benchmark.results import Benchmark, Cell


@dataclass(frozen=True)
class Dot:
    """One picture of a strip.

    Attributes:
        place: From 0 at the left end of the axis to 100.
        label: Picture and value.
    """

    place: float
    label: str


@dataclass(frozen=True)
class Strip:
    """The pictures of one model as dots on a line.

    Attributes:
        model: Its name.
        dots: The pictures.
        mean: Place of their mean; None where it is no number.
        label: The whole strip in words.
    """

    model: str
    dots: tuple[Dot, ...]
    mean: float | None
    label: str


@dataclass(frozen=True)
class Value:
    """One number of the table and whether it is the best of its row."""

    text: str
    best: bool


@dataclass(frozen=True)
class Group:
    """One set at one scale.

    Attributes:
        title: Set and scale.
        models: Names, in the order of the run.
        metrics: The columns under each model.
        rows: Picture and its values: all metrics of the first model, then of the next.
        strips: One for each model; their axis is the same.
        ticks: Place and text of the marks of that axis.
    """

    title: str
    models: tuple[str, ...]
    metrics: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Value, ...]], ...]
    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]


def groups(benchmark: Benchmark) -> list[Group]:
    """One for each set and scale, in the order of the run."""
    metrics = tuple(column(name) for name in benchmark.metrics)
    plotted = column(quality_metric(benchmark))
    cells: dict[str, list[Cell]] = {}
    for cell in benchmark.cells:
        cells.setdefault(group_of(cell.data_set, cell.scale), []).append(cell)
    return [_group(title, together, metrics, plotted) for title, together in cells.items()]


def _group(
    title: str, cells: Sequence[Cell], metrics: tuple[Column, ...], plotted: Column
) -> Group:
    finite = [value for cell in cells for _, value in _values(cell, plotted)]
    marks = ticks(min(finite), max(finite)) if finite else [0.0, 1.0]
    low, high = marks[0], marks[-1]

    def place(value: float) -> float:
        return round(2 + 96 * (value - low) / (high - low), 2)

    digits = max(0, math.ceil(-math.log10(marks[1] - marks[0])))
    return Group(
        title,
        tuple(name_of(cell) for cell in cells),
        metrics,
        _rows(cells, metrics),
        tuple(_strip(cell, plotted, place) for cell in cells),
        tuple((place(mark), f"{mark:.{digits}f}") for mark in marks),
    )


def _strip(cell: Cell, metric: Column, place: Callable[[float], float]) -> Strip:
    values = _values(cell, metric)
    unit = f" {metric.unit}" if metric.unit else ""
    dots = [Dot(place(v), f"{name}: {in_digits(v, metric)}{unit}") for name, v in values]
    if not values:
        return Strip(name_of(cell), (), None, f"{name_of(cell)}: no values")
    mean = sum(value for _, value in values) / len(values)
    (worst, low), (best, high) = min(values, key=_number), max(values, key=_number)
    label = (
        f"{name_of(cell)}: {metric.title} from {in_digits(low, metric)}{unit} ({worst}) "
        f"to {in_digits(high, metric)}{unit} ({best}), mean {in_digits(mean, metric)}{unit}"
    )
    return Strip(name_of(cell), tuple(dots), place(mean), label)


def _number(named: tuple[str, float]) -> float:
    return named[1]


def _values(cell: Cell, metric: Column) -> list[tuple[str, float]]:
    named = ((p.picture, p.values.get(metric.name, math.nan)) for p in cell.pictures)
    return [(name, value) for name, value in named if math.isfinite(value)]


def _rows(
    cells: Sequence[Cell], metrics: Sequence[Column]
) -> tuple[tuple[str, tuple[Value, ...]], ...]:
    found: dict[str, list[list[float]]] = {}
    for place, cell in enumerate(cells):
        for picture in cell.pictures:
            row = found.setdefault(picture.picture, [[math.nan] * len(metrics) for _ in cells])
            row[place] = [picture.values.get(metric.name, math.nan) for metric in metrics]
    return tuple((name, _marked(row, metrics)) for name, row in found.items())


def _marked(row: Sequence[Sequence[float]], metrics: Sequence[Column]) -> tuple[Value, ...]:
    texts = [[in_digits(v, m) for v, m in zip(values, metrics, strict=True)] for values in row]
    best = []
    for place, metric in enumerate(metrics):
        known = [values[place] for values in row if not math.isnan(values[place])]
        choose = max if metric.higher_is_better else min
        best.append(in_digits(choose(known), metric) if len(known) > 1 else "")
    return tuple(
        Value(text, text == best[place]) for values in texts for place, text in enumerate(values)
    )


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from at most `low` to at least `high`, about five steps of one length."""
    rough = max(high - low, 1e-3) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]
