"""How strong a picture is at each frequency and in each direction, ring by ring.

Frequencies are in cycles per pixel of the picture itself; powers in grey levels squared, so that
white noise of standard deviation sigma has the power sigma^2 at every frequency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# Rows and columns of a patch, and the least a picture must have to be looked at.
PATCH, LEAST = 64, 32
# More patches than this tell nothing new, and a 12-megapixel picture has ten thousand.
_MOST_PATCHES = 800
# Where one ring ends and the next begins. Below, the window leaks; above, what a blur left is
# mixed with what sampling folded back.
EDGES = (0.02, 0.05, 0.08, 0.11, 0.14, 0.18, 0.22, 0.26, 0.30, 0.34, 0.38)
# Only the corners of the square of frequencies lie beyond this one. A photo has the least there.
_CORNER = 0.6
# Frequencies under a Hann window, and patches half over one another, do not vary on their own.
_TOGETHER = 3.0
# A ring less than this many times as strong as the floor tells of the floor.
_ABOVE_FLOOR = 3.0


@dataclass(frozen=True, eq=False)
class Rings:
    """The power spectrum of a picture as the logarithms of its rings, from low to high.

    With phi the direction of a frequency, from the column axis towards the row axis, the logarithm
    of the power along ring r is about level[r] + across[r] cos 2 phi + aslant[r] sin 2 phi.

    Attributes:
        level: (rings), the mean logarithm.
        across: (rings), larger than 0 where the picture is rough along its rows.
        aslant: (rings).
        known: (rings), False where the ring is lost in noise or rounding.
        rough: How far single frequencies of the known rings are from the formula above: standard
            deviation of the logarithm beyond what chance makes of so few patches.
        chance: (rings), variance of `level` that so few patches leave; of the other two, twice it.
        floor: Power of the corners of the spectrum, taken off everywhere: noise and rounding.
        patches: How many patches were looked at.
    """

    level: Float[Tensor, " rings"]
    across: Float[Tensor, " rings"]
    aslant: Float[Tensor, " rings"]
    known: Bool[Tensor, " rings"]
    rough: float
    chance: Float[Tensor, " rings"]
    floor: float
    patches: int


def power(grey: Float[Tensor, "h w"]) -> tuple[Float[Tensor, "n m"], int]:
    """Mean power over patches spread evenly under a Hann window, half of the plane (`rfft2`).

    Also how many patches there were. Both sides must be at least `LEAST`.
    """
    side = min(PATCH, *grey.shape)
    tiles = _patches(grey, side)
    line = torch.hann_window(side, dtype=tiles.dtype)
    window = line[:, None] * line
    window = window / window.square().sum().sqrt()
    tiles = (tiles - tiles.mean(dim=(1, 2), keepdim=True)) * window
    return torch.fft.rfft2(tiles).abs().square().mean(dim=0).double(), len(tiles)


def frequencies(side: int) -> tuple[Float[Tensor, "n 1"], Float[Tensor, "1 m"]]:
    """Down and across, in cycles per pixel, as `power` lays them out."""
    return (
        torch.fft.fftfreq(side, dtype=torch.float64)[:, None],
        torch.fft.rfftfreq(side, dtype=torch.float64)[None],
    )


def rings(grey: Float[Tensor, "h w"], *, least_floor: float) -> Rings:
    """The rings of a picture of at least `LEAST` pixels a side.

    Args:
        grey: On 0..255.
        least_floor: Power that rounding alone leaves: 1/12 for 8 bits.
    """
    spectrum, patches = power(grey)
    down, along = frequencies(spectrum.shape[0])
    radius = torch.hypot(down, along)
    floor = max(float(spectrum[radius > _CORNER].median()), least_floor)
    log = (spectrum - floor).clamp(min=floor / 2).log()
    # All but the first and the last column stand for two.
    weight = torch.full_like(log, 2.0)
    weight[:, 0] = weight[:, -1] = 1.0
    twice = 2 * torch.atan2(down, along)
    levels, across, aslant, known, chance = [], [], [], [], []
    apart, counted = 0.0, 0.0
    for low, high in pairwise(EDGES):
        inside = (radius >= low) & (radius < high)
        one, w, angle = log[inside], weight[inside], twice[inside]
        level = (one * w).sum() / w.sum()
        rest = one - level
        c = 2 * (rest * angle.cos() * w).sum() / w.sum()
        s = 2 * (rest * angle.sin() * w).sum() / w.sum()
        levels.append(level)
        chance.append(_TOGETHER / (patches * float(inside.sum())))
        across.append(c)
        aslant.append(s)
        strength = (spectrum[inside] * w).sum() / w.sum()
        known.append(bool(strength > _ABOVE_FLOOR * floor))
        if known[-1]:
            apart += float((rest - c * angle.cos() - s * angle.sin()).square().sum())
            counted += float(inside.sum())
    rough = math.sqrt(max(0.0, apart / counted - 1 / patches)) if counted else 0.0
    return Rings(
        level=torch.stack(levels),
        across=torch.stack(across),
        aslant=torch.stack(aslant),
        known=torch.tensor(known),
        rough=rough,
        chance=torch.tensor(chance, dtype=torch.float64),
        floor=floor,
        patches=patches,
    )


def _patches(grey: Float[Tensor, "h w"], side: int) -> Float[Tensor, "patches n n"]:
    """Half over one another; fewer, spread over the whole picture, when there are too many."""
    height, width = grey.shape
    step = max(side // 2, math.ceil(math.sqrt(height * width / _MOST_PATCHES)))
    tops, lefts = (_starts(n, side, step) for n in (height, width))
    return torch.stack([grey[t : t + side, c : c + side] for t in tops for c in lefts])


def _starts(size: int, side: int, step: int) -> list[int]:
    """First rows of patches about `step` apart, the first and the last at the borders."""
    count = 1 + math.ceil((size - side) / step)
    if count == 1:
        return [0]
    return [round(i * (size - side) / (count - 1)) for i in range(count)]
