"""The log of a run as a picture: loss, learning rate and scores against the optimiser step."""

from __future__ import annotations

import contextlib
import io
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from superfine.training.watching.values import named_values, score_values, step_of, writable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from superfine.training.watching.watcher import Record

# Okabe and Ito, Color Universal Design, 2008: told apart with any kind of colour vision.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_INK, _FAINT = "#202024", "#d0d0d0"
_PANEL = (6.4, 3.6)  # inches
_DOTS_PER_INCH = 110
# With more values than this a mean over 1 in 50 of them is drawn above the faint single ones.
_MANY = 200


@dataclass
class _Line:
    """One curve."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: int, value: float) -> None:
        self.steps.append(step)
        self.values.append(value)


@dataclass
class _Curves:
    """What a log says, sorted into panels.

    Attributes:
        losses: Name of a term, "loss" for all together -> its curve.
        rate: The learning rate.
        scores: (set, metric) -> scale -> curve.
        best_step: Where the weights scored best; None without a score.
    """

    losses: dict[str, _Line] = field(default_factory=dict)
    rate: _Line = field(default_factory=_Line)
    scores: dict[tuple[str, str], dict[str, _Line]] = field(default_factory=dict)
    best_step: int | None = None


def draw_curves(log: Path, *, resumed_at: Sequence[int] = ()) -> bytes | None:
    """A PNG of the run that `log` tells about.

    Args:
        log: A `log.jsonl`; lines that a kill tore are passed over.
        resumed_at: Steps from which the run went on after an interruption.

    Returns:
        None when matplotlib is not installed or the log holds nothing yet.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    records = _read(log)
    if not records:
        return None
    curves = _sorted(records)
    rows = 1 + math.ceil(len(curves.scores) / 2)
    # Without pyplot there is no global state and no window.
    figure = Figure(
        figsize=(2 * _PANEL[0], rows * _PANEL[1]), dpi=_DOTS_PER_INCH, layout="constrained"
    )
    title = f"{writable(log.absolute().parent.name)}, {max(map(step_of, records)):,} steps"
    figure.suptitle(title, color=_INK, fontsize=14, parse_math=False)
    panels = figure.subplots(rows, 2, squeeze=False, sharex=True).flatten()
    _draw_losses(panels[0], curves)
    _draw_rate(panels[1], curves)
    for panel, ((name, metric), lines) in zip(panels[2:], curves.scores.items(), strict=False):
        _draw_scores(panel, name, metric, lines, curves.best_step)
    used = 2 + len(curves.scores)
    for panel in panels[:used]:
        _finish(panel, resumed_at)
    for panel in panels[used:]:
        panel.remove()
    for panel in panels[used - 2 : used]:
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("optimiser step")
    if resumed_at:
        panels[0].legend()
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # in the name of a folder
        figure.savefig(stream, format="png")
    return stream.getvalue()


def _read(log: Path) -> list[Record]:
    found = []
    for line in log.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def _sorted(records: Sequence[Record]) -> _Curves:
    curves = _Curves()
    for record in records:
        step = step_of(record)
        if record["kind"] == "train":
            for name, value in named_values(record).items():
                if name == "learning_rate":
                    curves.rate.add(step, value)
                elif name == "loss" or name.startswith("loss/"):
                    curves.losses.setdefault(name, _Line()).add(step, value)
            continue
        for score in score_values(record):
            panel = curves.scores.setdefault((score.set_name, score.metric), {})
            panel.setdefault(score.scale, _Line()).add(step, score.value)
        if record.get("best"):
            curves.best_step = step
    return curves


def _draw_losses(panel: Axes, curves: _Curves) -> None:
    total = {name: line for name, line in curves.losses.items() if name == "loss"}
    terms = {name: line for name, line in curves.losses.items() if name != "loss"}
    # A loss of one term is that term.
    shown = total | terms if len(terms) > 1 else total or terms
    for i, (name, line) in enumerate(shown.items()):
        colour = _INK if name == "loss" and len(shown) > 1 else _COLOURS[i % len(_COLOURS)]
        label = name if name == "loss" else name.removeprefix("loss/")
        _draw_line(panel, line, colour=colour, label=label)
    only = "".join(name.removeprefix("loss/") for name in terms) if len(terms) == 1 else ""
    panel.set_title(f"Training loss ({only})" if only else "Training loss")
    if all(value > 0 for line in shown.values() for value in line.values):
        panel.set_yscale("log")
    if len(shown) > 1:
        panel.legend()


def _draw_line(panel: Axes, line: _Line, *, colour: str, label: str) -> None:
    if len(line.values) <= _MANY:
        marker = "." if len(line.values) == 1 else None
        panel.plot(line.steps, line.values, color=colour, label=label, marker=marker)
        return
    panel.plot(line.steps, line.values, color=colour, alpha=0.3, linewidth=0.8)
    panel.plot(line.steps, _smoothed(line.values), color=colour, label=label)


def _smoothed(values: Sequence[float]) -> Float64[np.ndarray, " n"]:
    """The mean of each value and its neighbours; fewer of them towards the ends."""
    window = np.ones(len(values) // 50 | 1)
    sums = np.convolve(values, window, mode="same")
    counts = np.convolve(np.ones(len(values)), window, mode="same")
    smooth: Float64[np.ndarray, " n"] = sums / counts
    return smooth


def _draw_rate(panel: Axes, curves: _Curves) -> None:
    panel.set_title("Learning rate")
    values = curves.rate.values
    marker = "." if len(values) == 1 else None
    panel.plot(curves.rate.steps, values, color=_COLOURS[0], marker=marker)
    if values and min(values) > 0 and max(values) > 20 * min(values):
        panel.set_yscale("log")
    else:
        panel.set_ylim(bottom=0)
        panel.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))


def _draw_scores(
    panel: Axes, name: str, metric: str, lines: Mapping[str, _Line], best_step: int | None
) -> None:
    panel.set_title(f"{name}: {metric.upper()}", parse_math=False)
    if metric == "psnr":
        panel.set_ylabel("dB")
    for i, (scale, line) in enumerate(lines.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        label = f"{scale}, now {line.values[-1]:#.4g}"
        marker = "." if len(line.values) < _MANY else None
        panel.plot(line.steps, line.values, color=colour, label=label, marker=marker)
        if best_step in line.steps:
            best = line.values[line.steps.index(best_step)]
            star = f"best weights, step {best_step:,}" if i == len(lines) - 1 else None
            panel.plot(best_step, best, "*", color=_INK, markersize=11, label=star, zorder=5)
    panel.legend()


def _finish(panel: Axes, resumed_at: Sequence[int]) -> None:
    from matplotlib.ticker import EngFormatter

    panel.set_xlim(left=0)
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))
    panel.grid(color=_FAINT, linewidth=0.6)
    panel.grid(which="minor", axis="y", color=_FAINT, linewidth=0.3)
    panel.set_axisbelow(True)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    for i, step in enumerate(resumed_at):
        label = None if i else "resumed"
        panel.axvline(step, color="#707070", linewidth=1, linestyle=":", zorder=1, label=label)
