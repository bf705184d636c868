"""Whether samples come faster than a network takes them.

    python bench/training_data.py

Prints samples/s of patches cut on the fly (41x41 HR and 8 views, as VDSR's recipe), of a reader
that opens an HDF5 file for each sample, and what a VDSR training step here consumes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch

from superfine.data.batch import Pair
from superfine.data.source import PictureSource
from superfine.models import find
from superfine.training.learner import Learner
from superfine.training.processes import Place
from superfine.training.recipe.types import Recipe

BATCH = 64
PATCH = 20  # LR pixels at scale 2, nearest to the paper's 41 HR pixels
TURNS = 7


def source() -> PictureSource:
    """291 pictures in memory, as T91 and BSDS200 together."""
    drawn = torch.Generator().manual_seed(0)
    pictures = [
        Pair(
            torch.rand(1, 160, 240, generator=drawn),
            {2: torch.randint(0, 256, (1, 320, 480), dtype=torch.uint8, generator=drawn)},
        )
        for _ in range(291)
    ]
    return PictureSource({2: pictures}, patch=PATCH, seed=0, views=True, files=())


def rate(work: Callable[[int], None], samples: int, count: int) -> float:
    """Samples/s of `work`, which is given the number of the batch; the median of some turns."""
    work(0)
    found = []
    for turn in range(TURNS):
        started = time.perf_counter()
        for i in range(count):
            work(turn * count + i)
        found.append(samples * count / (time.perf_counter() - started))
    return statistics.median(found)


def main() -> None:
    """Prints the figures."""
    cut = source()

    def on_the_fly(batch: int) -> None:
        cut.batch(np.arange(batch * BATCH, (batch + 1) * BATCH, dtype=np.uint64), 2)

    crops = rate(on_the_fly, BATCH, 20)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "patches.h5"
        with h5py.File(path, "w") as file:
            file["lr"] = np.zeros((20_000, PATCH, PATCH), np.uint8)
            file["hr"] = np.zeros((20_000, 2 * PATCH, 2 * PATCH), np.uint8)

        def opened_for_each(batch: int) -> None:
            for i in range(BATCH):
                with h5py.File(path, "r") as file:
                    number = (batch * 7919 + i * 104_729) % 20_000
                    for name in ("lr", "hr"):
                        torch.from_numpy(file[name][number].astype(np.float32) / 255)

        per_item = rate(opened_for_each, BATCH, 2)

    recipe = Recipe.model_validate(
        {
            "network": "vdsr",
            "scale": 2,
            "data": {"kind": "pictures", "folders": ["."]},
            "validate": {"sets": ["."]},
            "patch": PATCH,
            "batch": BATCH,
            "steps": 10**6,
            "optimiser": {"kind": "adam", "learning_rate": 1e-4},
        }
    )
    learner = Learner(recipe, find("vdsr"), torch.device("cpu"), Place())
    ready = cut.batch(np.arange(BATCH, dtype=np.uint64), 2)

    def step(batch: int) -> None:
        del batch
        learner.step(ready, 2)

    consumed = rate(step, BATCH, 1)
    print(f"cut on the fly        {crops:9.0f} samples/s")  # noqa: T201
    print(f"h5 opened for each    {per_item:9.0f} samples/s, {crops / per_item:.1f} times less")  # noqa: T201
    print(f"VDSR's training step  {consumed:9.1f} samples/s, {crops / consumed:.0f} times less")  # noqa: T201


if __name__ == "__main__":
    main()
