"""Aligned LR and HR patches; patch `i` of a run is a pure function of (seed, i)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.random import Generator, Philox
from torch import Tensor

from superfine.benchmark.protocol import Protocol
from superfine.errors import UsageError
from superfine.ops.codes import to_unit
from superfine.ops.resize import imresize_uint8
from superfine.ops.views import VIEWS, turn


@dataclass(frozen=True, eq=False)
class Pair:
    """One picture at both resolutions, ready to be cut: LR floats on [0, 1], HR codes."""

    lr: Float[Tensor, "c h w"]
    hr: UInt8[Tensor, "c sh sw"]


def make_pairs(
    pictures: Sequence[UInt8[Tensor, "_ _ _"]],
    *,
    scale: int,
    protocol: Protocol,
    shrink: Sequence[float],
    patch: int,
) -> list[Pair]:
    """Every picture at every factor of `shrink`, cropped and degraded as `protocol` says.

    Pictures too small for one patch are left out.

    Raises:
        UsageError: When none is left.
    """
    pairs = []
    for picture in pictures:
        for factor in shrink:
            hr = picture if factor == 1 else imresize_uint8(picture, scale=factor)
            hr = protocol.crop(hr, scale)
            if min(hr.shape[-2:]) < patch * scale:
                continue
            truth = protocol.luma(hr) if protocol.channel == "y" else hr
            pairs.append(Pair(lr=protocol.lr(hr, scale).float(), hr=truth.contiguous()))
    if not pairs:
        raise UsageError(
            f"No training picture holds a patch of {patch * scale}x{patch * scale} pixels.",
            hint="Use a smaller patch or larger pictures.",
        )
    return pairs


class PatchSampler:
    """Draws patches with equal chance for every position of every picture, and one of 8 views."""

    def __init__(self, pairs: Sequence[Pair], *, scale: int, patch: int, seed: int) -> None:
        self.pairs = pairs
        self.scale = scale
        self.patch = patch
        self.seed = seed
        positions = [(p.lr.shape[1] - patch + 1) * (p.lr.shape[2] - patch + 1) for p in pairs]
        self._ends = np.cumsum(positions)

    def sample(self, index: int) -> tuple[Float[Tensor, "c p p"], Float[Tensor, "c sp sp"]]:
        """Patch number `index` of the run: LR and HR, both on [0, 1]."""
        random = Generator(Philox(key=self.seed, counter=index))
        position = int(random.integers(self._ends[-1]))
        view = int(random.integers(len(VIEWS)))
        which = int(np.searchsorted(self._ends, position, side="right"))
        pair = self.pairs[which]
        inside = position - (int(self._ends[which - 1]) if which else 0)
        top, left = divmod(inside, pair.lr.shape[2] - self.patch + 1)
        p, s = self.patch, self.scale
        lr = pair.lr[:, top : top + p, left : left + p]
        hr = pair.hr[:, s * top : s * (top + p), s * left : s * (left + p)]
        return turn(lr, view), to_unit(turn(hr, view))

    def batch(
        self, step: int, size: int
    ) -> tuple[Float[Tensor, "b c p p"], Float[Tensor, "b c sp sp"]]:
        """The `size` patches of optimiser step `step`, counted from 0."""
        patches = [self.sample(step * size + i) for i in range(size)]
        return torch.stack([lr for lr, _ in patches]), torch.stack([hr for _, hr in patches])
