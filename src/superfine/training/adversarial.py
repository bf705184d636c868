"""The second loop's step: a network and a discriminator that learn against each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.adversarial import (
    relativistic_discriminator,
    relativistic_generator,
    vanilla_discriminator,
    vanilla_generator,
)
from superfine.checkpoints import foreign_tensors
from superfine.data.batch import Batch
from superfine.errors import ModelFileError
from superfine.models import ModelSpec
from superfine.models.discriminators import PatchDiscriminator, StyleGAN2Discriminator, names_in
from superfine.own_file import refuse_not_finite
from superfine.schema import difference
from superfine.training.checkpoint import Checkpoint
from superfine.training.learner import Learner, Progress, exchange, joined
from superfine.training.network import Network, Outputs, differing
from superfine.training.objective import Terms
from superfine.training.optimiser import make_optimiser, restore, set_rate, tensors_of
from superfine.training.processes import Place
from superfine.training.recipe.types import Adam, Adversarial, Recipe

_LOSSES = {"vanilla": vanilla_discriminator, "relativistic": relativistic_discriminator}


def make_learner(
    recipe: Recipe, spec: ModelSpec, device: torch.device, place: Place
) -> Learner | AdversarialLearner:
    """What learns as `recipe` says, as it is before the first step.

    Raises:
        ModelFileError: When weights to start from do not fit.
        UsageError: When the recipe and the network contradict each other.
    """
    learner = Learner(recipe, spec, device, place)
    if recipe.adversarial is None:
        return learner
    return AdversarialLearner(learner, recipe.adversarial, make_discriminator(recipe))


class AdversarialLearner:
    """A learner whose network is also told how real its results look, and who tells it.

    The discriminator learns from the first step on; the network listens from step `start` on. Both
    follow the schedule of the recipe, each with its own learning rate; clipping, averaging and
    torch.compile are for the network alone. The discriminator compares with the truth at the
    largest scale. It sees real and restored pictures apart, so that each have batch statistics of
    their own; these, and the averages of the relativistic loss, are those of one piece of a batch
    in one process.
    """

    def __init__(self, learner: Learner, choice: Adversarial, discriminator: nn.Module) -> None:
        """Takes a discriminator of RGB pictures on [0, 1] on the CPU, which answers with logits."""
        self.learner = learner
        self.choice = choice
        self.discriminator = discriminator.to(learner.device).train()
        self.discriminator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        adam = Adam(learning_rate=choice.learning_rate, betas=choice.betas)
        self.optimiser = make_optimiser(adam, self.discriminator)
        enabled = learner.recipe.precision == "fp16"
        self.scaler = torch.amp.GradScaler(learner.device.type, enabled=enabled)
        self._both = joined(_Both(self.discriminator), learner.device, learner.place)

    @property
    def device(self) -> torch.device:
        """Where both lie."""
        return self.learner.device

    @property
    def network(self) -> Network:
        """The network that is trained for its own sake."""
        return self.learner.network

    @property
    def averaged(self) -> Network:
        """Its average over the steps."""
        return self.learner.averaged

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        return self.learner.progress

    @property
    def rate(self) -> float:
        """The network's learning rate of the next step."""
        return self.learner.rate

    @property
    def last_rate(self) -> float:
        """The network's learning rate of the last step."""
        return self.learner.last_rate

    def step(self, batch: Batch, scale: int) -> None:
        """One step of the network, then one of the discriminator on the same pictures.

        In the log "adversarial" is what the discriminator tells the network, before its weight,
        and "discriminator" its own loss; the total is the network's.
        """
        listening = self.progress.step >= self.choice.start
        seen: list[tuple[Tensor, Tensor]] = []

        def with_opinion(outputs: Outputs, piece: Batch, terms: Terms) -> Terms:
            truth = piece.hr[max(piece.hr)]
            answer = outputs if isinstance(outputs, Tensor) else outputs[-1]
            result = answer.to(truth.dtype)
            seen.append((truth, result.detach()))
            opinion = self._opinion(truth, result)
            total = terms.total + self.choice.weight * opinion if listening else terms.total
            return Terms(total, {**terms.parts, "adversarial": opinion.detach()})

        self.discriminator.requires_grad_(False)  # the network's loss is none of its business
        losses = self.learner.update(batch, scale, with_opinion)
        self.discriminator.requires_grad_(True)
        losses["discriminator"] = self._teach(seen)
        self.learner.count(losses)

    def _opinion(
        self, truth: Float[Tensor, "b c h w"], result: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, ""]:
        """What the discriminator tells the network: the smaller, the more real results look."""
        with self.learner.autocast():
            fake = self.discriminator(_coloured(result))
            if self.choice.kind == "vanilla":
                return vanilla_generator(fake.float())
            with torch.no_grad():
                real = self.discriminator(_coloured(truth))
        return relativistic_generator(real.float(), fake.float())

    def _teach(self, seen: list[tuple[Tensor, Tensor]]) -> Float[Tensor, ""]:
        """One optimiser step of the discriminator on truths and results; returns its loss."""
        set_rate(self.optimiser, self.choice.learning_rate * self.learner.share)
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        for i, (truth, result) in enumerate(seen, start=1):
            with exchange(self._both, last=i == len(seen)):
                with self.learner.autocast():
                    real, fake = self._both(truth, result)
                loss = _LOSSES[self.choice.kind](real.float(), fake.float()) / len(seen)
                self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return total

    def checkpoint(self) -> Checkpoint:
        """Everything needed to go on from here as if nothing had happened.

        Raises:
            NotFiniteError: When a loss since the last time became NaN.
        """
        found = self.learner.checkpoint()
        more = {
            "discriminator": self.discriminator.state_dict(),
            "discriminator-optimiser": tensors_of(self.optimiser),
        }
        state = {**found.state, "discriminator_scaler": self.scaler.state_dict()}
        return replace(found, tensors={**found.tensors, **more}, state=state)

    def resume(self, found: Checkpoint) -> None:
        """Goes back to what `checkpoint` gave.

        Raises:
            ModelFileError: When the checkpoint is of another network or discriminator.
        """
        theirs = dict(found.tensors.get("discriminator", {}))
        if wrong := differing(self.discriminator.state_dict(), theirs):
            raise ModelFileError(
                f"The checkpoint {found.name} is of another discriminator: {wrong[0]} differs.",
                hint="Give another -o.",
            )
        self.learner.resume(found)
        self.discriminator.load_state_dict(theirs)
        restore(self.optimiser, dict(found.tensors["discriminator-optimiser"]))
        if scaler := found.state["discriminator_scaler"]:
            self.scaler.load_state_dict(cast(dict[str, object], scaler))


