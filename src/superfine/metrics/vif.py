"""Visual information fidelity."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from superfine.metrics.subbands import subbands

# Variance of the noise of the eye, on coefficients of pictures of 0..255.
_EYE = 0.4


def vif(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> Float[Tensor, "*lead"]:
    """Visual information fidelity of each picture, at least 0; higher is better, 1 when equal.

    The share of what the eye could learn from the truth that it still learns from the restored
    picture, both seen as subbands of a steerable pyramid through the noise of the eye:
    Σ log2(1 + g²·s·λ_k / (v + 0.4)) / Σ log2(1 + s·λ_k / 0.4), in the symbols of `ifc` and over
    the same eight subbands. More contrast than the truth has gives more than 1; a flat truth,
    which holds nothing, gives 0. In float64, on values stretched to 0..255, for each channel,
    then averaged over the channels; usually measured on luma.

    This is the wavelet-domain VIF of the authors' `vifvec`, not the faster `vifp_mscale` of the
    pixel domain, which other libraries call VIF and whose values differ.

    Args:
        sr: Restored pictures, at least 65 x 65.
        hr: Ground truth, of the same shape and range. The two may not be exchanged.
        data_range: Largest value a pixel can take: 1.0 or 255.0. No default on purpose.

    Raises:
        SizeMismatchError: When the sizes differ or are below 65 pixels.

    Source: Sheikh and Bovik, "Image information and visual quality", TIP 2006.
    """
    bands = list(subbands(sr, hr, data_range=data_range))
    kept = [band.restored_bits(sensor_noise=_EYE) for band in bands]
    held = [band.true_bits(sensor_noise=_EYE) for band in bands]
    # The authors' code divides a flat truth's 0 by 0; so it is 0.
    share = sum(kept[1:], start=kept[0]) / (sum(held[1:], start=held[0]) + 1e-12)
    return share.reshape(sr.shape[:-2]).mean(dim=-1)
