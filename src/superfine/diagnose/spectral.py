"""How wide a picture was blurred before it was sampled, from its power spectrum, in closed form.

A Gaussian of covariance S takes 4 pi^2 f^T S f off the logarithm of the power at frequency f. What
the power of the sharp picture was is not known, but photos are alike: of `BELIEF`, learned from 200
of them, we know the mean logarithm of each ring of frequencies and how the rings vary together from
photo to photo. The S that is then most likely is linear in the logarithms, one line of algebra for
the trace and one for each of the two numbers of direction.

Source: the fit of a power law and a Gaussian to the log spectrum is old (Savakis and Trussell,
"Blur identification by residual spectral matching", IEEE TIP 1993, for the idea of a spectrum
known beforehand). The power law |f|^-2.2, the same for all photos and all frequencies weighed by
1 / |f|, is the simplest such belief; docs/diagnose.md compares the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.diagnose.natural import BELIEF, Belief
from superfine.diagnose.spectrum import LEAST, Rings, rings
from superfine.ops.kernels import axes, gaussian
from superfine.types import Kernel

# Before a look: trace and differences of S in LR pixels squared, and their variances. Wide, so that
# they decide only where noise leaves nothing to see.
_TRACE, _TRACE_VARIANCE, _DIRECTION_VARIANCE = 1.4, 0.5, 0.3
# No variance is taken for smaller than this, in LR pixels squared.
_LEAST_VARIANCE = 0.02
# What a bicubic shrink looks like, in LR pixels squared: 98 of 100 photos shrunk by it.
_BICUBIC_TRACE, _BICUBIC_WIDE = 0.65, 0.42
# One photo in a hundred under a Gaussian blur is further from the belief than this.
_LARGEST_RESIDUAL = 1.75
# Fewer rings than these leave the width to the belief.
_FEWEST_RINGS = 6


@dataclass(frozen=True)
class Blur:
    """The Gaussian that a picture looks blurred by, in HR pixels of the scale it was asked for.

    Attributes:
        covariance: ((rows, mixed), (mixed, columns)), HR pixels squared.
        wide: Standard deviation along the wider axis, HR pixels.
        narrow: The same, across.
        angle: Of the wider axis, from the column axis (to the right) towards the row axis (down),
            radians on [0, pi); means little where `wide` and `narrow` are alike.
        scale: HR pixels per pixel of the picture, along each axis.
        error: Standard error of wide^2 + narrow^2, HR pixels squared.
        residual: How far the spectrum is from that of photos under such a blur, in standard
            deviations of photos: about 1; 0 where nothing could be seen.
        used: Share of the rings of the spectrum that stood out of noise, on [0, 1].
        bicubic: True when it looks as after a bicubic shrink: there is nothing to correct.
        trusted: False when the figures should not be acted upon.
        why: Why not, in words; empty where it is trusted.
    """

    covariance: tuple[tuple[float, float], tuple[float, float]]
    wide: float
    narrow: float
    angle: float
    scale: int
    error: float
    residual: float
    used: float
    bicubic: bool
    trusted: bool
    why: str

    def kernel(self) -> Kernel:
        """The Gaussian itself, centred."""
        return gaussian(torch.tensor(self.covariance, dtype=torch.float64), scale=self.scale)


def spectral_blur(grey: Float[Tensor, "h w"], *, scale: int, least_floor: float = 1 / 12) -> Blur:
    """The blur of `grey`, as if it were LR of a picture `scale` times as large.

    Noise and rounding are read off the corners of the spectrum and taken away; rings that do not
    stand out of them say nothing. Alike at any brightness and contrast.

    Args:
        grey: On 0..255.
        scale: Of the result: twice the scale gives four times the covariance. The kernel of x4 as
            one of x2 applied twice has a fifth of it each time.
        least_floor: Power that rounding alone leaves: 1/12 for 8 bits.
    """
    if min(grey.shape) < LEAST:
        unknown = f"the picture is smaller than {LEAST}x{LEAST} pixels"
        return _blur(_NOTHING, scale=scale, used=0.0, why=unknown)
    seen = rings(grey, least_floor=least_floor)
    count = int(seen.known.sum())
    found = _fit(seen, BELIEF) if count else _NOTHING
    return _blur(found, scale=scale, used=count / len(seen.known), why=_objection(found, count))


@dataclass(frozen=True)
class _Fit:
    """In LR pixels squared: trace, columns less rows, twice the mixed one; error and residual."""

    trace: float
    across: float
    aslant: float
    error: float
    residual: float


_NOTHING = _Fit(_TRACE, 0.0, 0.0, math.sqrt(_TRACE_VARIANCE), 0.0)


def _fit(seen: Rings, belief: Belief) -> _Fit:
    """The most likely blur given what the known rings hold."""
    known = seen.known
    level, across, aslant, chance = (
        x[known] for x in (seen.level, seen.across, seen.aslant, seen.chance)
    )
    mean, slope, mean_across, slope_across = (
        torch.tensor(x, dtype=torch.float64)[known]
        for x in (belief.level, belief.slope, belief.across, belief.slope_across)
    )
    spread, spread_across = (
        torch.tensor(x, dtype=torch.float64)[known][:, known]
        for x in (belief.spread, belief.spread_across)
    )
    # How strong the picture is as a whole is free: all rings may be off together by any amount.
    spread = spread + torch.diag(chance) + _FREE
    spread_across = spread_across + torch.diag(2 * chance)
    apart = level - mean
    trace, error, first = _likeliest(
        apart - apart.mean(), slope, spread, expected=_TRACE, variance=_TRACE_VARIANCE
    )
    down, _, second = _likeliest(
        across - mean_across,
        slope_across,
        spread_across,
        expected=0.0,
        variance=_DIRECTION_VARIANCE,
    )
    turned, _, third = _likeliest(
        aslant, slope_across, spread_across, expected=0.0, variance=_DIRECTION_VARIANCE
    )
    # Of three numbers to a ring, four are spent: the strength and what was found.
    freedom = max(1, 3 * int(known.sum()) - 4)
    return _Fit(trace, down, turned, error, math.sqrt((first + second + third) / freedom))


# Variance of the strength of a whole picture, of its logarithm: any.
_FREE = 1e3


def _likeliest(
    apart: Float[Tensor, " n"],
    slope: Float[Tensor, " n"],
    spread: Float[Tensor, "n n"],
    *,
    expected: float,
    variance: float,
) -> tuple[float, float, float]:
    """x of apart = slope x + noise of covariance `spread`; its standard error; what is left over.

    The third is the squared distance from apart to slope x, in units of `spread`.
    """
    inverse = torch.linalg.inv(spread)
    precision = slope @ inverse @ slope + 1 / variance
    x = expected + (slope @ inverse @ (apart - slope * expected)) / precision
    rest = apart - slope * x
    return float(x), float(precision**-0.5), float(rest @ inverse @ rest)


def _objection(found: _Fit, count: int) -> str:
    if count == 0:
        return "the picture has no texture above its noise"
    if count < _FEWEST_RINGS:
        return "too little of the spectrum stands out of the noise"
    if found.residual > _LARGEST_RESIDUAL:
        return "the spectrum is not that of a photo under a Gaussian blur"
    if found.trace < 0:
        return "the picture is sharper than a camera makes it: drawn, written or sharpened"
    return ""


def _blur(found: _Fit, *, scale: int, used: float, why: str) -> Blur:
    """The values of `found` in HR pixels, made a covariance."""
    matrix = torch.tensor(
        (
            ((found.trace - found.across) / 2, found.aslant / 2),
            (found.aslant / 2, (found.trace + found.across) / 2),
        ),
        dtype=torch.float64,
    )
    variances, directions = torch.linalg.eigh(matrix)
    matrix = directions * variances.clamp(min=_LEAST_VARIANCE) @ directions.T
    wide, narrow, angle = axes(matrix)
    rows, columns = (matrix * scale**2).tolist()
    return Blur(
        covariance=((rows[0], rows[1]), (rows[1], columns[1])),
        wide=scale * math.sqrt(wide),
        narrow=scale * math.sqrt(narrow),
        angle=angle,
        scale=scale,
        error=scale**2 * found.error,
        residual=found.residual,
        used=used,
        bicubic=not why and wide + narrow < _BICUBIC_TRACE and wide < _BICUBIC_WIDE,
        trusted=not why,
        why=why,
    )
