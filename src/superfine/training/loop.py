"""The loop: draw, predict, compare, step, and now and then measure."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from superfine.benchmark.measure import measure
from superfine.benchmark.protocol import Protocol, Score, find_protocol
from superfine.checkpoints import Card, load_matching, save
from superfine.data.folders import pictures_in, read_all
from superfine.errors import UsageError
from superfine.losses import LOSSES
from superfine.models import ModelSpec, find
from superfine.training.patches import PatchSampler, make_pairs
from superfine.training.recipe import Recipe


def train(
    recipe: Recipe, out: Path, *, device: str = "cpu", say: Callable[[str], None] | None = None
) -> Path:
    """Trains what `recipe` says; writes the log and the weights into the folder `out`.

    The averaged weights are saved at every measurement, and the last ones stay: the pictures
    scored on the way choose nothing, so that a test set may be watched without being fitted.

    Args:
        recipe: What to train.
        out: Folder for `log.jsonl`, `recipe.json` and `NETWORK-xS.safetensors`; made if missing.
        device: Where to train, in torch's words.
        say: Called with a line for people at every measurement.

    Returns:
        The file of the weights.

    Raises:
        UsageError: When the network has no such scale or `out` already holds weights.
    """
    spec = find(recipe.network)
    if recipe.scale not in spec.scales:
        raise UsageError(
            f"{spec.name} has no scale {recipe.scale}.",
            hint=f"It has: {', '.join(map(str, spec.scales))}.",
        )
    weights = out / f"{spec.name}-x{recipe.scale}.safetensors"
    if weights.exists():
        raise UsageError(f"{weights} exists.", hint="Choose another output folder.")
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(recipe.model_dump_json(indent=2) + "\n")

    protocol = find_protocol(recipe.protocol)
    torch.manual_seed(recipe.seed)  # only the initial weights draw from it
    network = spec.build(recipe.scale)
    if recipe.start_from is not None:
        load_matching(network, recipe.start_from)
    sampler = PatchSampler(
        make_pairs(
            read_all(recipe.train),
            scale=recipe.scale,
            protocol=protocol,
            shrink=recipe.shrink,
            patch=recipe.patch,
        ),
        scale=recipe.scale,
        patch=recipe.patch,
        seed=recipe.seed,
    )
    truth = read_all([recipe.validate_on])
    started = time.monotonic()
    with (out / "log.jsonl").open("w", encoding="utf-8") as log:
        for step, loss, averaged in _steps(recipe, network, sampler, device):
            averaged.eval()
            score = measure(averaged, spec, truth, scale=recipe.scale, protocol=protocol)
            record = {
                "step": step,
                "loss": loss,
                "psnr": round(score.psnr, 4),
                "ssim": round(score.ssim, 5),
                "seconds": round(time.monotonic() - started),
            }
            log.write(json.dumps(record) + "\n")
            log.flush()
            if say is not None:
                say(f"step {step}/{recipe.steps}  loss {loss:.3e}  {score.psnr:.3f} dB")
            save(averaged, _card(recipe, spec, protocol, score, step), weights, overwrite=True)
    return weights


def _steps(
    recipe: Recipe, network: nn.Module, sampler: PatchSampler, device: str
) -> Iterator[tuple[int, float, nn.Module]]:
    """Trains, and yields (steps done, mean loss since the last, averaged network) to measure."""
    network.to(device).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = deepcopy(network).requires_grad_(False)
    optimiser = _optimiser(recipe, network)
    loss_of = LOSSES[recipe.loss]
    total = torch.zeros((), device=device)
    counted = 0
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = group["rate"] * learning_rate(recipe, step)
        lr, hr = (x.to(device) for x in sampler.batch(step, recipe.batch))
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(network(lr.contiguous(memory_format=torch.channels_last)), hr)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        _average(averaged, network, min(recipe.averaging, (1 + step) / (10 + step)))
        total += loss.detach()
        counted += 1
        done = step + 1
        if done % recipe.validate_every == 0 or done == recipe.steps:
            yield done, float(total) / counted, averaged
            total.zero_()
            counted = 0


def _optimiser(recipe: Recipe, network: nn.Module) -> torch.optim.Adam:
    """Adam in two groups, the body and the last layer, each with its factor `rate`."""
    tail = [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))][-1]
    last = list(tail.parameters())
    body = [p for p in network.parameters() if all(p is not q for q in last)]
    groups = [{"params": body, "rate": 1.0}, {"params": last, "rate": recipe.tail_rate}]
    return torch.optim.Adam(groups, lr=recipe.learning_rate, fused=True)


def learning_rate(recipe: Recipe, step: int) -> float:
    """The optimiser's step size: a linear climb, then half a cosine down."""
    if step < recipe.warm_up:
        return recipe.learning_rate * (step + 1) / recipe.warm_up
    way = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    span = recipe.learning_rate - recipe.final_learning_rate
    return recipe.final_learning_rate + span * (1 + math.cos(math.pi * way)) / 2


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, past: float) -> None:
    own: list[Tensor] = list(averaged.parameters())
    new: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(own, new, 1 - past)


def _card(recipe: Recipe, spec: ModelSpec, protocol: Protocol, score: Score, step: int) -> Card:
    return Card(
        architecture=spec.name,
        scale=recipe.scale,
        channels=spec.channels,
        training_data=tuple(
            f"{folder.name} ({len(pictures_in(folder))} pictures)" for folder in recipe.train
        ),
        training=f"{step} steps, batch {recipe.batch} of {recipe.patch}x{recipe.patch} LR patches, "
        f"{recipe.loss}, Adam {recipe.learning_rate:g}, seed {recipe.seed}",
        protocol=protocol.name,
        scores={recipe.validate_on.name: asdict(score)},
        licence="Apache-2.0",
    )
