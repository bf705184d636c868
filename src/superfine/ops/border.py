"""What lies beyond the edges of a picture."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def mirrored(x: Float[Tensor, "*lead h w"], by: int) -> Float[Tensor, "*lead m n"]:
    """`x` with `by` more pixels on every side, mirrored with the edge pixel repeated.

    A picture narrower than `by` is mirrored as often as it takes: dcba|abcd|dcba|abcd.
    """
    rows, columns = (
        # A tensor, because a size is no number while torch records the graph of a network.
        folded(torch.arange(-by, n + by, device=x.device), torch.full((), n, device=x.device))
        for n in x.shape[-2:]
    )
    return x[..., rows, :][..., columns]


def folded(index: Int[Tensor, "*shape"], size: int | Int[Tensor, ""]) -> Int[Tensor, "*shape"]:
    """Where the mirrored picture of `size` pixels has its pixel `index`; any `index` will do."""
    # Period 2n: 0 1 .. n-1 n-1 .. 1 0
    once = index.remainder(2 * size)
    return torch.where(once < size, once, 2 * size - 1 - once)
