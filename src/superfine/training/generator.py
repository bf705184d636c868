"""A StyleGAN2 trained from pictures alone: what fills the latent bank of a GLEAN.

Source: Karras, Laine, Aittala, Hellsten, Lehtinen, Aila, "Analyzing and Improving the Image Quality
of StyleGAN", CVPR 2020, arXiv:1912.04958: the non-saturating loss, R1 of Mescheder, Geiger,
Nowozin, "Which Training Methods for GANs do actually Converge?", ICML 2018, computed in every 16th
step, mixed styles and an averaged generator. The average forgets faster in the beginning, as in
Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS 2020.

Differs from the paper:
- There is no path length regularisation.
- The pictures of one step share their noise, which is drawn anew for each step.
- Both networks learn from the same drawn pictures in a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Shaped
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn
from torch.optim import Adam

from superfine.adversarial import vanilla_discriminator, vanilla_generator
from superfine.data.batch import Pair, Source
from superfine.data.source import PictureSource
from superfine.errors import TrainingError
from superfine.io.atomic import write_bytes_atomic
from superfine.models.discriminators import StyleGAN2Discriminator
from superfine.models.stylegan2 import LATENT, StyledConv, StyleGAN2Generator, style_count

_LAZY = 16  # steps from one R1 to the next
_FORGETTING = 0.05  # half-life of the average, at most this share of the pictures seen


@dataclass(frozen=True)
class GeneratorRecipe:
    """What to train, and for how long; the defaults are the paper's.

    Attributes:
        size: Pixels on a side of the pictures, a power of two from 8 on.
        steps: Of both optimisers.
        channels: Of the widest layers of both networks.
        batch: Pictures in a step.
        learning_rate: Of both.
        r1: Weight γ of R1 for pictures on [-1, 1]; half of it times the squared gradient.
        mixing: How often two latents share a picture between them.
        half_life: Pictures after which the average has forgotten half.
        seed: Of the weights and of all that is drawn.
    """

    size: int
    steps: int
    channels: int = 512
    batch: int = 32
    learning_rate: float = 2e-3
    r1: float = 10.0
    mixing: float = 0.9
    half_life: float = 10_000.0
    seed: int = 0


class GeneratorLearner:
    """A generator, its average over the steps, and the discriminator that teaches it."""

    def __init__(self, recipe: GeneratorRecipe, device: torch.device) -> None:
        """Builds them as they are before the first step."""
        self.recipe = recipe
        self.steps = 0
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(recipe.seed)
            self.generator = StyleGAN2Generator(recipe.size, channels=recipe.channels).to(device)
            self.discriminator = StyleGAN2Discriminator(recipe.size, channels=recipe.channels)
        self.discriminator.to(device)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = deepcopy(self.generator).requires_grad_(False)
        self._random = torch.Generator(device).manual_seed(recipe.seed)
        self._optimiser = Adam(
            self.generator.parameters(), recipe.learning_rate, betas=(0.0, 0.99), eps=1e-8
        )
        # A step with R1 counts as one more, so that its optimiser must take them as 16 in 17.
        share = _LAZY / (_LAZY + 1)
        self._opponent = Adam(
            self.discriminator.parameters(),
            recipe.learning_rate * share,
            betas=(0.0, 0.99**share),
            eps=1e-8,
        )

    def step(self, real: Float[Tensor, "b 3 s s"]) -> dict[str, float]:
        """One step of the generator, then one of the discriminator on `real` and the drawn ones.

        Args:
            real: Pictures on [0, 1].

        Returns:
            The loss of each, and R1 before its weight in the steps that compute it.

        Raises:
            TrainingError: When a loss is no finite number.
        """
        real = real.to(memory_format=torch.channels_last)
        self.discriminator.requires_grad_(False)
        self._optimiser.zero_grad(set_to_none=True)
        drawn = self._drawn(len(real))
        pleasing = vanilla_generator(self.discriminator(drawn))
        pleasing.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self.discriminator.requires_grad_(True)

        self._opponent.zero_grad(set_to_none=True)
        told = vanilla_discriminator(self.discriminator(real), self.discriminator(drawn.detach()))
        losses = {"generator": pleasing.item(), "discriminator": told.item()}
        if self.steps % _LAZY == 0:
            slope = self._slope(real)
            told = told + _LAZY * self.recipe.r1 / 2 * slope
            losses["r1"] = slope.item()
        told.backward()  # type: ignore[no-untyped-call]
        self._opponent.step()
        self.steps += 1
        self._average(len(real))
        if not all(math.isfinite(value) for value in losses.values()):
            raise TrainingError(
                f"A loss of the generator's training is no number in step {self.steps}: {losses}.",
                hint="Use a smaller learning rate or a larger r1.",
            )
        return losses

    def _drawn(self, count: int) -> Float[Tensor, "b 3 s s"]:
        """Pictures on [0, 1], each of one latent or of two."""
        random, device = self._random, self._random.device
        for layer in self.generator.modules():
            if isinstance(layer, StyledConv):
                layer.noise.normal_(generator=random)
        one, other = (
            self.generator.latents(torch.randn(count, LATENT, generator=random, device=device))
            for _ in range(2)
        )
        styles = style_count(self.recipe.size)
        change = int(torch.randint(1, styles, (), generator=random, device=device))
        if torch.rand((), generator=random, device=device) >= self.recipe.mixing:
            change = styles
        picture: Tensor = self.generator.synthesis(
            torch.cat((one[:, :change], other[:, change:]), dim=1)
        )
        return (picture + 1) / 2

    def _slope(self, real: Float[Tensor, "b 3 s s"]) -> Float[Tensor, ""]:
        """Mean squared length of the discriminator's gradient at real pictures on [-1, 1]."""
        there = (real * 2 - 1).requires_grad_()
        logits = self.discriminator((there + 1) / 2)
        (gradient,) = torch.autograd.grad(logits.sum(), there, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)).mean()

    @torch.no_grad()
    def _average(self, batch: int) -> None:
        half_life = min(self.recipe.half_life, _FORGETTING * self.steps * batch)
        forgotten = 1 - 0.5 ** (batch / half_life)
        # The noise of the average is its own: which one a picture has means nothing.
        own: list[Tensor] = list(self.averaged.parameters())
        new: list[Tensor] = list(self.generator.parameters())
        torch._foreach_lerp_(own, new, forgotten)


