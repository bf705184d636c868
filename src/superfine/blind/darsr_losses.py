"""What DARSR asks of its networks: cycles, interpolation, and scores.

Source: Zhou et al., "Learning Correction Filter via Degradation-Adaptive Regression for Blind
Single Image Super-Resolution", ICCV 2023, and the authors' code, whose weights these are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Weights:
    """How much each loss counts.

    Attributes:
        cycle: Of the three cycles: degraded and corrected pieces against bicubic ones, those
            enlarged against the pieces, and pieces corrected, enlarged and degraded against
            themselves.
        interpolation: Of even places, which should be enlarged as bicubic does.
        regularisation: Of what is asked of the kernel.
        score: Of the score network's opinion.
    """

    cycle: float = 5.0
    interpolation: float = 2.0
    regularisation: float = 2.0
    score: float = 1.0


def interpolation_loss(
    enlarged: Float[Tensor, "b c h w"], bicubic: Float[Tensor, "b c h w"]
) -> Float[Tensor, ""]:
    """Mean difference from `bicubic`, the less it counts the steeper `bicubic` is there.

    An edge counts from 1 on for nothing: Sobel's gradient, not normalised, of each colour alone,
    with 0 beyond the border.
    """
    sobel = bicubic.new_tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    planes = bicubic.flatten(0, 1)[:, None]
    slopes = F.conv2d(planes, torch.stack((sobel, sobel.T))[:, None], padding=1)
    even = 1 - slopes.square().sum(dim=1).sqrt().clamp(0, 1)
    return (even.view(bicubic.shape) * (enlarged - bicubic)).abs().mean()


def score_loss(
    score: nn.Module,
    *,
    like_bicubic: tuple[Float[Tensor, "b _ _ _"], ...],
    bicubic: Float[Tensor, "b _ _ _"],
    like_lr: tuple[Float[Tensor, "b _ _ _"], ...],
    lr: Float[Tensor, "b _ _ _"],
) -> Float[Tensor, ""]:
    """How far `score` has some pieces from bicubic ones, and others from those of LR."""
    with torch.no_grad():
        zero, one = score(bicubic), score(lr)
    apart = [(score(x) - zero).square().mean() for x in like_bicubic]
    apart += [(score(x) - one).square().mean() for x in like_lr]
    return torch.stack(apart).sum()


def without_margin(
    x: Float[Tensor, "b c h w"], margin: int, size: tuple[int, int]
) -> Float[Tensor, "b c m n"]:
    """`x` without its first `margin` rows and columns, of `size`."""
    return x[..., margin : margin + size[0], margin : margin + size[1]]
