"""Cutting a picture into pieces that are worked on one at a time.

Convention: a `Span` is a half-open range of pixels on one axis. A piece is worked on together with
`reach` pixels of context on each side (less at the border of the picture), and only the piece is
kept; with context of at least the reach of a network, the pieces put together equal the whole.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Shaped
from torch import Tensor


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

    def aligned(self, to: int, size: int) -> Span:
        """This span widened to multiples of `to`, or to the end of [0, size)."""
        return Span(self.start // to * to, min(size, -(-self.stop // to) * to))

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


def faded(
    pieces: Iterable[Shaped[Tensor, "k _ _"]], *, overlap: int, dim: int
) -> Iterator[Shaped[Tensor, "k _ _"]]:
    """`pieces`, each of which fades into the next over the `overlap` places that they share.

    What is yielded has no places in common any more, and put together along `dim` is the whole.

    Args:
        pieces: Each of at least twice `overlap` places along `dim`; the first and the last of one.
    """
    held: Tensor | None = None
    for piece in pieces:
        rest = piece
        if held is not None:
            head, rest = piece.tensor_split([overlap], dim=dim)
            rest = torch.cat((_mixed(held, head, dim), rest), dim=dim)
        if overlap:
            rest, held = rest.tensor_split([rest.shape[dim] - overlap], dim=dim)
        yield rest
    if held is not None:
        yield held


def _mixed(
    before: Shaped[Tensor, "k n m"], after: Shaped[Tensor, "k n m"], dim: int
) -> Shaped[Tensor, "k n m"]:
    """From one to the other in equal steps along `dim`."""
    length = before.shape[dim]
    weights = (torch.arange(length, device=before.device) + 0.5) / length
    weights = weights.view([length if axis == dim else 1 for axis in range(before.ndim)])
    mixed = torch.lerp(before.float(), after.float(), weights)
    return mixed if before.is_floating_point() else mixed.round().to(torch.int32).to(before.dtype)


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
