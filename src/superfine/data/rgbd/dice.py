"""Everything random about a scene, as a pure function of (seed, index)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from superfine.ops.counter import draw

T = TypeVar("T")

_STREAM = 0x52474244  # apart from what a training run draws with the same seed
_BLOCK = 1024
# Numbers that one scene may use up before it would meet those of the next.
_PER_SCENE = 24


class Dice:
    """The numbers that decide about one scene, one after another."""

    def __init__(self, seed: int, index: int, purpose: int = 0) -> None:
        """Other numbers for each `purpose`; `seed` below 2**64, `index` below 2**40."""
        self._seed = seed
        self._stream = _STREAM + purpose
        self._next = index << _PER_SCENE
        self._waiting: list[float] = []

    def uniform(self, low: float, high: float) -> float:
        """Even on [low, high)."""
        if not self._waiting:
            self._waiting = _unit(self._seed, self._stream, self._next, _BLOCK)[0].tolist()
            self._next += _BLOCK
        return low + (high - low) * self._waiting.pop()

    def log_uniform(self, low: float, high: float) -> float:
        """As often between 1 and 2 as between 2 and 4."""
        return float(np.exp(self.uniform(np.log(low), np.log(high))))

    def whole(self, low: int, high: int) -> int:
        """One of low, low + 1, ... high."""
        return low + int(self.uniform(0, high - low + 1))

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.uniform(0, 1) < probability

    def pick(self, things: Sequence[T]) -> T:
        """One of `things`."""
        return things[self.whole(0, len(things) - 1)]

    def vector(self, low: float, high: float, count: int = 3) -> Float[np.ndarray, " count"]:
        """`count` numbers on [low, high)."""
        return np.array([self.uniform(low, high) for _ in range(count)])


def even_field(
    seed: int, index: int, purpose: int, shape: tuple[int, int]
) -> Float[np.ndarray, "h w"]:
    """A number on [0, 1) for each pixel of scene `index`; another field for each `purpose`."""
    first = _unit(seed, _STREAM + purpose, index << _PER_SCENE, int(np.prod(shape)))[0]
    return first.reshape(shape)


def normal_field(
    seed: int, index: int, purpose: int, shape: tuple[int, int]
) -> Float[np.ndarray, "2 h w"]:
    """Two independent standard normal numbers for each pixel, by Box and Muller (1958)."""
    first, second = _unit(seed, _STREAM + purpose, index << _PER_SCENE, int(np.prod(shape)))
    radius, angle = np.sqrt(-2 * np.log1p(-first)), 2 * np.pi * second
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)]).reshape(2, *shape)


def _unit(
    seed: int, stream: int, first: int, count: int
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    words = draw(seed, stream, np.arange(first, first + count, dtype=np.uint64))
    # The upper 53 bits are what a float64 holds.
    a, b = ((word >> np.uint64(11)) * 2.0**-53 for word in words)
    return a, b
