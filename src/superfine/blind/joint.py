"""DARSR's own way to learn: kernel, correction and discriminator at once, through the enlarger.

Source: Zhou et al., "Learning Correction Filter via Degradation-Adaptive Regression for Blind
Single Image Super-Resolution", ICCV 2023, and the authors' code. What is mended stands with
`Mends`. Not mended, but different: what bicubic makes of a piece is cut out of the picture shrunk
as a whole, by MATLAB's bicubic, on which enlarging networks are trained; theirs is Pillow's, of
each piece. No rows are cut off the border, and the last iterate is what counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.blind.crops import Place, at_least
from superfine.blind.darsr_losses import (
    Weights,
    interpolation_loss,
    score_loss,
    without_margin,
)
from superfine.blind.frozen import Frozen
from superfine.blind.game import Game, Losses, Rules
from superfine.blind.kernelgan import game_places
from superfine.blind.mends import Mends
from superfine.models.darsr import CorrectionNetwork, ScoreNetwork
from superfine.ops.resize import imresize
from superfine.types import Kernel


@dataclass(frozen=True)
class JointPlan:
    """How long and on what DARSR learns.

    Attributes:
        score_steps: Of the score network, before all others.
        steps: Of the other networks.
        batch: Pieces of each kind in a step.
        side: Rows and columns of a piece that is shrunk; others are as large as the result.
        weights: Of the losses.
        rules: Of the game between generator and discriminator.
    """

    score_steps: int = 3000
    steps: int = 3000
    batch: int = 16
    side: int = 128
    weights: Weights = field(default_factory=Weights)
    rules: Rules = field(
        default_factory=lambda: Rules(drop_to=0.25, loss="l2", weight=Weights().regularisation)
    )


THE_SEED = JointPlan()
_SCORE_RATE, _CORRECTION_RATE = 1e-4, 1e-3


@dataclass(frozen=True, eq=False)
class _Pieces:
    """What one step sees: pieces to shrink, what bicubic makes of them, and pieces of LR."""

    fine: Float[Tensor, "b c h w"]
    fine_shrunk: Float[Tensor, "b c m n"]
    lr: Float[Tensor, "b c m n"]
    lr_enlarged: Float[Tensor, "b c h w"]


class Joint:
    """The networks of one run, their optimisers, and the pieces of one picture."""

    def __init__(
        self,
        lr: Float[Tensor, "c h w"],
        frozen: Frozen,
        plan: JointPlan,
        mends: Mends,
        *,
        scale: int,
        seed: int,
        start: Float[Tensor, "2 2"] | None,
    ) -> None:
        """Networks at their start: all as in the authors' code, or with `start`, the generator as
        that Gaussian and the correction network as one that changes nothing.
        """
        self._frozen, self._plan, self._mends, self._scale = frozen, plan, mends, scale
        self._picture = at_least(lr.float(), plan.side)
        self._shrunk = imresize(self._picture, scale=1 / scale)
        self._enlarged = imresize(self._picture, scale=scale)
        self._fine, self._real = game_places(
            self._picture,
            plan.side,
            scale,
            seed,
            turned=True,
            real_turned=not mends.geometry,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._game = Game(scale, plan.rules, mends, start=start)
            self._correction = CorrectionNetwork(keeps_brightness=mends.brightness)
            self._score = ScoreNetwork()
        if start is not None:
            self._correction.start_as_nothing()
        for network in (self._correction, self._score):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._of_correction = torch.optim.Adam(
            self._correction.parameters(), lr=_CORRECTION_RATE, betas=(0.5, 0.999)
        )
        self._slower = torch.optim.lr_scheduler.StepLR(self._of_correction, 1000, 0.5)

    def learn_score(self) -> Iterator[dict[str, float]]:
        """One step of the score network for each that is asked for."""
        optimiser = torch.optim.Adam(self._score.parameters(), lr=_SCORE_RATE)
        for i in range(self._plan.score_steps):
            pieces = self._pieces(i)
            zero = self._score(pieces.fine_shrunk).square().mean()
            one = (self._score(pieces.lr) - 1).square().mean()
            optimiser.zero_grad()
            (zero + one).backward()
            optimiser.step()
            if not self._mends.score_schedule and (i + 1) % 100 == 0:
                for group in optimiser.param_groups:
                    group["lr"] *= 0.5
            yield {"bicubic": float(zero.detach()), "lr": float(one.detach())}

    def learn(self) -> Iterator[dict[str, float]]:
        """One step of all other networks for each that is asked for."""
        self._score.requires_grad_(False)
        for i in range(self._plan.steps):
            pieces = self._pieces(i)
            made, losses = self._losses(pieces)
            self._of_correction.zero_grad()
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            self._of_correction.step()
            self._slower.step()
            size, margin = (made.shape[-2], made.shape[-1]), self._game.generator.margin
            discriminator = self._game.learn(made, without_margin(pieces.lr, margin, size))
            told = {name: float(loss.detach()) for name, loss in losses.items()}
            yield told | {"discriminator": discriminator}

    def kernel(self) -> Kernel:
        """The generator's blur as it stands."""
        return self._game.generator.kernel()

    def correction(self) -> CorrectionNetwork:
        """The correction network as it stands."""
        return self._correction

    def _losses(self, pieces: _Pieces) -> tuple[Float[Tensor, "b c m n"], Losses]:
        """What the generator makes of the pieces, and every loss, weighted, by name."""
        weights, generator = self._plan.weights, self._game.generator
        margin, scale = generator.margin, self._scale
        made, losses = self._game.shrunk(pieces.fine)
        size = (made.shape[-2], made.shape[-1])
        corrected = self._correction(made)
        wanted = without_margin(pieces.fine_shrunk, margin, size)
        losses["forward"] = weights.cycle * (corrected - wanted).abs().mean()
        back = self._frozen.enlarged(corrected)
        large = (size[0] * scale, size[1] * scale)
        sharp = without_margin(self._frozen.compared(pieces.fine), margin * scale, large)
        losses["forward_enlarged"] = weights.cycle * (back - sharp).abs().mean()
        clean = self._correction(pieces.lr)
        enlarged = self._frozen.enlarged(clean)
        again = generator(enlarged)
        inner = without_margin(pieces.lr, margin, size)
        losses["backward"] = weights.cycle * (again - self._frozen.compared(inner)).abs().mean()
        losses["interpolation"] = weights.interpolation * interpolation_loss(
            enlarged, self._frozen.compared(pieces.lr_enlarged)
        )
        if weights.score > 0:
            losses["score"] = weights.score * score_loss(
                self._score,
                like_bicubic=(corrected, without_margin(clean, margin, size)),
                bicubic=wanted,
                like_lr=(made, again),
                lr=inner,
            )
        return made, losses

    def _pieces(self, step: int) -> _Pieces:
        side, small = self._plan.side, self._plan.side // self._scale
        numbers = range(step * self._plan.batch, (step + 1) * self._plan.batch)
        fine = [self._fine[i] for i in numbers]
        real = [self._real[i] for i in numbers]
        return _Pieces(
            _stacked(fine, self._picture, side),
            _stacked(fine, self._shrunk, small, every=self._scale),
            _stacked(real, self._picture, small),
            _stacked(real, self._enlarged, side, times=self._scale),
        )


def _stacked(
    places: list[Place], picture: Float[Tensor, "c h w"], side: int, **where: int
) -> Float[Tensor, "b c side side"]:
    pieces = torch.stack([place.cut(picture, side, **where) for place in places])
    return pieces.contiguous(memory_format=torch.channels_last)
