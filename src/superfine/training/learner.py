"""Everything that changes while a network learns, and one step of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from superfine.checkpoints import load_matching
from superfine.data.batch import Batch
from superfine.errors import ModelFileError, UsageError
from superfine.models import ModelSpec
from superfine.models.glean import GLEAN
from superfine.models.glean_seed import SeedGLEAN
from superfine.models.mdsr import MDSR
from superfine.training.bank import fill_bank
from superfine.training.checkpoint import Checkpoint, Plain
from superfine.training.feed import pieces
from superfine.training.network import Network, Outputs, differing
from superfine.training.objective import Objective, Terms
from superfine.training.optimiser import (
    PlateauState,
    clip,
    make_optimiser,
    restore,
    set_rate,
    share_of_rate,
    tensors_of,
)
from superfine.training.processes import Place
from superfine.training.recipe.types import Recipe
from superfine.training.tally import Tally

# What the sum of the terms is called beside them.
TOTAL = "total"

# Adds to what the terms of the recipe gave for a piece of a batch and the outputs for it.
More = Callable[[Outputs, Batch, Terms], Terms]

_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class Progress:
    """How far a run has come; with the tensors, all that a checkpoint holds.

    Attributes:
        step: Optimiser steps done.
        score_due: Whether the weights are to be scored before the next step.
        best: The best headline score so far; None before the first.
        best_step: When it was.
        plateau: What the plateau schedule remembers.
        tally: Losses since the last line of the log.
    """

    step: int = 0
    score_due: bool = False
    best: float | None = None
    best_step: int | None = None
    plateau: PlateauState = field(default_factory=PlateauState)
    tally: Tally = field(default_factory=Tally)


class Learner:
    """A network, its average over the steps, and the optimiser that changes it."""

    def __init__(self, recipe: Recipe, spec: ModelSpec, device: torch.device, place: Place) -> None:
        """Builds them as they are before the first step.

        Raises:
            ModelFileError: When the weights to start from, or those of the bank, do not fit.
            UsageError: When the recipe names layers that the network has not, asks to compile for
                a CPU, or has no weights for the bank of a network that has one.
        """
        self.recipe = recipe
        self.device = device
        self.place = place
        self.progress = Progress()
        self.last_rate = 0.0
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(recipe.seed)  # only the initial weights draw from it
            self.network = Network(spec, recipe.scale, wide=recipe.wide)
        copied: tuple[str, ...] = ()
        if recipe.start_from is not None:
            copied = load_matching(self.network.single(), recipe.start_from)
        fill_bank(self.network.single(), recipe.bank, copied)
        self.network.to(device).train()
        # Convolutions are faster so, on CPUs and GPUs: docs/training.md has the figures.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = self.network
        if recipe.averaging:
            self.averaged = deepcopy(self.network).requires_grad_(False)
        self.optimiser = make_optimiser(recipe.optimiser, self.network.single())
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self.objective = Objective(recipe, device)
        self._parameters = [p for p in self.network.parameters() if p.requires_grad]
        self._own: list[Tensor] = list(self.averaged.parameters())
        self._new: list[Tensor] = list(self.network.parameters())
        self._model = self._wrapped()

    def _wrapped(self) -> nn.Module:
        model: nn.Module = self.network
        if self.recipe.compile:
            if self.device.type == "cpu":
                # torch 2.13 wrote beyond its memory: FSRCNN with two threads ended in free().
                raise UsageError(
                    "compile: code that torch.compile writes for CPUs has spoilt memory.",
                    hint="Leave `compile` out; channels last and bf16 are faster on CPUs anyway.",
                )
            model = cast(nn.Module, torch.compile(model))
        # GLEAN holds values that reach no output, MDSR the layers of the scales that have no turn;
        # the others would wait for their gradients for ever.
        unused = isinstance(self.network.single(), GLEAN | SeedGLEAN | MDSR)
        return joined(model, self.device, self.place, unused=unused)

    @property
    def share(self) -> float:
        """The share of the learning rate that the next step takes."""
        return share_of_rate(
            self.recipe.schedule, self.progress.step, self.recipe.steps, self.progress.plateau
        )

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.recipe.optimiser.learning_rate * self.share

    def autocast(self) -> torch.autocast:
        """Lets networks compute in the numbers that the recipe has for the next step."""
        recipe = self.recipe
        exact = self.progress.step >= recipe.steps * (1 - recipe.exact_end)
        return torch.autocast(
            self.device.type,
            _PRECISIONS[recipe.precision],
            enabled=recipe.precision != "fp32" and not exact,
        )

    def step(self, batch: Batch, scale: int) -> None:
        """One optimiser step on `batch`; its losses wait in the tally."""
        self.count(self.update(batch, scale))

    def count(self, losses: dict[str, Tensor]) -> None:
        """Counts a step that gave `losses`."""
        self.progress.tally.add(self.progress.step, losses)
        self.progress.step += 1

    def update(self, batch: Batch, scale: int, more: More | None = None) -> dict[str, Tensor]:
        """Changes the weights once; the caller counts the step with the losses returned.

        Args:
            batch: The samples of this process.
            scale: HR pixels per LR pixel.
            more: What is minimised beside the terms of the recipe.
        """
        step, rate = self.progress.step, self.rate
        # What a network draws while it learns is a function of (seed, step, process) alone.
        drawn_from = (self.recipe.seed * 1_000_003 + step) * 4099 + self.place.rank
        _seed(self.device, drawn_from % (1 << 64))
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad(set_to_none=True)
        on_device = batch.to(self.device, torch.channels_last)
        sums: dict[str, Tensor] = {}
        count = self.recipe.accumulate
        for i, piece in enumerate(pieces(on_device, count)):
            with exchange(self._model, last=i == count - 1):
                with self.autocast():
                    outputs = self._model(piece.lr, piece.guide, scale)
                terms = self.objective(outputs, piece.hr, lr=piece.lr, step=step)
                if more is not None:
                    terms = more(outputs, piece, terms)
                self.scaler.scale(terms.total / count if count > 1 else terms.total).backward()  # type: ignore[no-untyped-call]
            for name, value in {TOTAL: terms.total.detach(), **terms.parts}.items():
                share = value / count if count > 1 else value
                sums[name] = sums[name] + share if name in sums else share
        if self.recipe.clip is not None:
            self.scaler.unscale_(self.optimiser)
            clip(self.recipe.clip, self._parameters, rate)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self._average()
        self.last_rate = rate
        return sums

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged is self.network:
            return
        step = self.progress.step
        past = min(self.recipe.averaging, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._own, self._new, 1 - past)
        for own, new in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
            own.copy_(new)

    def checkpoint(self) -> Checkpoint:
        """Everything needed to go on from here as if nothing had happened.

        Raises:
            NotFiniteError: When a loss since the last time became NaN.
        """
        progress = self.progress
        progress.tally.settle()
        state: dict[str, Plain] = {
            "score_due": progress.score_due,
            "best": progress.best,
            "best_step": progress.best_step,
            "plateau": asdict(progress.plateau),
            "sums": dict(progress.tally.sums),
            "counts": dict(progress.tally.counts),
            "scaler": self.scaler.state_dict(),
        }
        tensors = {
            "network": self.network.single().state_dict(),
            "optimiser": tensors_of(self.optimiser),
        }
        if self.averaged is not self.network:
            tensors["average"] = self.averaged.single().state_dict()
        return Checkpoint(progress.step, not progress.score_due, tensors, state)

    def resume(self, found: Checkpoint) -> None:
        """Goes back to what `checkpoint` gave.

        Raises:
            ModelFileError: When the checkpoint is of another network.
        """
        own = self.network.single().state_dict()
        if wrong := differing(own, found.tensors["network"]):
            raise ModelFileError(
                f"The checkpoint {found.name} is of another network: {wrong[0]} differs.",
                hint="Give another -o.",
            )
        self.network.single().load_state_dict(dict(found.tensors["network"]))
        if self.averaged is not self.network:
            self.averaged.single().load_state_dict(dict(found.tensors["average"]))
        restore(self.optimiser, dict(found.tensors["optimiser"]))
        self.progress = _progress(found)
        if scaler := found.state["scaler"]:
            self.scaler.load_state_dict(cast(dict[str, object], scaler))


def _seed(device: torch.device, value: int) -> None:
    """What `torch.manual_seed` does, for one device: a hundredth of the time."""
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        torch.cuda.manual_seed(value)


def joined(
    model: nn.Module, device: torch.device, place: Place, *, unused: bool = False
) -> nn.Module:
    """`model`, its gradients averaged over all processes.

    Args:
        model: The same in every process.
        device: Where it lies.
        place: Of this process.
        unused: Whether some of its parameters get no gradient.
    """
    if place.world == 1:
        return model
    ids = [place.local] if device.type == "cuda" else None
    return DistributedDataParallel(model, device_ids=ids, find_unused_parameters=unused)


@contextlib.contextmanager
def exchange(model: nn.Module, *, last: bool) -> Iterator[None]:
    """Lets the processes exchange gradients only after the last piece of a batch."""
    if isinstance(model, DistributedDataParallel) and not last:
        with model.no_sync():
            yield
    else:
        yield


def _progress(found: Checkpoint) -> Progress:
    state = cast(dict[str, Any], found.state)  # as `Learner.checkpoint` wrote it
    return Progress(
        step=found.step,
        score_due=state["score_due"],
        best=state["best"],
        best_step=state["best_step"],
        plateau=PlateauState(**state["plateau"]),
        tally=Tally(state["sums"], state["counts"]),
    )
