"""A line now and then, for commands that take a while."""

from __future__ import annotations

import time

from superfine.cli.console import say

_EVERY = 10.0  # seconds


class Lines:
    """A line of progress every ten seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Says how many pictures are done, if the last time is long enough ago."""
        if self._due():
            say(f"{doing}: {done:,} of {total:,} pictures")

    def so_far(self, doing: str, done: int) -> None:
        """Says how many pictures are done where nobody knows of how many."""
        if self._due():
            say(f"{doing}: {done:,} pictures so far")

    def of_bytes(self, doing: str, here: int, size: int | None) -> None:
        """Says how many bytes are here, if the last time is long enough ago."""
        if self._due():
            whole = "" if size is None else f" of {size / 1e6:,.1f}"
            say(f"{doing}: {here / 1e6:,.1f}{whole} MB")

    def _due(self) -> bool:
        now = time.monotonic()
        if now - self._last < _EVERY:
            return False
        self._last = now
        return True
