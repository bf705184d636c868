"""Whether correcting a picture does more good than harm, by what the picture alone tells.

A square of LR is a sharp picture for the next scale down. Degraded once more by the kernel and
restored both ways, it shows what correcting gains if the kernel is right; shrunk by bicubic and
restored both ways, what it costs if there was no blur at all. Neither looks at the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.diagnose import Blur
from superfine.metrics import psnr
from superfine.ops.codes import to_codes
from superfine.ops.correction import correct
from superfine.ops.degrade import degrade
from superfine.ops.kernels import bicubic_kernel
from superfine.types import Kernel

Enlarge = Callable[[Float[Tensor, "1 h w"]], Float[Tensor, "1 sh sw"]]

# Pixels on a side of the squares, and how many are taken: those with most to see.
_SIDE, _MOST = 144, 4
# Pictures with sides below tell nothing.
_LEAST = 32
# What the fit tells of photos that bicubic shrunk, LR pixels squared: mean and spread of 44, three
# of which, at x4, came to as much as 0.99; and the range of real blurs.
_BICUBIC_TRACE, _BICUBIC_SPREAD, _REAL_WIDTHS = 0.46, 0.2, 2.2
# Decibels that nobody sees.
_NOTHING = 0.05


@dataclass(frozen=True)
class Check:
    """What correcting is worth, in decibels of PSNR on squares one scale down.

    Attributes:
        gain: Of correcting where the kernel is right; may be negative.
        loss: Of correcting where LR was made by bicubic; may be negative.
        squares: How many were looked at.
    """

    gain: float
    loss: float
    squares: int


def checked(
    luma: Float[Tensor, "1 m n"], kernel: Kernel, enlarge: Enlarge, *, dtype: torch.dtype
) -> Check | None:
    """What correcting `luma` for `kernel` is worth; None for a picture too small to tell.

    Args:
        luma: Of LR, on [0, 1].
        kernel: That is believed.
        enlarge: The network, on luma.
        dtype: Of the codes that LR is stored in: pictures one scale down are rounded so too.
    """
    scale = kernel.scale
    squares = _squares(luma, scale)
    if not squares:
        return None
    plain_kernel = bicubic_kernel(scale)
    gains: list[float] = []
    losses: list[float] = []
    for square in squares:
        for made_by, found, sign in ((kernel, gains, 1), (plain_kernel, losses, -1)):
            small = to_codes(degrade(square, made_by), dtype).float() / _largest(dtype)
            plain, corrected = (
                _agreement(enlarge(x), square, edge=2 * scale)
                for x in (small, correct(small, kernel))
            )
            found.append(sign * (corrected - plain))
    count = len(squares)
    return Check(sum(gains) / count, sum(losses) / count, count)


def worth_it(blur: Blur, check: Check | None) -> tuple[bool, str]:
    """Whether to correct for an estimated blur, and a sentence for people."""
    if not blur.trusted:
        return False, f"The blur is not told ({blur.why}): nothing was corrected."
    if blur.bicubic:
        return False, "Bicubic is fine here: there is no blur to correct."
    if check is None:
        return False, "The picture is too small to tell whether correcting it helps: it was not."
    sure = _sure(blur)
    told = (
        f"one scale down it gains {check.gain:.2f} dB if the blur is as told and costs "
        f"{check.loss:.2f} dB if there is none, which is unlikely ({1 - sure:.0%})"
    )
    if check.gain < _NOTHING or sure * check.gain <= (1 - sure) * check.loss:
        return False, f"Not corrected: {told}."
    return True, f"Corrected: {told}."


def _sure(blur: Blur) -> float:
    """How likely the blur is a real one, where half of all pictures have one.

    What the fit tells of pictures that bicubic shrunk is known from photos; real blurs are taken to
    be of any width alike.
    """
    trace = (blur.wide**2 + blur.narrow**2) / blur.scale**2
    spread = math.hypot(_BICUBIC_SPREAD, blur.error / blur.scale**2)
    apart = (trace - _BICUBIC_TRACE) / spread
    if apart < 0:
        return 0.0
    bicubic = math.exp(-(apart**2) / 2) / (spread * math.sqrt(2 * math.pi))
    # A fit that tells nothing leaves both as likely as they were.
    return 1 / (1 + bicubic * max(_REAL_WIDTHS, spread * math.sqrt(2 * math.pi)))


def _squares(luma: Float[Tensor, "1 m n"], scale: int) -> list[Float[Tensor, "1 q q"]]:
    """The squares with the steepest slopes, side by side; their sides are multiples of `scale`."""
    height, width = luma.shape[-2:]
    side = min(_SIDE, height, width) // scale * scale
    if side < _LEAST:
        return []
    slopes = luma[0].diff(dim=0)[:, :-1].abs() + luma[0].diff(dim=1)[:-1].abs()
    places = []
    for top in range(0, height - side + 1, side):
        for left in range(0, width - side + 1, side):
            seen = slopes[top : top + side - 1, left : left + side - 1]
            places.append((float(seen.mean()), top, left))
    places.sort(reverse=True)
    return [luma[:, top : top + side, left : left + side] for _, top, left in places[:_MOST]]


def _agreement(sr: Float[Tensor, "1 h w"], square: Float[Tensor, "1 h w"], *, edge: int) -> float:
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    return float(psnr(sr.clamp(0, 1)[inner], square[inner], data_range=1.0))


def _largest(dtype: torch.dtype) -> float:
    return {torch.uint8: 255.0, torch.uint16: 65535.0}.get(dtype, 1.0)
