"""What a job is once its request was found sound, and what it needs of who makes the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from superfine.io import Limits
from superfine.jobs.plan import Naming, Plan

if TYPE_CHECKING:
    from superfine.jobs.choice import Choice


@dataclass(frozen=True)
class Made:
    """What was written.

    Attributes:
        size: Width and height.
        scale: Output pixels per input pixel, along the width.
        notes: What the reader or the writer had to decide, in words for the user.
        beside: Further files, in the folder of the result and named as it up to its ending.
    """

    size: tuple[int, int]
    scale: float
    notes: tuple[str, ...]
    beside: tuple[Path, ...] = ()


class Maker(Protocol):
    """Makes one result from one input, in the same way for every input of a job."""

    @property
    def limits(self) -> Limits:
        """The largest input that is read."""

    def reads(self, source: Path) -> tuple[Path, ...]:
        """The files that decide the result for `source`, beside `source` itself."""

    def make(self, source: Path | bytes, target: Path, on_share: Callable[[float], None]) -> Made:
        """Reads `source` and writes `target`, whole or not at all.

        Args:
            source: The input; its bytes where it comes from standard input.
            target: The result; its name says its format and nothing else.
            on_share: Called with the share that is done, 0 to 1.

        Raises:
            SuperfineError: With what is wrong with the input or the output.
        """


@dataclass(frozen=True)
class Job:
    """A request that was found sound.

    Attributes:
        maker: Makes each result.
        model_name: As results are named after it.
        naming: What goes into the names of results.
        plan: Every input and its output.
        options: Stands for the model and every option that changes a result.
        overwrite: Replace results that exist.
        notes: What the user should know before it starts.
        choice: Why this model, where a budget chose it.
    """

    maker: Maker
    model_name: str
    naming: Naming
    plan: Plan
    options: str
    overwrite: bool
    notes: tuple[str, ...]
    choice: Choice | None = None
