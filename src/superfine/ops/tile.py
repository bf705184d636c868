"""Cutting a picture into pieces that are worked on one at a time.

Convention: a `Span` is a half-open range of pixels on one axis. A piece is worked on together with
`reach` pixels of context on each side (less at the border of the picture), and only the piece is
kept; with context of at least the reach of a network, the pieces put together equal the whole.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Pixels start, start + 1, ..., stop - 1 of an axis."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Number of pixels."""
        return self.stop - self.start

    def grown(self, by: int, size: int) -> Span:
        """This span with `by` pixels more on each side, kept inside [0, size)."""
        return Span(max(0, self.start - by), min(size, self.stop + by))

    def shrunk(self, by: int) -> Span:
        """The pixels of an axis `by` times coarser that cover this span."""
        return Span(self.start // by, -(-self.stop // by))

    def halves(self) -> tuple[Span, Span]:
        """This span cut in the middle."""
        middle = (self.start + self.stop) // 2
        return Span(self.start, middle), Span(middle, self.stop)

    def within(self, outer: Span) -> slice:
        """This span counted from the start of `outer`."""
        return slice(self.start - outer.start, self.stop - outer.start)


def cut(size: int, longest: int) -> tuple[Span, ...]:
    """[0, size) in as few spans as possible of at most `longest`, as equal as possible.

    The number is fixed first, so that no sliver is left at the end.
    """
    count = max(1, math.ceil(size / longest))
    edges = [size * i // count for i in range(count + 1)]
    return tuple(Span(a, b) for a, b in itertools.pairwise(edges))


def fitting_tile(height: int, width: int, *, reach: int, pixels: int) -> tuple[int, int]:
    """Rows and columns of the largest tile that needs at most `pixels` with its context.

    Strips of the full width come first: they waste context on two sides only. Below 64 rows the
    context would cost more than the strip saves, and squares take over. Never smaller than
    16 x 16, whatever `pixels` says.
    """
    rows = pixels // width - 2 * reach
    if rows >= min(64, height):
        return min(rows, height), width
    side = max(16, math.isqrt(max(0, pixels)) - 2 * reach)
    return min(side, height), min(side, width)
