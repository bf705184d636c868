"""How far a benchmark has come, in pictures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from superfine.cli.console import say
from superfine.cli.progress import can_move

if TYPE_CHECKING:
    from rich.progress import Progress

_EVERY = 10.0  # seconds, outside a terminal


class Counter:
    """A bar on a terminal, a line every ten seconds elsewhere; nothing when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        self._started = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Shows that `done` of `total` pictures are measured, or not yet."""
        if self._quiet:
            return
        if can_move():
            self._move(done, total)
            return
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self._last = now
            left = (now - self._started) * (total / done - 1)
            say(f"{done} of {total} pictures measured, {left:.0f} s left")

    def _move(self, done: int, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.add_task("Measuring", total=total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done)

    def stop(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
