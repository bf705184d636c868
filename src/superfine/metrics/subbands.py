"""What IFC and VIF know of a picture's subbands: the source, and the channel it came through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from superfine.errors import SizeMismatchError
from superfine.metrics.sizes import require_one_size
from superfine.metrics.steerable import oriented_bands

# Pixels on a side of a picture that leaves one block on the coarsest level; smaller leave none.
_SMALLEST = 65
_BLOCK = 3
# Below it a sum of squares counts as zero, and a variance is raised to it.
_TINY = 1e-15


@dataclass(frozen=True)
class Subband:
    """One direction on one level of each picture, by blocks of 3x3 coefficients.

    The restored coefficients are modelled as `gain` times the true ones plus noise; the true ones
    of a block as a Gaussian vector of the subband's covariance times the block's `energy`.

    Attributes:
        gain: What is left of the truth.
        noise: Variance of what came on top of it.
        energy: Strength of the truth, about 1 on average.
        variances: Eigenvalues of the covariance.
    """

    gain: Float[Tensor, "n p q"]
    noise: Float[Tensor, "n p q"]
    energy: Float[Tensor, "n p q"]
    variances: Float[Tensor, "n 9"]

    def restored_bits(self, *, sensor_noise: float) -> Float[Tensor, " n"]:
        """Twice the information the restored pictures hold about the truth."""
        return self._bits(self.gain.square() * self.energy / (self.noise + sensor_noise))

    def true_bits(self, *, sensor_noise: float) -> Float[Tensor, " n"]:
        """Twice the information the truth, seen through the noise of the eye, holds."""
        return self._bits(self.energy / sensor_noise)

    def _bits(self, strength: Float[Tensor, "n p q"]) -> Float[Tensor, " n"]:
        ratios = strength[:, None] * self.variances[:, :, None, None]
        return torch.log2(1 + ratios).sum(dim=(1, 2, 3))


def subbands(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> Iterator[Subband]:
    """The subbands IFC and VIF add up: four levels, fine to coarse, upright and level edges.

    Args:
        sr: Restored pictures; each channel becomes one of the `n` pictures of a `Subband`.
        hr: Ground truth, of the same shape and range.
        data_range: Largest value a pixel can take; the coefficients are those of 0..255.

    Raises:
        SizeMismatchError: When the sizes differ or a side is below 65 pixels.
    """
    require_one_size(sr, hr)
    height, width = sr.shape[-2:]
    if min(height, width) < _SMALLEST:
        raise SizeMismatchError(
            f"IFC and VIF need at least {_SMALLEST} pixels on each side, not {height}x{width}.",
            hint="Score smaller pictures with SSIM.",
        )
    restored, truth = (
        oriented_bands(x.double().reshape(-1, height, width) * (255 / data_range)) for x in (sr, hr)
    )
    coarsest = len(truth) - 1
    for level, (x, y) in enumerate(zip(truth, restored, strict=True)):
        window = 2 ** (coarsest - level + 1) + 1
        for direction in range(x.shape[1]):
            yield _subband(_whole_blocks(x[:, direction]), _whole_blocks(y[:, direction]), window)


def _whole_blocks(band: Float[Tensor, "n h w"]) -> Float[Tensor, "n p q"]:
    height, width = (side // _BLOCK * _BLOCK for side in band.shape[-2:])
    return band[:, :height, :width]


def _subband(
    truth: Float[Tensor, "n h w"], restored: Float[Tensor, "n h w"], window: int
) -> Subband:
    gain, noise = _channel(truth, restored, window)
    energy, variances = _source(truth)
    # Blocks whose window reaches over the border are left out.
    edge = -(-(window // 2) // _BLOCK)
    gain, noise, energy = (x[:, edge:-edge, edge:-edge] for x in (gain, noise, energy))
    return Subband(gain, noise, energy, variances)


def _channel(
    x: Float[Tensor, "n h w"], y: Float[Tensor, "n h w"], window: int
) -> tuple[Float[Tensor, "n p q"], Float[Tensor, "n p q"]]:
    """Gain and noise of the regression of `y` on `x` in a window about the middle of each block."""
    count = window**2
    sums = _window_sums(torch.stack([x, y, x * x, y * y, x * y], dim=1), window)
    sum_x, sum_y, square_x, square_y, product = sums.unbind(1)
    spread_x = (square_x - sum_x * sum_x / count).clamp(min=0)
    spread_y = (square_y - sum_y * sum_y / count).clamp(min=0)
    together = product - sum_x * sum_y / count

    gain = together / (spread_x + _TINY)
    noise = (spread_y - gain * together) / count
    # The authors take the sum, not the variance, where nothing of the truth is left.
    lost = (spread_x < _TINY) | (gain < 0)
    noise = torch.where(lost, spread_y, noise)
    empty = spread_y < _TINY
    gain = gain.masked_fill(lost | empty, 0)
    return gain, noise.masked_fill(empty, 0).clamp(min=_TINY)


def _window_sums(x: Float[Tensor, "n d h w"], window: int) -> Float[Tensor, "n d p q"]:
    edge = window // 2 - _BLOCK // 2
    padded = F.pad(x, (edge, edge, edge, edge), mode="reflect")
    columns = F.avg_pool2d(padded, (window, 1), (_BLOCK, 1), divisor_override=1)
    return F.avg_pool2d(columns, (1, window), (1, _BLOCK), divisor_override=1)


def _source(
    x: Float[Tensor, "n h w"],
) -> tuple[Float[Tensor, "n p q"], Float[Tensor, "n 9"]]:
    """Energy of each block, and the eigenvalues of the covariance of all overlapping blocks."""
    height, width = (side - _BLOCK + 1 for side in x.shape[-2:])
    overlapping = x.unfold(1, height, 1).unfold(2, width, 1).reshape(len(x), _BLOCK**2, -1)
    mean = overlapping.mean(dim=2, keepdim=True)
    covariance = overlapping @ overlapping.mT / (height * width) - mean @ mean.mT
    variances, axes = torch.linalg.eigh(covariance)
    # A flat picture has no direction to measure along; a real one has nine.
    measured = variances > variances[:, -1:] * 1e-14
    inverse = torch.where(measured, 1 / variances, 0)

    blocks = F.pixel_unshuffle(x[:, None], _BLOCK)
    along = torch.einsum("nka,nkpq->napq", axes, blocks)
    energy = torch.einsum("napq,na->npq", along.square(), inverse) / _BLOCK**2
    return energy, variances.clamp(min=0)
