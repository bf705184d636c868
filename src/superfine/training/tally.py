"""The losses of the steps, added up until they are logged, and watched for NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from superfine.training.processes import Processes


class NotFiniteError(Exception):
    """A loss became NaN or infinite.

    Attributes:
        step: The optimiser step, counted from 0.
        terms: The terms of the loss that are not finite.
    """

    def __init__(self, step: int, terms: list[str]) -> None:
        super().__init__(step, terms)
        self.step = step
        self.terms = terms


class Tally:
    """Sums over steps; values stay on the device until they are settled.

    Attributes:
        sums: Name of a term -> its sum over the settled steps that had it, in float64, in the
            order of the steps.
        counts: Name of a term -> how many steps those are.
    """

    def __init__(
        self, sums: Mapping[str, float] | None = None, counts: Mapping[str, int] | None = None
    ) -> None:
        self.sums = dict(sums or {})
        self.counts = dict(counts or {})
        self._waiting: list[tuple[int, Mapping[str, Tensor]]] = []

    def add(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Remembers the losses of `step`; does not wait for the device."""
        self._waiting.append((step, terms))

    def settle(self) -> None:
        """Fetches what waits; a GPU must finish its work first.

        Raises:
            NotFiniteError: At the first step with a loss that is NaN or infinite.
        """
        for step, terms in self._waiting:
            values = {name: float(value) for name, value in terms.items()}
            if bad := [name for name, value in values.items() if not math.isfinite(value)]:
                raise NotFiniteError(step, bad)
            for name, value in values.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
                self.counts[name] = self.counts.get(name, 0) + 1
        self._waiting.clear()

    def means(self, processes: Processes) -> dict[str, float]:
        """The mean of each term over the steps that had it and over the processes."""
        totals = processes.sum(list(self.sums.values()))
        world = processes.place.world
        return {
            name: total / (self.counts[name] * world)
            for name, total in zip(self.sums, totals, strict=True)
        }

    def clear(self) -> None:
        """Starts again."""
        self.sums.clear()
        self.counts.clear()
