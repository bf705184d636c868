"""What a result says that its LR picture does not: where the model invented."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import max_pool2d

from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.report.cutting import indexed_png
from superfine.benchmark.resizes import to_codes
from superfine.metrics import lr_residual, psnr

_LONGEST = 240  # samples of the longer side of a map
# From 5 up: rounding to 8 bits alone is worth one code, and nobody invented that.
_LIMITS = (5, 10, 20, 50, 100, 200)
_USUAL = 0.995  # so many of the samples are inside the limits of the colours

# From "darker than the LR picture" over "equal" to "brighter": blue, white, red, told apart by
# people with any usual kind of colour vision.
_ANCHORS = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))


@dataclass(frozen=True, eq=False)
class Residual:
    """The result made small again, less the LR picture.

    Attributes:
        codes: Of 255, mean of the channels. Of a map that was too large each sample is the
            strongest of its cell, so that nothing invented is averaged away.
        lr_psnr: How well the small result agrees with the LR picture, in dB; inf when exactly.
    """

    codes: Float[Tensor, "m n"]
    lr_psnr: float


def residual(output: Output, protocol: Protocol) -> Residual:
    """The residual of a result under the resize of `protocol`.

    The result is rounded to 8 bits first, as a picture is.
    """
    resize = protocol.resize if output.lr.shape[0] == 1 else protocol.colour_resize

    def shrink(sr: Tensor) -> Tensor:
        return resize.shrink(to_codes(sr), output.scale)

    lr = output.lr.double()
    difference = lr_residual(output.sr, lr, shrink)
    agreement = float(psnr(lr + difference, lr, data_range=1.0))
    return Residual(strongest(difference.mean(dim=0) * 255).half(), agreement)


def limit_of(residuals: Sequence[Residual]) -> int:
    """The codes at which the colours end, one number for all maps that are seen together."""
    most = max(float(r.codes.float().abs().flatten().quantile(_USUAL)) for r in residuals)
    return next((limit for limit in _LIMITS if limit >= most), 255)


def map_png(codes: Float[Tensor, "m n"], limit: int) -> bytes:
    """The residual in colours: blue at -limit, white at 0, red at +limit."""
    places = (codes.float() / limit).clamp(-1, 1) * 127 + 127
    return indexed_png(places.round().to(torch.uint8), palette())


def palette() -> UInt8[Tensor, "256 3"]:
    """255 colours from blue over white, which is number 127, to red; the last is not used."""
    anchors = torch.tensor(_ANCHORS, dtype=torch.float64)
    places = torch.linspace(0, len(_ANCHORS) - 1, 255, dtype=torch.float64)
    first = places.floor().clamp(max=len(_ANCHORS) - 2).long()
    part = (places - first)[:, None]
    colours = anchors[first] * (1 - part) + anchors[first + 1] * part
    return torch.cat((colours, colours[-1:])).round().to(torch.uint8)


def legend() -> list[tuple[float, str]]:
    """The colours as stops of a gradient: place from 0 to 1, and "#rrggbb"."""
    last = len(_ANCHORS) - 1
    return [(i / last, f"#{r:02x}{g:02x}{b:02x}") for i, (r, g, b) in enumerate(_ANCHORS)]


def strongest(values: Float[Tensor, "m n"]) -> Float[Tensor, "m2 n2"]:
    """`values`, or of a map that is too large the one farthest from 0 of each of its cells."""
    cell = math.ceil(max(values.shape) / _LONGEST)
    highest = max_pool2d(values[None], cell, ceil_mode=True)[0]
    lowest = -max_pool2d(-values[None], cell, ceil_mode=True)[0]
    return torch.where(highest >= -lowest, highest, lowest)
