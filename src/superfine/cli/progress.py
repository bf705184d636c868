"""How far a job has come, in the way that suits where it is shown."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Literal, Protocol

from superfine.cli.console import say, shown

if TYPE_CHECKING:
    from superfine.jobs.results import FileProgress

_PLAIN_EVERY = 10.0  # seconds
_JSON_EVERY = 1.0


ProgressStyle = Literal["auto", "bar", "plain", "json", "none"]


class Meter(Protocol):
    """Something that shows progress."""

    def update(self, progress: FileProgress) -> None:
        """Shows `progress`, or not yet."""

    def say(self, text: str) -> None:
        """Shows a message without spoiling what is on the screen."""

    def stop(self) -> None:
        """Takes away what moves."""


def meter(style: ProgressStyle) -> Meter:
    """The meter for `style`; nothing ever moves outside a terminal."""
    if style == "none":
        return SilentMeter()
    if style == "json":
        return JsonMeter()
    if style == "plain" or not can_move():
        return PlainMeter()
    return BarMeter()


def can_move() -> bool:
    """Whether standard error is a terminal on which a bar can move."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class SilentMeter:
    """Shows messages only."""

    def update(self, progress: FileProgress) -> None:
        """Shows nothing."""

    def say(self, text: str) -> None:
        """Shows a message."""
        say(text)

    def stop(self) -> None:
        """Does nothing."""


class PlainMeter(SilentMeter):
    """A line every ten seconds, for logs."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()

    def update(self, progress: FileProgress) -> None:
        """Says how far it is, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self._last < _PLAIN_EVERY:
            return
        self._last = now
        share = (progress.index + progress.share) / progress.count
        left = (now - self._started) * (1 / share - 1) if share > 0 else None
        ending = f", {left:.0f} s left" if left is not None else ""
        say(
            f"{progress.index} of {progress.count} done, {100 * share:.0f} %{ending}; "
            f"now {shown(progress.planned.label)} ({100 * progress.share:.0f} %)"
        )


class JsonMeter(SilentMeter):
    """A JSON object every second, for programs that show their own bar."""

    def __init__(self) -> None:
        self._last = 0.0

    def update(self, progress: FileProgress) -> None:
        """Writes an object, if the last one is long enough ago."""
        now = time.monotonic()
        if now - self._last < _JSON_EVERY:
            return
        self._last = now
        values = {
            "input": progress.planned.label,
            "done": progress.index,
            "total": progress.count,
            "share": round(progress.share, 4),
        }
        say(json.dumps({"v": 1, "progress": values}))


class BarMeter:
    """A bar that moves, with the time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        # rich would send what is printed to standard output to its own console.
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeLeft(),
            console=Console(stderr=True, highlight=False, markup=False, emoji=False),
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )
        self._task = self._bar.add_task("Loading", total=None)
        self._bar.start()

    def update(self, progress: FileProgress) -> None:
        """Moves the bar."""
        name = shown(progress.planned.label)
        label = name if progress.count == 1 else f"{progress.index + 1}/{progress.count} {name}"
        self._bar.update(
            self._task,
            description=label,
            total=progress.count,
            completed=progress.index + progress.share,
        )

    def say(self, text: str) -> None:
        """Shows a message above the bar."""
        self._bar.console.print(text, soft_wrap=True)

    def stop(self) -> None:
        """Takes the bar away and gives the cursor back."""
        self._bar.stop()
