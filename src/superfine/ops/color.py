"""BT.601 colour with studio swing, as MATLAB's `rgb2ycbcr` and every classic table use it.

Ranges: RGB on [0, 1]; luma on [16/255, 235/255], chroma on [16/255, 240/255].
Source: ITU-R BT.601-7; coefficients as in MATLAB's `rgb2ycbcr`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.ops.resize import round_half_up

# Rows: Y, Cb, Cr; columns: R, G, B; for RGB on [0, 1] giving codes on 0..255.
_TO_YCBCR = (
    (65.481, 128.553, 24.966),
    (-37.797, -74.203, 112.0),
    (112.0, -93.786, -18.214),
)
_OFFSET = (16.0, 128.0, 128.0)


def _matrix() -> Tensor:
    return torch.tensor(_TO_YCBCR, dtype=torch.float64) / 255


def rgb_to_ycbcr(rgb: Float[Tensor, "*lead 3 h w"]) -> Float[Tensor, "*lead 3 h w"]:
    """RGB on [0, 1] as Y, Cb, Cr on [0, 1] (studio swing: black is 16/255, white 235/255)."""
    matrix = _matrix().to(rgb)
    offset = torch.tensor(_OFFSET, dtype=torch.float64).to(rgb)[:, None, None] / 255
    return torch.einsum("ij,...jhw->...ihw", matrix, rgb) + offset


def ycbcr_to_rgb(ycbcr: Float[Tensor, "*lead 3 h w"]) -> Float[Tensor, "*lead 3 h w"]:
    """The exact inverse of `rgb_to_ycbcr`; not clipped, so colours outside RGB stay outside."""
    matrix = torch.linalg.inv(_matrix()).to(ycbcr)
    offset = torch.tensor(_OFFSET, dtype=torch.float64).to(ycbcr)[:, None, None] / 255
    return torch.einsum("ij,...jhw->...ihw", matrix, ycbcr - offset)


def luma(rgb: Float[Tensor, "*lead 3 h w"]) -> Float[Tensor, "*lead 1 h w"]:
    """Y of RGB on [0, 1], on [16/255, 235/255], not rounded."""
    weight = _matrix()[0].to(rgb)
    return torch.einsum("j,...jhw->...hw", weight, rgb).unsqueeze(-3) + 16 / 255


def luma_uint8(rgb: UInt8[Tensor, "*lead 3 h w"]) -> UInt8[Tensor, "*lead 1 h w"]:
    """Y of 8-bit RGB, rounded half up to codes 16..235, as MATLAB's `rgb2ycbcr` gives for uint8."""
    return round_half_up(luma(rgb.double() / 255) * 255)
