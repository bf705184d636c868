"""Training losses: each takes a result and the truth on [0, 1] and returns one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

LossName = Literal["mse", "l1", "charbonnier"]
Loss = Callable[[Float[Tensor, "*shape"], Float[Tensor, "*shape"]], Float[Tensor, ""]]


def charbonnier(sr: Float[Tensor, "*shape"], hr: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean of √(d² + ε²), ε = 1e-3: squared near zero, absolute beyond.

    Source: Lai et al., "Deep Laplacian Pyramid Networks", CVPR 2017 (which sums instead).
    """
    return ((sr - hr).square() + 1e-6).sqrt().mean()


LOSSES: dict[LossName, Loss] = {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "charbonnier": charbonnier,
}
