"""The scores of a figure as a LaTeX table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superfine.benchmark.figure.columns import Column, emphases, printed
from superfine.benchmark.metric import USUAL, find_metric
from superfine.benchmark.tables import latex


def latex_table(columns: Sequence[Column], *, title: str, scale: int, protocol: str) -> str:
    """A `table` with one row for each column that has scores, best in bold, second underlined.

    Needs the package booktabs. Names are escaped; the caption names the picture, the scale and the
    protocol.
    """
    rows = [column for column in columns if column.scores]
    metrics = [find_metric(name) for name in USUAL]
    heads = [f"{m.title} ({m.unit})" if m.unit else m.title for m in metrics]
    marks = [emphases(rows, metric) for metric in USUAL]
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"  \centering",
        rf"  \caption{{{_escaped(title)}, $\times{scale}$, protocol {_escaped(protocol)}.}}",
        rf"  \begin{{tabular}}{{l{'r' * len(metrics)}}}",
        r"    \toprule",
        rf"    {' & '.join(['Method', *heads])} \\",
        r"    \midrule",
        *_rows(rows, list(zip(*marks, strict=True))),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _rows(rows: Sequence[Column], marks: Sequence[tuple[str | None, ...]]) -> Iterator[str]:
    commands = {"best": r"\textbf", "second": r"\underline"}
    for column, of_row in zip(rows, marks, strict=True):
        cells = [_escaped(column.name)]
        for metric, mark in zip(USUAL, of_row, strict=True):
            value = printed(metric, column.scores[metric]).replace("∞", r"$\infty$")
            cells.append(f"{commands[mark]}{{{value}}}" if mark else value)
        yield rf"    {' & '.join(cells)} \\"


def _escaped(text: str) -> str:
    return latex("".join(c if c.isprintable() else " " for c in text))