class _Both(nn.Module):
    """The discriminator asked about real and restored pictures, each by themselves.

    One call of one module: between two calls several processes would copy the batch statistics of
    the first process over those that the backward pass still needs.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(
        self, real: Float[Tensor, "b c h w"], fake: Float[Tensor, "b c h w"]
    ) -> tuple[Tensor, Tensor]:
        """The logits of both."""
        return self.discriminator(_coloured(real)), self.discriminator(_coloured(fake))


def _coloured(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h w"]:
    """Grey, which may be luma or depth, as all three colours."""
    return x.expand(-1, 3, -1, -1)


def make_discriminator(recipe: Recipe) -> nn.Module:
    """The discriminator of `recipe`, on the CPU, as it is before the first step.

    Raises:
        ModelFileError: When the weights to start from do not fit.
        UnsafeModelError: When their file holds more than tensors.
    """
    choice = recipe.adversarial
    assert choice is not None, "only asked for where there is one"
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(recipe.seed + 1)  # other numbers than the network's
        made: nn.Module
        if choice.discriminator == "patch":
            made = PatchDiscriminator(channels=choice.channels // 8)
        else:
            size = recipe.scale[0] * recipe.patch
            made = StyleGAN2Discriminator(size, channels=choice.channels)
    if choice.start_from is not None:
        _start_from(choice.start_from, made)
    return made


def _start_from(file: Path, discriminator: nn.Module) -> None:
    """Puts the weights in `file` into `discriminator`; nothing in the file is run."""
    own = discriminator.state_dict()
    expected = {name: tuple(t.shape) for name, t in own.items() if t.is_floating_point()}
    with foreign_tensors(file) as stored:
        named = {ours: stored.tensors[n] for ours, n in names_in(stored.tensors).items()}
        if wrong := difference(expected, {name: t.shape for name, t in named.items()}):
            raise ModelFileError(
                f"The file is not of this discriminator: {wrong}.",
                hint="Give the discriminator.safetensors of a checkpoint.",
            )
        tensors = {name: named[name].read() for name in expected}
        refuse_not_finite(tensors)
    # What is no floating number counts batches and starts again.
    discriminator.load_state_dict(tensors, strict=False)
