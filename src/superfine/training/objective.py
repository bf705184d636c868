"""What a step minimises: the terms of the recipe over the outputs of the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from superfine import losses
from superfine.errors import SizeMismatchError, UsageError
from superfine.losses import Loss
from superfine.training.perceptual import load_perceptual
from superfine.training.recipe.types import (
    Charbonnier,
    Distance,
    Perceptual,
    Recipe,
    Recursive,
    Term,
)


@dataclass(frozen=True, eq=False)
class Terms:
    """The loss of one batch; nothing in it has waited for the device.

    Attributes:
        total: What is minimised.
        parts: Name -> what a term gave, before its weight and without gradient. A network with
            several outputs has one entry for each, such as "mse/2-x4" for its second output, at
            scale 4; under recursive supervision "mse/recursions", their mean, and "mse/answer".
    """

    total: Float[Tensor, ""]
    parts: Mapping[str, Float[Tensor, ""]]


@dataclass(frozen=True)
class _Weighted:
    name: str
    weight: float
    loss: Loss


@dataclass(frozen=True, eq=False)
class _Group:
    """Outputs with their truths; what counts is the mean of their losses, times `share`."""

    label: str
    share: float
    compared: Sequence[tuple[Tensor, Tensor]]


class Objective:
    """The terms of a recipe, ready to be computed on a device."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        """Reads the weight files that perceptual terms name.

        Raises:
            ModelFileError: When such a file does not hold what is needed.
            UsageError: When it has no such layer.
        """
        names = _different([term.kind for term in recipe.loss])
        self._terms = [
            _Weighted(name, term.weight, _loss_of(term, device))
            for name, term in zip(names, recipe.loss, strict=True)
        ]
        self._supervision = recipe.supervision

    def __call__(
        self,
        outputs: Tensor | tuple[Tensor, ...],
        hr: Mapping[int, Tensor],
        *,
        lr: Tensor,
        step: int,
    ) -> Terms:
        """The loss of `outputs`; call it outside autocast, it computes in the precision of `hr`.

        Args:
            outputs: What the network returned: one answer, or several outputs, the answer last.
            hr: Scale -> the truth at that scale.
            lr: What the network was given, to tell the scale of an output by.
            step: Optimiser steps done, which decide how recursions count.

        Raises:
            SizeMismatchError: When an output has no truth of its size, or is too small for a term.
            UsageError: When recursive supervision meets a network with one output.
        """
        groups = self._groups(outputs, hr, lr, step)
        total: Tensor | None = None
        parts: dict[str, Tensor] = {}
        for term in self._terms:
            for group in groups:
                value = _mean([term.loss(sr, truth) for sr, truth in group.compared])
                parts[term.name + group.label] = value.detach()
                factor = term.weight * group.share
                share = value if factor == 1 else value * factor
                total = share if total is None else total + share
        assert total is not None  # a recipe has a term and a network an output
        return Terms(total, parts)

    def _groups(
        self, outputs: Tensor | tuple[Tensor, ...], hr: Mapping[int, Tensor], lr: Tensor, step: int
    ) -> list[_Group]:
        several = (outputs,) if isinstance(outputs, Tensor) else outputs
        scales = [output.shape[-2] // lr.shape[-2] for output in several]
        compared = [_with_truth(o, hr, scale) for o, scale in zip(several, scales, strict=True)]
        if isinstance(self._supervision, Recursive):
            return _recursive(self._supervision, compared, step)
        if len(compared) == 1:
            return [_Group("", 1.0, compared)]
        return [
            _Group(f"/{number}-x{scale}", 1.0, [pair])
            for number, (scale, pair) in enumerate(zip(scales, compared, strict=True), start=1)
        ]


def _recursive(
    supervision: Recursive, compared: list[tuple[Tensor, Tensor]], step: int
) -> list[_Group]:
    """alpha · mean over the recursions + (1 - alpha) · answer, alpha falling to 0 at `decay`.

    Source: Kim et al., "Deeply-Recursive Convolutional Network for Image Super-Resolution",
    CVPR 2016, arXiv:1511.04491.
    """
    *recursions, answer = compared
    if not recursions:
        raise UsageError(
            "Recursive supervision needs the outputs of recursions; the network has one output.",
            hint="Leave `supervision` out, or train drcn.",
        )
    alpha = supervision.alpha * max(0.0, 1 - step / supervision.decay)
    # Even at alpha 1 the answer stays in the sum: the weights of the ensemble need a gradient, if
    # of zeros, or several processes would wait for it for ever.
    groups = [_Group("/answer", 1 - alpha, [answer])]
    if alpha > 0:
        groups.insert(0, _Group("/recursions", alpha, recursions))
    return groups


def _with_truth(output: Tensor, hr: Mapping[int, Tensor], scale: int) -> tuple[Tensor, Tensor]:
    truth = hr.get(scale)
    if truth is None or truth.shape != output.shape:
        found = ", ".join(f"x{s} {_shown(t)}" for s, t in sorted(hr.items()))
        raise SizeMismatchError(
            f"The network returned {_shown(output)} at scale {scale}; the truths are {found}.",
            hint="Give data with the channels of the network and a truth at each of its scales.",
        )
    return output.to(truth.dtype), truth


def _shown(x: Tensor) -> str:
    return "x".join(map(str, x.shape))


def _mean(values: list[Tensor]) -> Tensor:
    if len(values) == 1:
        return values[0]
    return torch.stack(values).mean()


def _different(kinds: Sequence[str]) -> list[str]:
    """`kinds`, numbered where one comes again: "mse", "perceptual", "perceptual-2"."""
    seen: Counter[str] = Counter()
    names = []
    for kind in kinds:
        seen[kind] += 1
        names.append(kind if seen[kind] == 1 else f"{kind}-{seen[kind]}")
    return names


_DISTANCES: dict[str, Loss] = {"mse": losses.mse, "l1": losses.l1}
_QUALITIES: dict[str, Loss] = {
    "psnr": losses.psnr_loss,
    "ssim": losses.ssim_loss,
    "ms-ssim": losses.ms_ssim_loss,
}


def _loss_of(term: Term, device: torch.device) -> Loss:
    if isinstance(term, Distance):
        distance = _DISTANCES[term.kind]
        return losses.summed(distance) if term.sum else distance
    if isinstance(term, Charbonnier):
        distance = partial(losses.charbonnier, eps=term.eps)
        return losses.summed(distance) if term.sum else distance
    if isinstance(term, Perceptual):
        compare = _DISTANCES[term.distance]
        return load_perceptual(term.file, layer=term.layer, distance=compare).to(device)
    return _QUALITIES[term.kind]
