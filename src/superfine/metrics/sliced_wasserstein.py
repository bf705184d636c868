"""How far two sets of pictures are apart in their patches, whatever picture goes with which."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from superfine.errors import SizeMismatchError

_SMALLEST = 16  # pixels on a side of the coarsest level
_PATCH = 7  # pixels on a side
_PATCHES = 128  # drawn of each picture on each level
_DIRECTIONS = 512
_AT_ONCE = 64


def sliced_wasserstein(
    left: Float[Tensor, "n 3 h w"], right: Float[Tensor, "m 3 g v"], *, seed: int = 0
) -> dict[int, float]:
    """Sliced Wasserstein distance of the patches of two sets of pictures; lower is better.

    A set is taken apart into a Laplacian pyramid; on each of its levels 128 patches of 7x7 pixels
    are drawn of each picture, every colour of a set's patches is brought to mean 0 and deviation 1,
    and the distance is the mean, over 512 directions, of the distance between the two sets
    projected onto it. It needs no features and no pairing: sharpness and texture that are wrong
    show on the fine levels, shapes on the coarse ones. Two halves of one set are not at 0; compare
    with them.

    Args:
        left: Square pictures of a power of two from 32 pixels on.
        right: As many of the same size.
        seed: Of what is drawn, the same for both.

    Returns:
        Pixels on a side of a level -> its distance times 1000, fine to coarse.

    Raises:
        SizeMismatchError: When the sets differ in shape or the pictures are no such squares.

    Source: Karras, Aila, Laine, Lehtinen, "Progressive Growing of GANs for Improved Quality,
    Stability, and Variation", ICLR 2018, section 5; the authors take 16,384 pictures of each set.
    """
    side = left.shape[-1]
    square = left.shape[-2] == side >= 2 * _SMALLEST and side.bit_count() == 1
    if left.shape != right.shape or not square:
        raise SizeMismatchError(
            f"The sets are {tuple(left.shape)} and {tuple(right.shape)}.",
            hint="Compare equally many squares of a power of two from 32 pixels on.",
        )
    levels = zip(_pyramid(left), _pyramid(right), strict=True)
    return {
        one.shape[-1]: 1000 * _distance(_patches(one, seed), _patches(other, seed), seed)
        for one, other in levels
    }


def _pyramid(x: Float[Tensor, "n 3 _ _"]) -> list[Float[Tensor, "n 3 _ _"]]:
    """The Laplacian pyramid of `x` down to 16 pixels, fine to coarse; the last is no difference."""
    levels = []
    while x.shape[-1] > _SMALLEST:
        coarse = _smoothed(x)[..., ::2, ::2]
        spread = torch.zeros_like(x)
        spread[..., ::2, ::2] = 4 * coarse
        levels.append(x - _smoothed(spread))
        x = coarse
    return [*levels, x]


def _smoothed(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """`x` smoothed by 1-4-6-4-1 / 16 in both directions, its borders mirrored."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=x.dtype) / 16
    kernel = torch.outer(taps, taps).expand(3, 1, 5, 5)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)


def _patches(level: Float[Tensor, "n 3 s s"], seed: int) -> Float[Tensor, "m 147"]:
    """128 patches of each picture as rows, each colour with mean 0 and deviation 1."""
    count, places = len(level), level.shape[-1] - _PATCH + 1
    draw = torch.Generator().manual_seed(seed)
    top, left = torch.randint(places, (2, count, _PATCHES), generator=draw)
    views = level.unfold(2, _PATCH, 1).unfold(3, _PATCH, 1)
    rows = views[torch.arange(count)[:, None], :, top, left].flatten(0, 1)
    deviation, mean = torch.std_mean(rows, dim=(0, 2, 3), correction=0, keepdim=True)
    return ((rows - mean) / deviation.clamp(min=1e-8)).flatten(1)


def _distance(left: Float[Tensor, "m d"], right: Float[Tensor, "m d"], seed: int) -> float:
    """Mean distance of the sorted projections onto random directions."""
    draw = torch.Generator().manual_seed(seed + 1)
    directions = torch.randn(left.shape[1], _DIRECTIONS, generator=draw).to(left.dtype)
    directions /= directions.norm(dim=0)
    apart = [
        ((left @ some).sort(dim=0).values - (right @ some).sort(dim=0).values).abs().mean()
        for some in torch.split(directions, _AT_ONCE, dim=1)
    ]
    return float(torch.stack(apart).mean())
