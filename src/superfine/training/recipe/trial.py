"""How long a step takes here, from a few real steps on noise."""

from __future__ import annotations

import os
import time

import torch

from superfine.data.batch import Batch
from superfine.models import ModelSpec
from superfine.training.learner import Learner
from superfine.training.processes import Place
from superfine.training.recipe.checks import contradictions
from superfine.training.recipe.cost import forward_cost, inputs, memory, output_scales
from superfine.training.recipe.types import Recipe

_PATIENCE = 4.0  # seconds
_MOST_MACS = 20e9  # forward, of the patch that is tried on a CPU: about a second
_TOO_MANY_MACS = 100e9
_SMALLEST_PATCH = 8


def seconds_per_step(recipe: Recipe, spec: ModelSpec, device: torch.device) -> float | None:
    """About the seconds of one optimiser step of `recipe` on `device`.

    Takes some seconds, except for networks of which one patch takes longer. Steps of fewer and,
    for heavy networks, of smaller patches are timed, and the time taken to grow as the
    multiplications do. None when even one patch is too much to try on this CPU.
    """
    scale = recipe.scale[0]
    side = recipe.patch if device.type != "cpu" else _side_to_try(recipe, spec)
    cost = forward_cost(spec, scale, side)
    if device.type == "cpu" and cost.macs > _TOO_MANY_MACS:
        return None
    tried = recipe.model_copy(update={"patch": side, "accumulate": 1, "compile": False})
    most = recipe.batch // recipe.accumulate
    if device.type == "cpu":
        room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        room -= memory(tried, spec, {scale: cost}, pictures=0).lasting
        most = min(most, room // max(1, cost.saved_bytes))
        if most < 1:
            return None
    count, seconds = _timed(tried, spec, device, most)
    macs = [forward_cost(spec, s, recipe.patch).macs for s in recipe.scale]
    return seconds * (recipe.batch * sum(macs) / len(macs)) / (count * cost.macs)


def _side_to_try(recipe: Recipe, spec: ModelSpec) -> int:
    """The patch side, halved until one patch takes about a second, if the recipe lets it."""
    side = recipe.patch
    while forward_cost(spec, recipe.scale[0], side).macs > _MOST_MACS:
        smaller = recipe.model_copy(update={"patch": side // 2})
        if side // 2 < _SMALLEST_PATCH or contradictions(smaller):
            break
        side //= 2
    return side


def _timed(recipe: Recipe, spec: ModelSpec, device: torch.device, most: int) -> tuple[int, float]:
    """How many patches a step took, and its seconds; `most` patches unless they take too long."""
    with torch.random.fork_rng():  # a step seeds torch's generator
        learner = Learner(recipe, spec, device, Place())

        def step(count: int) -> float:
            batch = _noise(recipe, spec, count)
            started = time.perf_counter()
            learner.step(batch, recipe.scale[0])
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            return time.perf_counter() - started

        first = step(1)
        if first > _PATIENCE / 2:
            return 1, first
        one = step(1)  # the first step prepares more than it computes
        count = max(1, min(most, int(_PATIENCE / (3 * one))))
        if count == 1:
            return 1, one
        step(count)
        return count, min(step(count), step(count))


def _noise(recipe: Recipe, spec: ModelSpec, count: int) -> Batch:
    scale, side = recipe.scale[0], recipe.patch
    lr, *guide = (torch.rand(count, *x.shape[1:]) for x in inputs(spec, scale, side))
    channels = lr.shape[1]
    truth = {
        s: torch.rand(count, channels, s * side, s * side) for s in set(output_scales(spec, scale))
    }
    return Batch(lr=lr, hr=truth, guide=guide[0] if guide else None)
