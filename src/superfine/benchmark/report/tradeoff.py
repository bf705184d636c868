"""Quality against cost: the points of the Pareto plot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from superfine import ledger
from superfine.benchmark.papers import published, published_for
from superfine.benchmark.report.table import column, name_of
from superfine.benchmark.results import Benchmark, Cell

_VIEWS = 8  # of a self-ensemble

# Papers print luma networks under the one and colour networks under the other in one table; the
# two differ by some hundredths of a decibel.
_LUMA_TABLES = {"y-matlab", "y-rgb"}


@dataclass(frozen=True)
class Axis:
    """One way to count cost.

    Attributes:
        name: Its key.
        title: What people read.
        unit: "", "B" or "s".
        about: One line for people.
    """

    name: str
    title: str
    unit: str
    about: str


@dataclass(frozen=True)
class Point:
    """One model at one scale.

    Attributes:
        group: Set and scale, as people read them.
        model: Its name.
        quality: The mean of the metric.
        costs: Name of an axis -> cost; one that is not known is missing.
        source: Where a published figure stands; empty for one that was measured here.
    """

    group: str
    model: str
    quality: float
    costs: Mapping[str, float]
    source: str


def axes() -> tuple[Axis, ...]:
    """What can be looked along, in the order of the choice."""
    known = ledger.read()
    width, height = ledger.STANDARD_SIZE
    result = f"a result of {width}×{height}"
    small = "×".join(map(str, ledger.LATENCY_SIZE))
    machine = known.latency_machine or "no machine yet"
    return (
        Axis("parameters", "Parameters", "", "Trainable values."),
        Axis("macs", "MACs", "", f"Multiplications with their additions for {result}."),
        Axis("activations", "Activations", "", f"Values all convolutions put out for {result}."),
        Axis("memory", "Memory", "B", f"Tensors alive at one time for {result}, float32."),
        Axis("latency", "Latency", "s", f"For a result of {small} on {machine}."),
        Axis("run", "Time in this run", "s", "Core time a picture, metrics included."),
    )


def group_of(data_set: str, scale: int) -> str:
    """Set and scale, as people read them."""
    return f"{data_set} ×{scale}"


def quality_metric(benchmark: Benchmark) -> str:
    """The metric of the plot: PSNR where it was measured."""
    return "psnr" if "psnr" in benchmark.metrics else benchmark.metrics[0]


def points(benchmark: Benchmark) -> list[Point]:
    """What was measured, and behind it what others published of the networks we know."""
    metric = quality_metric(benchmark)
    return [*_measured(benchmark, metric), *_published(benchmark.cells, metric)]


def _measured(benchmark: Benchmark, metric: str) -> Iterable[Point]:
    for cell in benchmark.cells:
        times = _VIEWS if cell.self_ensemble else 1
        run = {"run": cell.seconds / max(1, len(cell.pictures))}
        costs = {**costs_of(cell.architecture, cell.scale, times=times), **run}
        quality = cell.mean(metric)
        # Equal pictures have a PSNR without end, which no axis holds.
        if math.isfinite(quality):
            group = group_of(cell.data_set, cell.scale)
            yield Point(group, name_of(cell), quality, costs, "")


def _published(cells: Iterable[Cell], metric: str) -> Iterable[Point]:
    groups = {(cell.data_set, cell.scale): cell.protocol for cell in cells}
    known = {
        (figure.model, figure.data_set, figure.scale)
        for figure in published()
        if figure.metric == metric and (figure.data_set, figure.scale) in groups
    }
    for model, data_set, scale in sorted(known):
        costs = _costs_of_published(model, scale)
        protocol = groups[data_set, scale]
        figures = published_for(model, data_set, scale, metric)
        usable = [f for f in figures if not f.doubtful and _comparable(f.protocol, protocol)]
        if costs and usable:
            best = usable[0]
            yield Point(group_of(data_set, scale), model, best.value, costs, best.source)


def _comparable(theirs: str, ours: str) -> bool:
    return theirs == ours or {theirs, ours} <= _LUMA_TABLES


def _costs_of_published(model: str, scale: int) -> dict[str, float]:
    name = model.removesuffix("+")
    return costs_of(name, scale, times=1 if name == model else _VIEWS)


def costs_of(architecture: str, scale: int, *, times: int = 1) -> dict[str, float]:
    """What the ledger knows of a network; empty where it knows nothing.

    Args:
        architecture: Name in the zoo.
        scale: HR pixels per LR pixel.
        times: Runs for one result. Parameters and memory stay the same.
    """
    known = ledger.read()
    entry = known.networks.get(architecture)
    cost = entry.costs.get(scale) if entry else None
    if cost is None:
        return {}
    costs: dict[str, float] = {
        "parameters": cost.parameters,
        "macs": cost.macs * times,
        "activations": cost.activations * times,
        "memory": cost.memory,
    }
    latency = known.latencies.get(f"{architecture}-x{scale}")
    return costs if latency is None else {**costs, "latency": latency * times}


def higher_is_better(benchmark: Benchmark) -> bool:
    """The direction of the plotted metric."""
    return column(quality_metric(benchmark)).higher_is_better


def unit_of(benchmark: Benchmark) -> tuple[str, int]:
    """Title with unit of the plotted metric, and its digits."""
    metric = column(quality_metric(benchmark))
    return f"{metric.title}, {metric.unit}" if metric.unit else metric.title, metric.decimals
