"""How far a training run has come, in the way that suits where it is shown."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from superfine.cli.console import say, shown
from superfine.cli.progress import ProgressStyle, can_move
from superfine.training.watching.values import ScoreValue, named_values, score_values, step_of

if TYPE_CHECKING:
    from jaxtyping import UInt8
    from rich.console import Group
    from rich.live import Live
    from torch import Tensor

    from superfine.training.watching.watcher import Beginning, Record, Watcher

_PLAIN_EVERY = 10.0  # seconds
# Each takes 0.4 ms from the core that computes.
_DRAWINGS_PER_SECOND = 4


def training_meter(style: ProgressStyle) -> Watcher:
    """The meter for `style`; nothing ever moves outside a terminal."""
    if style == "none":
        return SilentTrainingMeter()
    if style == "json":
        return JsonTrainingMeter()
    if style == "plain" or not can_move():
        return PlainTrainingMeter()
    return BarTrainingMeter()


class SilentTrainingMeter:
    """Shows messages only."""

    def begin(self, beginning: Beginning) -> None:
        """Shows nothing."""

    def step(self, step: int) -> None:
        """Shows nothing."""

    def record(self, record: Record) -> None:
        """Shows nothing."""

    def picture(self, step: int, name: str, sheet: UInt8[Tensor, "3 h w"]) -> None:
        """Shows nothing."""

    def say(self, text: str) -> None:
        """Shows a message."""
        say(text)

    def end(self) -> None:
        """Does nothing."""


class JsonTrainingMeter(SilentTrainingMeter):
    """A JSON object for each line of the log, for programs that show a run themselves."""

    def begin(self, beginning: Beginning) -> None:
        """Learns how many steps there are."""
        self._steps = beginning.steps

    def record(self, record: Record) -> None:
        """Writes the record."""
        say(json.dumps({"v": 1, "progress": {"steps": self._steps, **record}}))


class PlainTrainingMeter(SilentTrainingMeter):
    """A line every ten seconds and one for each score, for logs."""

    def begin(self, beginning: Beginning) -> None:
        """Starts counting."""
        self._state = _State.of(beginning)
        self._last = self._state.started

    def step(self, step: int) -> None:
        """Says how far it is, if the last time is long enough ago."""
        self._state.step = step
        now = time.monotonic()
        if now - self._last >= _PLAIN_EVERY:
            self._last = now
            say(", ".join([self._state.way(), *self._state.figures()]))

    def record(self, record: Record) -> None:
        """Says a score."""
        self._state.see(record)
        if record["kind"] == "score":
            say(score_line(record))


class BarTrainingMeter(SilentTrainingMeter):
    """A bar that moves, with the last figures below it and the scores above."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def begin(self, beginning: Beginning) -> None:
        """Shows the bar."""
        from rich.console import Console
        from rich.live import Live

        self._state = _State.of(beginning)
        # rich would send what is printed to standard output to its own console.
        self._live = Live(
            get_renderable=self._drawn,
            console=Console(stderr=True, highlight=False, markup=False, emoji=False),
            refresh_per_second=_DRAWINGS_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )
        self._live.start(refresh=True)

    def step(self, step: int) -> None:
        """Notes how far it is; the bar is drawn by a thread of its own."""
        self._state.step = step

    def record(self, record: Record) -> None:
        """Takes over the figures; shows a score above the bar."""
        self._state.see(record)
        if record["kind"] == "score":
            self.say(score_line(record))

    def say(self, text: str) -> None:
        """Shows a message above the bar."""
        if self._live is None:
            say(text)
        else:
            self._live.console.print(text, soft_wrap=True)

    def end(self) -> None:
        """Takes the bar away and gives the cursor back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drawn(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        state = self._state
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(no_wrap=True, max_width=30)
        line.add_column(ratio=1, min_width=10)
        line.add_column(no_wrap=True)
        line.add_row(
            Text(state.name),
            ProgressBar(total=state.steps, completed=state.step),
            Text(state.way()),
        )
        figures = Text("  ".join(state.figures()), style="dim", no_wrap=True, overflow="ellipsis")
        return Group(line, figures)


@dataclass
class _State:
    """What is known about a run while it lasts.

    Attributes:
        first: Step at which this process began.
        started: When it began, by the monotonic clock.
        loss: Mean since the record before.
        score: Of the first validation set.
        samples_per_second: Without the time that scores and checkpoints take.
        memory_mb: Taken by the process, or on the GPU.
    """

    name: str
    steps: int
    first: int
    started: float
    step: int
    loss: float | None = None
    score: str | None = None
    samples_per_second: float | None = None
    memory_mb: float | None = None

    @classmethod
    def of(cls, beginning: Beginning) -> _State:
        step = beginning.step
        state = cls(shown(beginning.name), beginning.steps, step, time.monotonic(), step)
        for record in beginning.past:
            state.see(record)
        return state

    def see(self, record: Record) -> None:
        """Takes over what `record` says."""
        if record["kind"] == "score":
            self.score = _headline(record)
            return
        values = named_values(record)
        self.loss = values.get("loss")
        self.samples_per_second = values.get("machine/samples_per_second")
        self.memory_mb = values.get("machine/memory_mb")

    def way(self) -> str:
        """How far it is, and how long it will take if it goes on as it did."""
        text = f"step {self.step:,} of {self.steps:,}, {100 * self.step / self.steps:.0f} %"
        done = self.step - self.first
        if not done:
            return text
        left = (time.monotonic() - self.started) / done * (self.steps - self.step)
        return f"{text}, {timedelta(seconds=round(left))} left"

    def figures(self) -> list[str]:
        """The last numbers of the log."""
        found = [
            f"loss {self.loss:.3e}" if self.loss is not None else None,
            self.score,
            f"{self.samples_per_second:,.0f} samples/s" if self.samples_per_second else None,
            f"{self.memory_mb:,.0f} MiB" if self.memory_mb else None,
        ]
        return [text for text in found if text is not None]


def score_line(record: Record) -> str:
    """A score in words: `step 500 (y-matlab): Set5 x2 36.10 dB, SSIM 0.9512; the best so far`."""
    sets = _by_set(score_values(record))
    parts = [f"{name} {', '.join(map(_metric, values))}" for name, values in sets.items()]
    if record.get("best"):
        parts.append("the best so far")
    # Logs of earlier versions do not name it.
    protocol = f" ({shown(record['protocol'])})" if "protocol" in record else ""
    return f"step {step_of(record):,}{protocol}: {'; '.join(parts)}"


def _headline(record: Record) -> str | None:
    """The first metric of the first set at each scale."""
    values = score_values(record)
    if not values:
        return None
    first = values[0]
    chosen = [v for v in values if (v.set_name, v.metric) == (first.set_name, first.metric)]
    return f"{shown(first.set_name)} " + ", ".join(f"{v.scale} {_metric(v)}" for v in chosen)


def _by_set(values: list[ScoreValue]) -> dict[str, list[ScoreValue]]:
    """The values by "Set5 x2", in their order."""
    found: dict[str, list[ScoreValue]] = {}
    for value in values:
        found.setdefault(f"{shown(value.set_name)} {value.scale}", []).append(value)
    return found


def _metric(value: ScoreValue) -> str:
    if value.metric == "psnr":
        return f"{value.value:.2f} dB"
    return f"{value.metric.upper()} {value.value:#.4g}"
