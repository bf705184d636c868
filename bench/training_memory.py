"""Whether the memory of a training run stays flat.

    python bench/training_memory.py [STEPS]

Trains FSRCNN-small on drawn pictures for 10,000 steps, with log lines, scores and checkpoints, and
prints the memory in use every tenth of the way.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from superfine.io.writer import write
from superfine.training.loop import train
from superfine.training.recipe.types import Recipe
from superfine.training.watching.watcher import Beginning, Record
from superfine.types import Image

PICTURES = 8


class MemoryWatcher:
    """Prints the resident memory now and then."""

    def __init__(self, every: int) -> None:
        self._every = every

    def begin(self, beginning: Beginning) -> None:
        """Prints nothing."""

    def step(self, step: int) -> None:
        """Prints the memory."""
        if step % self._every == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            print(f"step {step:6}  {pages * 4096 / 2**20:7.1f} MiB", flush=True)  # noqa: T201

    def record(self, record: Record) -> None:
        """Prints nothing."""

    def picture(self, step: int, name: str, sheet: UInt8[Tensor, "3 h w"]) -> None:
        """Prints nothing."""

    def say(self, text: str) -> None:
        """Prints nothing."""

    def end(self) -> None:
        """Prints nothing."""


def main() -> None:
    """Prints the figures."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        drawn = torch.Generator().manual_seed(0)
        for i in range(PICTURES):
            coarse = torch.rand(1, 3, 12, 16, generator=drawn)
            smooth = nn.functional.interpolate(coarse, (96, 128), mode="bilinear")[0]
            write(Image((255 * smooth).to(torch.uint8)), pictures / f"{i}.png")
        recipe = Recipe.model_validate(
            {
                "network": "fsrcnn-small",
                "scale": 2,
                "data": {"kind": "pictures", "folders": [str(pictures)]},
                "validate": {"sets": [str(pictures)], "every": max(1, steps // 20)},
                "patch": 12,
                "batch": 4,
                "steps": steps,
                "optimiser": {"kind": "adam", "learning_rate": 1e-3},
                "schedule": {"kind": "constant"},
                "checkpoint_every": max(1, steps // 20),
            }
        )
        train(recipe, Path(folder) / "run", watchers=[MemoryWatcher(max(1, steps // 10))])


if __name__ == "__main__":
    main()
