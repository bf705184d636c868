"""What may look on while a network learns: progress on a screen, TensorBoard, a service.

A watcher is told, and decides nothing: with or without it the weights are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import UInt8
from torch import Tensor, nn

from superfine.training.checkpoint import Plain

# A line of the log. `kind` is "train" or "score":
# {"kind": "train", "step": 100, "loss": 1e-3, "terms": {"mse": 1e-3}, "learning_rate": 1e-3,
#  "machine": {"seconds": 1.5, "samples_per_second": 900.0, "memory_mb": 410}}
# {"kind": "score", "step": 500, "protocol": "y-matlab",
#  "scores": {"Set5": {"x2": {"psnr": 36.1, "ssim": 0.95}}}, "best": true,
#  "machine": {"seconds": 7.5}}
# What stands under `machine` depends on the machine and the hour; all else on the recipe alone.
Record = Mapping[str, Plain]


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a watcher is told first.

    Attributes:
        name: Of the run.
        recipe: The resolved recipe, as YAML.
        step: Steps done before.
        steps: Steps in all.
        batch: Samples in a step.
        past: The lines of the log up to `step`.
        network: What is trained.
        example: Arguments that `network` can be called with.
    """

    name: str
    recipe: str
    step: int
    steps: int
    batch: int
    past: Sequence[Record]
    network: nn.Module
    example: tuple[Tensor, ...]


class Watcher(Protocol):
    """Something that looks on."""

    def begin(self, beginning: Beginning) -> None:
        """The run starts, or goes on."""

    def step(self, step: int) -> None:
        """`step` steps are done; called after each one, so it must cost nothing."""

    def record(self, record: Record) -> None:
        """A line was added to the log."""

    def picture(self, step: int, name: str, sheet: UInt8[Tensor, "3 h w"]) -> None:
        """Input, output and target of a validation picture, side by side."""

    def say(self, text: str) -> None:
        """A message for people."""

    def end(self) -> None:
        """The run has ended, well or not."""
