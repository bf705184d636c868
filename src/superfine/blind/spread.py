"""How much a blind method's result owes to chance: the same picture, several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.ops.kernels import covariance
from superfine.types import Kernel


@dataclass(frozen=True)
class Spread:
    """Standard deviations over seeds, of the seeds that were run, not of all there might be.

    Attributes:
        picture: Root of the mean over pixels of the variance over seeds, on [0, 1].
        kernel: That of the trace of the kernel's covariance, HR pixels squared.
    """

    picture: float
    kernel: float


def spread_of(pictures: Sequence[Float[Tensor, "c h w"]], kernels: Sequence[Kernel]) -> Spread:
    """What the results of the same method with other seeds have in common, and what not.

    Raises:
        ValueError: For less than two results.
    """
    if min(len(pictures), len(kernels)) < 2:
        raise ValueError("it takes at least two seeds to differ")
    variance = torch.stack(list(pictures)).double().var(dim=0, correction=0)
    traces = torch.stack([covariance(kernel.values).trace() for kernel in kernels])
    return Spread(float(variance.mean().sqrt()), float(traces.std(correction=0)))
