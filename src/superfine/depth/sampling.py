"""How depth maps were sampled: as somebody says, or as the edges of their photos show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from jaxtyping import Float
from torch import Tensor

from superfine.errors import UsageError
from superfine.ops.depth_lr import BLOCK_MEAN, DEPTH_OPERATORS, DepthOperator
from superfine.ops.phase import PhaseEvidence, estimated_phase, phase_evidence
from superfine.ops.place import centres
from superfine.types import DepthMap

ESTIMATE = "estimate"

# An estimate that is less sure than this changes nothing.
_SURE = 0.5
# HR pixels that an estimate may be off for an operator to be meant.
_NEAR = 0.75


def operator_called(name: str) -> DepthOperator:
    """The operator called `name`.

    Raises:
        UsageError: No operator of that name.
    """
    if name not in DEPTH_OPERATORS:
        raise UsageError(
            f"{name!r} is no way to sample depth.",
            hint=f"Use one of {', '.join(DEPTH_OPERATORS)}, or {ESTIMATE}.",
        )
    return DEPTH_OPERATORS[name]


@dataclass(frozen=True, eq=False)
class Frame:
    """What one map and its photo tell of the place of the samples.

    Attributes:
        evidence: It.
        size: Rows and columns of the photo.
        lr_size: Rows and columns of the map.
    """

    evidence: PhaseEvidence
    size: tuple[int, int]
    lr_size: tuple[int, int]

    @property
    def scale(self) -> tuple[Fraction, Fraction]:
        """Pixels of the photo per sample, down and across."""
        return Fraction(self.size[0], self.lr_size[0]), Fraction(self.size[1], self.lr_size[1])


def frame_of(depth: DepthMap, guide: Float[Tensor, "c h w"]) -> Frame:
    """What `depth` and its photo on [0, 1], of the size wanted, tell."""
    return Frame(
        phase_evidence(depth.values.float(), guide, lr_valid=depth.valid),
        (guide.shape[-2], guide.shape[-1]),
        (depth.height, depth.width),
    )


def operator_seen(frames: Sequence[Frame]) -> tuple[DepthOperator, str]:
    """The operator whose samples lie where those of `frames` do, and a line about it for the user.

    `block-mean` where the photos do not tell, or where what they tell is no operator's place.

    Args:
        frames: Of one scale, at least one; several tell more than one.
    """
    found = estimated_phase([frame.evidence for frame in frames])
    told = (
        f"The photo has depth's samples {found.columns:+.2f} pixels right of and "
        f"{found.rows:+.2f} below the middle of their cells (sure to {found.confidence:.0%})"
    )
    if found.confidence < _SURE:
        return BLOCK_MEAN, f"{told}: too unsure to act on; block-mean was taken."
    apart = {}
    for operator in (BLOCK_MEAN, *DEPTH_OPERATORS.values()):
        down, right = shift_of(operator, frames[0].size, frames[0].lr_size)
        apart[operator] = ((found.rows - down) ** 2 + (found.columns - right) ** 2) ** 0.5
    nearest = min(apart, key=lambda operator: apart[operator])  # the first of equals
    if apart[nearest] > _NEAR:
        return BLOCK_MEAN, (
            f"{told}: no way of sampling does that, so photo and depth are not aligned; "
            "block-mean was taken."
        )
    return nearest, f"{told}: {nearest.name} was taken."


def shift_of(
    operator: DepthOperator, size: tuple[int, int], lr_size: tuple[int, int]
) -> tuple[float, float]:
    """How far below and right of the middle of its cell a LR sample lies, on average."""
    down, right = (
        float((operator.places(hr, lr) - centres(lr) * hr / lr).mean())
        for hr, lr in zip(size, lr_size, strict=True)
    )
    return down, right
