"""Information fidelity criterion."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from superfine.metrics.subbands import subbands

# Keeps the logarithm finite where nothing came on top of the truth.
_NOISE = 1e-10


def ifc(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> Float[Tensor, "*lead"]:
    """Information fidelity criterion of each picture, at least 0; higher is better, no upper end.

    How many bits a pixel of the restored picture shares with the truth, both seen as subbands of
    a steerable pyramid: Σ log2(1 + g²·s·λ_k / (v + 1e-10)) / (h·w) over the nine eigenvalues λ_k
    of a subband, its blocks of 3x3 coefficients and eight subbands (four levels, upright and
    level edges). s is the block's energy in the truth; g and v are gain and noise of the
    restored coefficients about it. In float64, on values stretched to 0..255, for each channel,
    then averaged over the channels; the papers' tables score luma.

    As in the authors' code and the tables of super-resolution, and unlike the paper: no factor
    1/2, so the values are twice the mutual information; divided by the pixels of the picture;
    blocks whose window reaches over the border of a subband are left out.

    Args:
        sr: Restored pictures, at least 65 x 65.
        hr: Ground truth, of the same shape and range. The two may not be exchanged.
        data_range: Largest value a pixel can take: 1.0 or 255.0. No default on purpose.

    Raises:
        SizeMismatchError: When the sizes differ or are below 65 pixels.

    Source: Sheikh, Bovik, de Veciana, "An information fidelity criterion for image quality
    assessment using natural scene statistics", TIP 2005.
    """
    bits = [
        band.restored_bits(sensor_noise=_NOISE) for band in subbands(sr, hr, data_range=data_range)
    ]
    *lead, channels, height, width = sr.shape
    total = sum(bits[1:], start=bits[0]) / (height * width)
    return total.reshape(*lead, channels).mean(dim=-1)
