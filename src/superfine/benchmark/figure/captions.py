"""The text of a figure: what fits into a line, and what is bold or underlined in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from superfine.benchmark.figure.columns import Column, Emphasis, emphases, printed
from superfine.benchmark.metric import USUAL

# Times, as the text around it; DejaVu has the letters of more scripts.
FONTS = ["STIXGeneral", "DejaVu Sans"]
SIZE = 8.0  # points


@dataclass(frozen=True)
class Run:
    """A piece of a line of text."""

    text: str
    emphasis: Emphasis | None = None


Line = tuple[Run, ...]


def score_lines(columns: Sequence[Column]) -> list[Line]:
    """What stands below the name of each column: its scores, or its note."""
    marks = {metric: emphases(columns, metric) for metric in USUAL}
    lines: list[Line] = []
    for index, column in enumerate(columns):
        runs = [Run(column.note)] if column.note else []
        for metric, value in column.scores.items():
            runs += [Run("/")] if runs else []
            runs.append(Run(printed(metric, value), marks[metric][index]))
        lines.append(tuple(runs))
    return lines


def wrapped(text: str, room: float, lines: int) -> tuple[str, ...]:
    """`text` on at most so many lines of `room` points; nothing where it does not fit."""
    found: list[str] = []
    while text:
        if len(found) == lines:
            return ()
        end = _fitting(text, room)
        if end < len(text):
            # Words stay whole where they can.
            breaks = [i for i in range(1, end + 1) if text[i - 1] in " -_/." or text[i] == " "]
            end = breaks[-1] if breaks else end
        found.append(text[:end].strip())
        text = text[end:].strip()
    return tuple(found)


def shortened(text: str, room: float, lines: int) -> tuple[str, ...]:
    """What fits of the beginning and the end of `text`, which does not fit itself."""

    def at_most(kept: int) -> str:
        return f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"

    kept = bisect_left(range(len(text)), True, key=lambda n: not wrapped(at_most(n), room, lines))
    return wrapped(at_most(kept - 1), room, lines) if kept else ("…",)


def _fitting(text: str, room: float) -> int:
    """How many letters of `text` fit into `room` points, at least one."""
    found = bisect_left(
        range(1, len(text) + 1), True, key=lambda n: line_width((Run(text[:n]),)) > room
    )
    return max(found, 1)


def line_width(line: Line) -> float:
    """In points."""
    return sum(run_width(run) for run in line)


def run_width(run: Run) -> float:
    """In points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    weight = "bold" if run.emphasis == "best" else "normal"
    font = FontProperties(family=FONTS, size=SIZE, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(run.text, font, ismath=False)
    return float(width)


def plain(text: str) -> str:
    """`text` without what cannot be printed."""
    return "".join(c if c.isprintable() else "?" for c in text)
