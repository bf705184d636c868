"""Structural similarity, in the form of the original MATLAB code."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from superfine.errors import SizeMismatchError
from superfine.metrics.sizes import require_one_size

# Pixels on a side of the Gaussian window; the smallest picture that has an SSIM.
WINDOW = 11
_REACH = WINDOW - 1
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03

# Positions of a piece, whose maps stay in the cache of one core; a larger picture's do not.
_PIECE = (48, 512)
# Rows that one matrix product blurs together.
_TOGETHER = 8


def _gaussian(device: torch.device) -> Float[Tensor, " n"]:
    # Made where it is used: copying it there would make the CPU wait for a GPU at every step.
    x = torch.arange(WINDOW, dtype=torch.float64, device=device) - WINDOW // 2
    weight = torch.exp(-(x**2) / (2 * _SIGMA**2))
    return weight / weight.sum()


def _blur(x: Float[Tensor, "1 n h w"], kernel: Float[Tensor, " k"]) -> Float[Tensor, "1 n p q"]:
    # All planes as the channels of one picture: on a CPU ten times as fast as planes as a batch,
    # and the same to the bit.
    planes = x.shape[1]
    column = kernel.view(1, 1, -1, 1).expand(planes, 1, -1, 1)
    row = kernel.view(1, 1, 1, -1).expand(planes, 1, 1, -1)
    return F.conv2d(F.conv2d(x, column, groups=planes), row, groups=planes)


def similarity_maps(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> tuple[Float[Tensor, "*lead c p q"], Float[Tensor, "*lead c p q"]]:
    """The two factors of SSIM wherever the window fits: luminance, and contrast with structure.

    Differentiable, in the precision of the arguments, which are as those of `ssim`.

    Raises:
        SizeMismatchError: When the sizes differ or are smaller than the window.
    """
    _refuse_sizes(sr, hr)
    *planes, height, width = sr.shape
    x = sr.reshape(1, -1, height, width)
    y = hr.reshape(1, -1, height, width)

    kernel = _gaussian(sr.device).to(sr.dtype)
    blurred = [_blur(values, kernel) for values in _maps(x, y, data_range)]
    shared, either, together, spread = _terms(*blurred, data_range=data_range)
    shape = (*planes, *shared.shape[-2:])
    return (shared / either).reshape(shape), (together / spread).reshape(shape)


def _maps(
    x: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"], data_range: float
) -> tuple[Float[Tensor, "*shape"], ...]:
    """What has to be blurred: x, y, x² + y² + c1 + c2 and 2·x·y + c1 + c2.

    Blurred, a constant stays what it is. Here it costs less than where it is needed.
    """
    constant = x.new_tensor(sum(_constants(data_range)))
    squares = torch.addcmul(torch.addcmul(constant, x, x), y, y)
    return x, y, squares, torch.addcmul(constant, x, y, value=2)


def _terms(
    x: Float[Tensor, "*shape"],
    y: Float[Tensor, "*shape"],
    squares: Float[Tensor, "*shape"],
    product: Float[Tensor, "*shape"],
    *,
    data_range: float,
) -> tuple[Float[Tensor, "*shape"], ...]:
    """Numerator and denominator of luminance, and of contrast with structure, of blurred maps."""
    c1 = x.new_tensor(_constants(data_range)[0])
    shared = torch.addcmul(c1, x, y, value=2)
    either = torch.addcmul(torch.addcmul(c1, x, x), y, y)
    return shared, either, product - shared, squares - either


def _constants(data_range: float) -> tuple[float, float]:
    return (_K1 * data_range) ** 2, (_K2 * data_range) ** 2


def ssim(
    sr: Float[Tensor, "*lead c h w"], hr: Float[Tensor, "..."], *, data_range: float
) -> Float[Tensor, "*lead"]:
    """Mean structural similarity of each picture, at most 1; higher is better.

    11x11 Gaussian window of sigma 1.5, only where it fits whole ("valid"), K1 = 0.01, K2 = 0.03,
    biased covariances; the mean over channels and positions, in float64. The same as
    scikit-image with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`. It is at
    least -1 and has no unit.

    Args:
        sr: Restored pictures, at least 11 x 11.
        hr: Ground truth, of the same shape and range.
        data_range: Largest value a pixel can take: 1.0 or 255.0. No default on purpose.

    Raises:
        SizeMismatchError: When the sizes differ or are smaller than the window.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", TIP 2004.
    """
    _refuse_sizes(sr, hr)
    *planes, height, width = sr.shape
    band = _band(sr.device)
    totals = [
        torch.stack([_total(*piece, band, data_range) for piece in _pieces(x, y)]).sum()
        for x, y in zip(
            sr.double().reshape(-1, height, width),
            hr.double().reshape(-1, height, width),
            strict=True,
        )
    ]
    positions = (height - _REACH) * (width - _REACH)
    return (torch.stack(totals) / positions).reshape(planes).mean(dim=-1)


def _refuse_sizes(sr: Tensor, hr: Tensor) -> None:
    require_one_size(sr, hr)
    height, width = sr.shape[-2:]
    if min(height, width) < WINDOW:
        raise SizeMismatchError(
            f"SSIM needs at least {WINDOW}x{WINDOW} pixels, not {height}x{width}.",
            hint="Score smaller pictures with PSNR.",
        )


def _pieces(
    x: Float[Tensor, "h w"], y: Float[Tensor, "h w"]
) -> Iterator[tuple[Float[Tensor, "p q"], Float[Tensor, "p q"]]]:
    """Both pictures in overlapping pieces, in which the window has each of its positions once."""
    for rows in _spans(x.shape[0], _PIECE[0]):
        for columns in _spans(x.shape[1], _PIECE[1]):
            yield x[rows, columns], y[rows, columns]


def _spans(side: int, most: int) -> list[slice]:
    positions = side - _REACH
    step = math.ceil(positions / math.ceil(positions / most))
    return [slice(at, min(at + step + _REACH, side)) for at in range(0, positions, step)]


def _total(
    x: Float[Tensor, "h w"],
    y: Float[Tensor, "h w"],
    band: Float[Tensor, "rows reach"],
    data_range: float,
) -> Float[Tensor, ""]:
    """The sum of SSIM over the positions of the window in a piece."""
    height, width = x.shape
    # The four maps side by side, with room for whole blocks in both directions.
    tall, wide = (math.ceil(side / _TOGETHER) * _TOGETHER for side in (height - _REACH, width))
    room = x.new_zeros(tall + _REACH, 4 * wide + _REACH)
    maps = room[:height, : 4 * wide].view(height, 4, wide)[..., :width]
    for i, values in enumerate(_maps(x, y, data_range)):
        maps[:, i] = values
    blurred = _down(_down(room, band).T, band).view(4, wide, tall)
    shared, either, together, spread = _terms(*blurred, data_range=data_range)
    # The room to spare is cut off last: maps without gaps are quicker.
    values = (shared * together) / (either * spread)
    return values[: width - _REACH, : height - _REACH].sum()


def _band(device: torch.device) -> Float[Tensor, "rows reach"]:
    """The matrix that blurs: one row for each result, the window moved along by one."""
    spare = _TOGETHER - 1
    return F.pad(_gaussian(device), (spare, spare)).unfold(0, WINDOW + spare, 1).flip(0)


def _down(x: Float[Tensor, "h w"], band: Float[Tensor, "rows reach"]) -> Float[Tensor, "p w"]:
    """`x` blurred down its columns, a block of rows at a time.

    Matrix products do in float64 on a CPU what takes a convolution there ten times as long.
    """
    blocks = x.unfold(0, band.shape[1], band.shape[0]).mT
    return torch.bmm(band.expand(len(blocks), -1, -1), blocks).flatten(0, 1)
