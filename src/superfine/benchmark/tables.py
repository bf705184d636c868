"""A benchmark as text: a table for people, JSON, CSV and LaTeX for everything else."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from superfine.benchmark.metric import Column
from superfine.benchmark.results import Benchmark, Cell

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "_": r"\_",
        "&": r"\&",
        "%": r"\%",
        "#": r"\#",
        "$": r"\$",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
)


def rows(benchmark: Benchmark, metrics: Mapping[str, Column]) -> list[list[str]]:
    """The means for people: a head, and a row for each cell.

    Beside each metric that was published for a cell stand the published figure and ours less it.
    """
    told = [name for name in benchmark.metrics if any(name in c.published for c in benchmark.cells)]
    head = ["model", "set", "scale", "protocol"]
    for name in benchmark.metrics:
        head.append(_title(name, metrics))
        head += ["published", "difference"] if name in told else []
    table = [head]
    for cell in benchmark.cells:
        model = cell.model + ("+" if cell.self_ensemble else "")
        row = [model, cell.data_set, f"x{cell.scale}", cell.protocol]
        for name in benchmark.metrics:
            row.append(number(cell.mean(name), metrics[name].decimals))
            row += _beside(cell, name, metrics[name].decimals) if name in told else []
        table.append(row)
    return table


def picture_rows(cell: Cell, metrics: Mapping[str, Column]) -> list[list[str]]:
    """The pictures of a cell, and their mean last."""
    names = list(metrics)
    table = [["picture", *(_title(name, metrics) for name in names)]]
    for picture in cell.pictures:
        values = (picture.values.get(name, math.nan) for name in names)
        table.append([picture.picture, *_numbers(values, metrics)])
    table.append(["mean", *_numbers((cell.mean(name) for name in names), metrics)])
    return table


def number(value: float, decimals: int) -> str:
    """`value` with so many decimals; "-" where there is none, "inf" for equal pictures."""
    return "-" if math.isnan(value) else f"{value:.{decimals}f}"


def to_json(benchmark: Benchmark) -> dict[str, object]:
    """All of it, with the means; infinite and missing numbers are null."""
    values = asdict(benchmark)
    for told, cell in zip(values["cells"], benchmark.cells, strict=True):
        told["mean"] = {name: cell.mean(name) for name in benchmark.metrics}
        told["difference"] = {name: cell.difference(name) for name in cell.published}
    plain = _plain(values)
    assert isinstance(plain, dict)
    return {"v": 1, **plain}


def to_csv(benchmark: Benchmark) -> str:
    """One row a picture and one for the mean of each cell, every digit there is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = ["model", "set", "scale", "protocol", "picture"]
    published = [f"published_{name}" for name in benchmark.metrics]
    writer.writerow([*keys, *benchmark.metrics, *published])
    for cell in benchmark.cells:
        first = [cell.model, cell.data_set, cell.scale, cell.protocol]
        for picture in cell.pictures:
            found = [picture.values.get(name, "") for name in benchmark.metrics]
            writer.writerow([*first, picture.picture, *found, *("" for _ in published)])
        means = [cell.mean(name) for name in benchmark.metrics]
        known = [cell.published.get(name) for name in benchmark.metrics]
        told = ["" if figure is None else figure.printed for figure in known]
        writer.writerow([*first, "mean", *("" if math.isnan(m) else m for m in means), *told])
    return text.getvalue()


def to_latex(benchmark: Benchmark, metrics: Mapping[str, Column]) -> str:
    """A `booktabs` table: models by scale in rows, sets in columns, the best of each bold."""
    sets = list(dict.fromkeys(cell.data_set for cell in benchmark.cells))
    cells = {(c.model, c.scale, c.data_set): c for c in benchmark.cells}
    protocol = ", ".join(dict.fromkeys(cell.protocol for cell in benchmark.cells))
    titles = " / ".join(metrics[name].title for name in benchmark.metrics)
    lines = [
        f"% {titles}, protocol {protocol}, {benchmark.date}, superfine {benchmark.version}",
        rf"\begin{{tabular}}{{ll{'c' * len(sets)}}}",
        r"\toprule",
        " & ".join(["Model", "Scale", *map(latex, sets)]) + r" \\",
    ]
    for scale in dict.fromkeys(cell.scale for cell in benchmark.cells):
        lines.append(r"\midrule")
        best = {s: _best(benchmark, metrics, scale, s) for s in sets}
        for model in dict.fromkeys(c.model for c in benchmark.cells if c.scale == scale):
            row = [latex(model), rf"$\times${scale}"]
            for data_set in sets:
                cell = cells.get((model, scale, data_set))
                row.append("--" if cell is None else _latex_cell(cell, metrics, best[data_set]))
            lines.append(" & ".join(row) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def latex(text: str) -> str:
    """`text` with the characters escaped that LaTeX takes for commands."""
    return text.translate(_LATEX)


def _latex_cell(cell: Cell, metrics: Mapping[str, Column], best: Mapping[str, str]) -> str:
    told = []
    for name, metric in metrics.items():
        text = number(cell.mean(name), metric.decimals)
        told.append(rf"\textbf{{{text}}}" if text == best[name] else text)
    return " / ".join(told)


def _best(
    benchmark: Benchmark, metrics: Mapping[str, Column], scale: int, data_set: str
) -> dict[str, str]:
    """Metric -> the best figure in print; none where there is nothing to choose from."""
    rivals = [c for c in benchmark.cells if (c.scale, c.data_set) == (scale, data_set)]
    found = {}
    for name, metric in metrics.items():
        values = [c.mean(name) for c in rivals if not math.isnan(c.mean(name))]
        choose = max if metric.higher_is_better else min
        found[name] = number(choose(values), metric.decimals) if len(values) > 1 else ""
    return found


def _title(name: str, metrics: Mapping[str, Column]) -> str:
    metric = metrics[name]
    return f"{metric.title} {metric.unit}".strip()


def _numbers(values: Iterator[float], metrics: Mapping[str, Column]) -> list[str]:
    found = zip(values, metrics.values(), strict=True)
    return [number(value, metric.decimals) for value, metric in found]


def _beside(cell: Cell, name: str, decimals: int) -> list[str]:
    known, difference = cell.published.get(name), cell.difference(name)
    if known is None or difference is None:
        return ["-", "-"]
    marks = ("*" if of_another_protocol(cell, name) else "") + ("?" if known.doubtful else "")
    return [known.printed + marks, f"{difference:+.{decimals}f}"]


def of_another_protocol(cell: Cell, metric: str) -> bool:
    """Whether the published figure was measured under another protocol than ours."""
    known = cell.published.get(metric)
    return known is not None and known.protocol not in ("", cell.protocol)


def _plain(value: object) -> object:
    """`value` as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
