"""Between the integers of a file and the floats of mathematics."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from superfine.types import LARGEST_CODE


def to_unit(
    codes: Shaped[Tensor, "*shape"], *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*shape"]:
    """Samples of uint8, uint16 or float32 as floats on [0, 1]."""
    return codes.to(dtype).contiguous() / LARGEST_CODE[codes.dtype]


def to_codes(x: Float[Tensor, "*shape"], dtype: torch.dtype) -> Shaped[Tensor, "*shape"]:
    """Floats on [0, 1] as uint8, uint16 or float32 samples, clipped, codes rounded half up."""
    x = x.clamp(0, 1)
    if dtype == torch.float32:
        return x.to(dtype)
    codes = torch.floor(x * LARGEST_CODE[dtype] + 0.5)
    # uint16 has few kernels in torch, so it is reached through int32.
    return codes.to(dtype) if dtype == torch.uint8 else codes.to(torch.int32).to(dtype)
