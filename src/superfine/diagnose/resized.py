"""Whether a picture was enlarged before, and by how much.

An interpolated pixel is a mean of its neighbours, smoother the further it lies from a sample. How
rough the differences between pixels are therefore repeats along each axis, with the distance of the
samples: a line in the spectrum of the roughness at 1 / factor, or at 1 - 1 / factor, which no
native picture has. A shrunk picture has no such line.

Source: the idea is Gallagher's ("Detection of linear and cubic interpolation in JPEG compressed
images", CRV 2005), with second differences, which are blind to an enlargement by 2 because all its
pixels are equally far from a sample. Third differences, which lie between pixels, see it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from superfine.diagnose.spectrum import LEAST

# A line so many times as strong as the usual one is no chance. Native photos stay below 5.
_LINE = 8.0
# At 1/4 and 1/2 the blocks of a good JPEG may have one of up to 14.
_LINE_OF_JPEG = 16.0
# The largest factor that is looked for, by its line: below, roughness varies by itself.
_LARGEST = 6.0
# Samples of the spectrum of the roughness; a window this wide tells 1.5 from 1.51.
_LINES = 2048
# Neighbours whose mean the roughness is seen against, one to each side of the middle.
_AROUND = 15
# Strong edges would drown the rest.
_LARGEST_STEP = 24.0
# Steps below are rounding.
_LEAST_STEP = 0.05
# The side of the part that is looked at, in the middle.
_LOOKED_AT = 1024
# Low frequencies whose copies are looked for, and how much alike they are if they are copies, of 1.
_COPIES, _ALIKE = 24, 0.4


@dataclass(frozen=True)
class Resized:
    """An enlargement in the past of a picture.

    Attributes:
        factor: How many times the sides were enlarged.
        line: How many times the usual the line in the spectrum of the roughness is, about 1 where
            there is none and at least 8 here.
    """

    factor: float
    line: float


def resized(grey: Float[Tensor, "h w"], *, blocks: bool) -> Resized | None:
    """The enlargement that `grey` went through; None where no trace is seen.

    Seen are factors from 1.05 to 6, the same along both axes, of interpolations that follow the
    samples (bilinear, bicubic, Lanczos). Not seen: shrinking, the networks' enlargements, and any
    that was followed by noise, strong JPEG or shrinking. The two factors that leave the same line,
    such as 5/3 and 5/2, are told apart by where the copies of low frequencies lie.

    Args:
        grey: On 0..255.
        blocks: Whether the picture has the blocks of a JPEG, whose lines, at all eighths, are then
            left out: an enlargement by 2, 4, 4/3 or 8/n is not seen in them.
    """
    if min(grey.shape) < 2 * LEAST:
        return None
    middle = grey
    for axis in (0, 1):
        spare = max(0, middle.shape[axis] - _LOOKED_AT)
        middle = middle.narrow(axis, spare // 2, middle.shape[axis] - spare)
    lines = torch.stack([(_lines(middle, n) * _lines(middle.T, n)).sqrt() for n in (2, 3)]).amax(
        dim=0
    )
    place = torch.arange(len(lines), dtype=torch.float64) / _LINES
    lines = lines * (place > 1 / _LARGEST - 0.01)
    # As wide as a line is in a picture of this size.
    near = max(0.003, 2 / min(middle.shape))
    eighths = [(place - k / 8).abs() < near for k in (1, 2, 3, 4)]
    # Traces of a JPEG too weak to be told are at the odd ones too, and less strong.
    odd = max(float(lines[at].max()) for at in (eighths[0], eighths[2]))
    for k, at in enumerate(eighths, 1):
        if blocks or k % 2 or float(lines[at].max()) < max(2 * odd, _LINE_OF_JPEG):
            lines[at] = 0
    best = int(lines.argmax())
    if lines[best] < _LINE:
        return None
    # The line at 1/2 may be twice that at 1/4.
    if eighths[3][best] and float(lines[eighths[1]].max()) > 0:
        best = int(torch.where(eighths[1], lines, 0).argmax())
    return Resized(_factor(middle, float(place[best])), float(lines[best]))


def _lines(x: Float[Tensor, "h w"], order: int) -> Float[Tensor, " lines"]:
    """Spectrum of the roughness across columns, of differences of `order`, the usual line at 1."""
    steps = x.diff(dim=1, n=order).clamp(-_LARGEST_STEP, _LARGEST_STEP).abs()
    rough = (steps.mean(dim=0, dtype=torch.float64) + _LEAST_STEP).log()
    around = F.pad(rough[None, None], (_AROUND // 2,) * 2, mode="reflect")
    rough = rough - F.avg_pool1d(around, _AROUND, stride=1)[0, 0]
    window = torch.hann_window(len(rough), periodic=False, dtype=torch.float64)
    lines = torch.fft.rfft(rough * window, _LINES).abs()
    usual = lines[_LINES // 10 :].median()
    return lines / usual if usual > 0 else torch.zeros_like(lines)


def _factor(x: Float[Tensor, "h w"], line: float) -> float:
    """1 / line or 1 / (1 - line): the larger when low frequencies have their copies near the line.

    Enlarging copies each frequency g to 1 / factor - g, along each row by the same weight. Of the
    smaller factor the copies of low frequencies lie beyond 1/2.
    """
    small, large = 1 / (1 - line), 1 / line
    if large / small < 1.02:
        return 2.0
    low = line * torch.linspace(0.2, 0.45, _COPIES, dtype=torch.float64)
    place = 2 * math.pi * torch.arange(x.shape[1], dtype=torch.float64)[:, None]
    window = torch.hann_window(x.shape[1], dtype=torch.float64)[:, None]
    rows = (x - x.mean(dim=1, keepdim=True)).to(torch.complex64)
    one, copy = (
        rows @ torch.polar(window.expand(-1, _COPIES), place * at).to(torch.complex64)
        for at in (low, low - line)
    )
    together = (one * copy.conj()).sum(dim=0).abs()
    alone = (one.abs().square().sum(dim=0) * copy.abs().square().sum(dim=0)).sqrt()
    return large if float((together / alone.clamp(min=1e-9)).mean()) > _ALIKE else small
