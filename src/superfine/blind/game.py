"""A linear generator against a discriminator of patches: what KernelGAN is, and part of DARSR.

Source: Bell-Kligler, Shocher, Irani, "Blind Super-Resolution Kernel Estimation using an
Internal-GAN", NeurIPS 2019, and the authors' code, for the weights and their schedule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.blind.kernel_losses import (
    bicubic_loss,
    boundaries_loss,
    centre_loss,
    sparse_loss,
    sum_loss,
)
from superfine.blind.mends import Mends
from superfine.models.kernelgan import KERNEL_SIDE, LinearGenerator, PatchDiscriminator
from superfine.ops.kernels import bicubic_kernel, gaussian

Losses = dict[str, Tensor]

# What the bicubic loss falls below, how often in a row, before the kernel may leave bicubic.
_NEAR, _IN_A_ROW = 0.4, 3
# Steps between two falls of its weight.
_PATIENCE = 200
_BICUBIC, _BICUBIC_LEAST = 5.0, 5e-6
_SUM, _BOUNDARIES, _CENTRE, _SPARSE = 0.5, 0.5, 1.0, 5.0


@dataclass(frozen=True)
class Rules:
    """How the game is played.

    Attributes:
        learning_rate: Of both players.
        drop_every: Steps after which the rate falls.
        drop_to: Share of it that stays.
        loss: How far a map of the discriminator is from all 1 or all 0: "l1" or "l2".
        weight: Of what is asked of the kernel, against the rest.
        pull: Weight of the mean square by which the kernel differs from the one it started as,
            times the number of its values, so that it is that of the whole kernel.
        free: Start with the bicubic loss at its least and the kernel asked to be in place, but not
            to be small, which is for a generator that starts as an estimate.
    """

    learning_rate: float = 2e-4
    drop_every: int = 750
    drop_to: float = 0.1
    loss: Literal["l1", "l2"] = "l1"
    weight: float = 1.0
    pull: float = 0.0
    free: bool = False


class Game:
    """Both players with their optimisers, and where the schedule of the losses stands."""

    def __init__(
        self,
        scale: int,
        rules: Rules,
        mends: Mends,
        *,
        start: Float[Tensor, "2 2"] | None,
    ) -> None:
        """A new game; random numbers are torch's, which the caller has seeded.

        Args:
            scale: 2, or 4: the x2 kernel applied twice, or without `mends.geometry` one of 13x13.
            rules: How it is played.
            mends: What is mended.
            start: Covariance of the Gaussian the generator starts as, (row, column), HR pixels
                squared; None for a random start.

        Raises:
            ValueError: For a start at x4 without the geometry that it fits into.
        """
        if start is not None and scale != 2 and not mends.geometry:
            raise ValueError("a kernel of 13x13 starts as no kernel of x4")
        twice = scale == 4 and mends.geometry
        self.rules, self.mends = rules, mends
        self.generator = LinearGenerator(times=2) if twice else LinearGenerator(stride=scale)
        self.discriminator = PatchDiscriminator()
        self.started: Tensor | None = None
        if start is not None:
            # A kernel x2 applied twice has five times its own variance.
            single = gaussian(start / 5 if twice else start, scale=2, size=KERNEL_SIDE)
            self.started = single.values
            self.generator.start_as(self.started)
        self._bicubic = bicubic_kernel(scale if mends.geometry else 2)
        self._bicubic_weight = _BICUBIC_LEAST if rules.free else _BICUBIC
        self._in_place = rules.free
        self._near = 0
        self._steps = 0
        self._optimisers = [
            torch.optim.Adam(player.parameters(), lr=rules.learning_rate, betas=(0.5, 0.999))
            for player in (self.generator, self.discriminator)
        ]

    def shrunk(self, pieces: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b c m n"], Losses]:
        """`pieces` shrunk by the generator, and all it is asked for, weighted.

        To be called once in a step: the schedule of the losses goes on with it.
        """
        generator, weight = self.generator, self.rules.weight
        made, values = generator(pieces), generator.values()
        losses = {"gan": self._distance(self.discriminator(made), 1.0)}
        bicubic = bicubic_loss(
            made,
            pieces,
            self._bicubic,
            stride=generator.scale,
            margin=generator.margin,
            colours_apart=self.mends.colours,
        )
        wanted = KERNEL_SIDE // 2 + (generator.stride - 1) / 2
        losses["bicubic"] = weight * self._bicubic_weight * bicubic
        losses["sum"] = weight * _SUM * sum_loss(values)
        losses["boundaries"] = weight * _BOUNDARIES * boundaries_loss(values)
        if self._in_place:
            losses["centre"] = weight * _CENTRE * centre_loss(values, wanted)
            if not self.rules.free:
                losses["sparse"] = weight * _SPARSE * sparse_loss(values)
        if self.started is not None and self.rules.pull > 0:
            apart = (values - self.started.to(values)).square().sum()
            losses["pull"] = self.rules.pull * apart
        self._move_on(float(bicubic.detach()))
        return made, losses

    def learn(self, made: Float[Tensor, "b c m n"], real: Float[Tensor, "b c m n"]) -> float:
        """One step of both players; the gradients of the generator are there already.

        Args:
            made: What the generator made in this step.
            real: As large pieces of the picture itself.

        Returns:
            The loss of the discriminator.
        """
        of_generator, of_discriminator = self._optimisers
        of_generator.step()
        of_discriminator.zero_grad()
        loss = 0.5 * (
            self._distance(self.discriminator(real), 1.0)
            + self._distance(self.discriminator(made.detach()), 0.0)
        )
        loss.backward()  # type: ignore[no-untyped-call]
        of_discriminator.step()
        of_generator.zero_grad()
        self._steps += 1
        if self._steps % self.rules.drop_every == 0:
            for optimiser in self._optimisers:
                for group in optimiser.param_groups:
                    group["lr"] *= self.rules.drop_to
        return float(loss.detach())

    def _distance(self, map_: Float[Tensor, "b 1 m n"], wanted: float) -> Float[Tensor, ""]:
        apart = map_ - wanted
        return apart.abs().mean() if self.rules.loss == "l1" else apart.square().mean()

    def _move_on(self, bicubic: float) -> None:
        """First a kernel near bicubic; then it may leave, a hundred times as far each 200 steps."""
        if self._near < _IN_A_ROW:
            self._near = self._near + 1 if bicubic < _NEAR else 0
        elif self._steps % _PATIENCE == 0 and self._bicubic_weight > _BICUBIC_LEAST:
            self._bicubic_weight = max(self._bicubic_weight / 100, _BICUBIC_LEAST)
            self._in_place = self._in_place or self._bicubic_weight < 5e-3
