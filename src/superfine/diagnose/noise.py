"""How strong the noise of a picture is, from its finest diagonal detail where the picture is flat.

White noise is as strong in the differences across 2x2 pixels as in their means, and independent of
them: choosing flat places by the means leaves the noise in the differences as it is. What photos
have of such detail in flat places is little.

Source: the finest diagonal subband as a measure of noise is Donoho and Johnstone's ("Ideal spatial
adaptation by wavelet shrinkage", Biometrika 1994); choosing flat blocks is ours.
"""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

# Rows and columns of pixels of a block, which is 4x4 means and 4x4 differences.
_BLOCK = 8
# These shares of the blocks are taken for flat, and for less flat.
_FLAT, _LESS_FLAT = 0.06, 0.4
# At most so much of the bend of textured blocks goes into their finest detail.
_MOST_TEXTURE = 0.8
# Noise of variance 1 has second differences of variance 6 along both axes.
_BEND_OF_NOISE = 12
# More blocks than this change nothing: rows of blocks are left out of large pictures.
_MOST_BLOCKS = 30_000
# The median of a mean of 16 squares of normal numbers of variance 1.
_MEDIAN_OF_MEANS = 0.959


def noise_sigma(
    plane: Float[Tensor, "h w"], *, step: float = 1.0, black: float = 0.0, white: float = 255.0
) -> float | None:
    """Standard deviation of white noise in one channel, in grey levels, rounding taken off.

    None when no block of 8x8 pixels is free of `black` and `white`, where noise is clipped. Noise
    that was smoothed, by JPEG, by enlarging or by a camera, is stronger than what is told.

    Args:
        plane: On 0..255.
        step: Between two codes, in grey levels; 0 for floats.
        black: Least value that can be stored.
        white: Largest value that can be stored.
    """
    height, width = (side // _BLOCK for side in plane.shape)
    if height == 0 or width == 0:
        return None
    keep = max(1, math.ceil(height * width / _MOST_BLOCKS))
    blocks = plane[: height * _BLOCK, : width * _BLOCK].reshape(height, _BLOCK, width, _BLOCK)
    blocks = blocks[::keep].transpose(1, 2).reshape(-1, _BLOCK, _BLOCK)
    blocks = blocks[((blocks > black) & (blocks < white)).flatten(1).all(dim=1)]
    if len(blocks) == 0:
        return None
    a, b, c, d = (blocks[:, i::2, j::2] for i in (0, 1) for j in (0, 1))
    detail = ((a - b - c + d) / 2).square().mean(dim=(1, 2))
    means = (a + b + c + d) / 2
    # Of a slope only the bend counts: a sky is flat. White noise bends the means as it is strong.
    bend = means.diff(dim=1, n=2).square().mean(dim=(1, 2))
    bend = (bend + means.diff(dim=2, n=2).square().mean(dim=(1, 2))) / _BEND_OF_NOISE
    order = bend.argsort()
    (fine, rough), (more_fine, more_rough) = (
        _strength(detail[chosen], bend[chosen])
        for chosen in (order[: max(1, round(part * len(order)))] for part in (_FLAT, _LESS_FLAT))
    )
    # Texture adds to both, in a proportion that the less flat blocks show; noise alike to both.
    share = (more_fine - fine) / (more_rough - rough) if more_rough > rough else 0.0
    share = min(max(share, 0.0), _MOST_TEXTURE)
    variance = min(fine, (fine - share * rough) / (1 - share))
    return math.sqrt(max(0.0, variance - step**2 / 12))


def _strength(detail: Float[Tensor, " n"], bend: Float[Tensor, " n"]) -> tuple[float, float]:
    """Variances of noise that would explain the detail and the bend of these blocks."""
    return float(detail.median()) / _MEDIAN_OF_MEANS, float(bend.median())