def train_generator(
    source: Source,
    recipe: GeneratorRecipe,
    *,
    device: str = "cpu",
    on_step: Callable[[int, Mapping[str, float]], None] = lambda step, losses: None,
) -> GeneratorLearner:
    """What has learned to draw pictures like those of `source`; no checkpoint is written.

    Its `averaged` generator is the one to use. Saved by `save_weights` it fills the bank of a GLEAN
    (`bank` in a recipe), and `discriminator` may begin as that GLEAN's (`adversarial.start_from`).

    Args:
        source: RGB pictures of `recipe.size`, as `crops_of` makes it.
        recipe: What to train.
        device: Where, in torch's words.
        on_step: Told the number of each step done and its losses.

    Raises:
        TrainingError: When a loss is no finite number.
    """
    learner = GeneratorLearner(recipe, torch.device(device))
    for step in range(recipe.steps):
        index = np.arange(step * recipe.batch, (step + 1) * recipe.batch, dtype=np.uint64)
        losses = learner.step(source.batch(index, 1).lr.to(device))
        on_step(step + 1, losses)
    return learner


def save_weights(network: nn.Module, path: Path, *, overwrite: bool = False) -> None:
    """Writes the tensors of a generator or a discriminator to `path`, as safetensors.

    Raises:
        OutputError: When the file exists or cannot be written.
    """
    tensors = {n: tensor.detach().cpu().contiguous() for n, tensor in network.state_dict().items()}
    write_bytes_atomic(path, to_safetensors(tensors), overwrite=overwrite)


def crops_of(
    pictures: Iterable[Shaped[Tensor, "3 _ _"]], *, size: int, seed: int = 0, upright: bool = True
) -> PictureSource:
    """Every square of `size` pixels in `pictures`, in random order, some of them mirrored.

    Args:
        pictures: RGB; those smaller than a square are left out.
        size: Pixels on a side.
        seed: Of the order.
        upright: Whether squares are only mirrored, never turned.

    Raises:
        UsageError: When no picture holds a square.
    """
    pairs = [Pair(lr=picture, hr={1: picture}) for picture in pictures]
    return PictureSource({1: pairs}, patch=size, seed=seed, views=True, upright=upright, files=())
