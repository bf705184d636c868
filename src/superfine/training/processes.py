"""Which of several training processes this one is, and how they talk.

`torchrun` starts the processes and tells each its place through the environment. Without it there
is one process, and nothing here does anything.
"""

from __future__ import annotations

import gc
import os
import traceback
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """The place of this process.

    Attributes:
        rank: Its number; 0 writes files and talks to people.
        world: How many there are.
        local: Its number on this machine, which is the number of its GPU.
    """

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """True for the one process that writes."""
        return self.rank == 0


def place() -> Place:
    """The place torchrun gave this process; the only one when it did not start it."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return Place()
    return Place(
        rank=int(os.environ["RANK"]),
        world=int(os.environ["WORLD_SIZE"]),
        local=int(os.environ.get("LOCAL_RANK", "0")),
    )


# What torch's two ways of talking say in the errors they raise.
_LOST = ("gloo", "nccl", "connection", "socket")


def refers_to_peer(error: BaseException) -> bool:
    """Whether `error` is what torch raises when another process has gone."""
    if isinstance(error, distributed.DistError):
        return True
    told = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in told for word in _LOST)


class Processes:
    """The group of processes of a run, open while the run lasts."""

    def __init__(self, device: torch.device) -> None:
        """Joins the others: gloo on CPUs, NCCL on GPUs."""
        self.place = place()
        if self.place.world > 1:
            backend = "nccl" if device.type == "cuda" else "gloo"
            distributed.init_process_group(backend)

    def sum(self, values: list[float]) -> list[float]:
        """The sums of `values` over all processes, in float64, added in the order of the ranks."""
        if self.place.world == 1:
            return values
        gathered = self.gather(values)
        return [sum(column) for column in zip(*gathered, strict=True)]

    def gather(self, value: T) -> list[T]:
        """What every process gave, in the order of the ranks."""
        if self.place.world == 1:
            return [value]
        gathered: list[T] = [value] * self.place.world
        distributed.all_gather_object(gathered, value)
        return gathered

    def let_go(self, error: BaseException) -> None:
        """Empties the frames that `error` came through, which hold what it was raised in."""
        told: BaseException | None = error
        while told is not None and self.place.world > 1:
            traceback.clear_frames(told.__traceback__)
            told = told.__context__

    def close(self) -> None:
        """Leaves the group; nothing may hold a network that exchanges gradients any more.

        Such a network holds the group too. Were it the last to do so, the group would be taken down
        without letting go of Python's lock, and wait for ever for its own thread, if that just
        waits for the lock to give back a tensor.
        """
        if self.place.world > 1:
            gc.collect()
            distributed.destroy_process_group()
