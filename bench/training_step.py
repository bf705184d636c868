"""What a training step costs beside a bare PyTorch step of the same network and batch.

    python bench/training_step.py [NETWORK ...]

Blocks of steps of both kinds take turns in one process; printed is the median of the paired
ratios, with its quartiles. Ours draws and cuts the samples, steps, averages the weights and watches
for NaN; the bare step is zero_grad, forward, loss, backward, step on tensors that lie ready.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch
from torch.nn import functional as F

from superfine.data.batch import Pair
from superfine.data.source import PictureSource
from superfine.models import find
from superfine.training.feed import batches, make_schedule
from superfine.training.learner import Learner
from superfine.training.processes import Place
from superfine.training.recipe.types import Recipe

# Network, LR pixels on a side of a patch, batch; as the recipes have them.
CASES = {"fsrcnn": (24, 16), "espcn": (17, 64), "srcnn-915": (32, 16), "vdsr": (20, 8)}
PAIRS = 30
BLOCK_SECONDS = 0.4


def recipe(name: str, patch: int, batch: int) -> Recipe:
    """A recipe that needs no files."""
    return Recipe.model_validate(
        {
            "network": name,
            "scale": 2,
            "data": {"kind": "pictures", "folders": ["."]},
            "validate": {"sets": ["."]},
            "patch": patch,
            "batch": batch,
            "steps": 10**9,
            "optimiser": {"kind": "adam", "learning_rate": 1e-4},
        }
    )


def measure(name: str) -> list[float]:
    """The paired ratios, ours to bare."""
    patch, batch = CASES[name]
    asked = recipe(name, patch, batch)
    torch.manual_seed(0)
    pictures = [
        Pair(torch.rand(1, 150, 160), {2: torch.randint(0, 256, (1, 300, 320), dtype=torch.uint8)})
        for _ in range(8)
    ]
    source = PictureSource({2: pictures}, patch=patch, seed=0, views=True, files=())
    schedule = make_schedule(asked, Place())
    learner = Learner(asked, find(name), torch.device("cpu"), Place())
    feed = batches(source, schedule, start=0, steps=10**9, workers=0, pin=False)

    network = find(name).build(2).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    ready = source.batch(schedule.index(0), 2).to(torch.device("cpu"), torch.channels_last)

    def ours(steps: int) -> float:
        started = time.perf_counter()
        for _ in range(steps):
            learner.step(next(feed), 2)
            learner.progress.tally.settle()
        return time.perf_counter() - started

    def bare(steps: int) -> float:
        started = time.perf_counter()
        for _ in range(steps):
            optimiser.zero_grad(set_to_none=True)
            loss = F.mse_loss(network(ready.lr), ready.hr[2])
            loss.backward()
            optimiser.step()
            loss.item()
        return time.perf_counter() - started

    for warm_up in (ours, bare):
        warm_up(3)
    steps = max(2, round(BLOCK_SECONDS / (bare(5) / 5)))
    # Ours first and last in turn, so that a drift of the machine favours neither.
    ratios = []
    for i in range(PAIRS):
        first, second = (ours, bare) if i % 2 else (bare, ours)
        times = {first: first(steps), second: second(steps)}
        ratios.append(times[ours] / times[bare])
    return ratios


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        low, middle, high = statistics.quantiles(measure(name), n=4)
        print(f"{name:10} {middle:.3f} ({low:.3f} to {high:.3f})", flush=True)  # noqa: T201
