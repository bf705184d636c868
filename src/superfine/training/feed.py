"""The samples of each step, in order, for one of several processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt64
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from superfine.data.batch import Batch, Source
from superfine.errors import UsageError
from superfine.training.processes import Place
from superfine.training.recipe.types import Recipe


@dataclass(frozen=True)
class Schedule:
    """Which samples belong to which step; nothing but the recipe and the place decides.

    Sample numbers run through the whole training: step `t` takes the next `batch` of them, and
    each process a slice, so that together they take the same as one process would.
    """

    scales: tuple[int, ...]
    batch: int
    place: Place

    def scale(self, step: int) -> int:
        """The scale of a step: each in turn."""
        return self.scales[step % len(self.scales)]

    def index(self, step: int) -> UInt64[np.ndarray, " b"]:
        """The numbers of this process's samples in `step`, counted from 0."""
        share = self.batch // self.place.world
        first = step * self.batch + self.place.rank * share
        return np.arange(first, first + share, dtype=np.uint64)


def make_schedule(recipe: Recipe, place: Place) -> Schedule:
    """The schedule of `recipe` for the process at `place`.

    Raises:
        UsageError: When the batch cannot be shared evenly.
    """
    pieces = place.world * recipe.accumulate
    if recipe.batch % pieces:
        raise UsageError(
            f"A batch of {recipe.batch} cannot be shared evenly by {place.world} processes that "
            f"compute it in {recipe.accumulate} pieces.",
            hint=f"Use a batch that {pieces} divides.",
        )
    return Schedule(recipe.scale, recipe.batch, place)


class _Steps(Dataset[Batch]):
    """Item `t` is what this process needs for step `t`."""

    def __init__(self, source: Source, schedule: Schedule) -> None:
        self.source = source
        self.schedule = schedule

    def __getitem__(self, step: int) -> Batch:
        return self.source.batch(self.schedule.index(step), self.schedule.scale(step))


def batches(
    source: Source, schedule: Schedule, *, start: int, steps: int, workers: int, pin: bool
) -> Iterator[Batch]:
    """The batches of steps `start` to `steps` - 1, in order.

    Args:
        source: Where samples come from.
        schedule: Which they are.
        start: First step.
        steps: One past the last step.
        workers: Processes that cut and decode ahead; with 0 this one does. The batches are the
            same for any number.
        pin: Whether they are put where a GPU fetches them from faster.
    """
    dataset = _Steps(source, schedule)
    if workers == 0 and not pin:
        return (dataset[step] for step in range(start, steps))
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, steps),
        num_workers=workers,
        pin_memory=pin,
        # The pictures are already in memory; a forked worker shares them.
        multiprocessing_context="fork" if workers else None,
    )
    return iter(loader)


def pieces(batch: Batch, count: int) -> Iterator[Batch]:
    """`batch` in `count` equal pieces."""
    if count == 1:
        yield batch
        return

    def cut(x: Float[Tensor, "b _ _ _"]) -> tuple[Tensor, ...]:
        return x.chunk(count)

    lrs = cut(batch.lr)
    truths: Mapping[int, tuple[Tensor, ...]] = {scale: cut(hr) for scale, hr in batch.hr.items()}
    guides = None if batch.guide is None else cut(batch.guide)
    for i, lr in enumerate(lrs):
        yield Batch(
            lr=lr,
            hr={scale: parts[i] for scale, parts in truths.items()},
            guide=None if guides is None else guides[i],
        )
