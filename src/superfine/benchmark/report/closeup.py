"""A square of a result as a picture, without making a picture of all of it."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import UInt8
from torch import Tensor

from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.report.cutting import cut
from superfine.benchmark.resizes import to_codes
from superfine.visual import Box

# LR pixels around a square: more than two bicubic kernels reach, down and up again, so that its
# own pixels come out as in the whole picture.
_MARGIN = 8


def codes(output: Output, box: Box, protocol: Protocol) -> UInt8[Tensor, "c m n"]:
    """The pixels in `box` of `output.picture_codes`, at the cost of a small picture.

    Args:
        output: The result.
        box: In HR pixels, its corner and side multiples of the scale.
        protocol: Where colours come from.
    """
    part, inside = _part(output, box)
    return cut(part.picture_codes(protocol), inside)


def lr_codes(output: Output, box: Box, protocol: Protocol) -> UInt8[Tensor, "c m n"]:
    """The LR picture in `box`, in the colours of the truth: luma alone would look grey."""
    part, inside = _part(output, box)
    lr = part.lr
    if lr.shape[0] < part.hr.shape[0]:
        lr = protocol.colour_resize.shrink(part.hr, output.scale)
    corner = (inside.top // output.scale, inside.left // output.scale)
    return cut(to_codes(lr), Box(*corner, inside.side // output.scale))


def _part(output: Output, box: Box) -> tuple[Output, Box]:
    """What lies in and around `box`, and where the box is in it."""
    margin = _MARGIN * output.scale
    top, left = max(0, box.top - margin), max(0, box.left - margin)
    bottom, right = box.top + box.side + margin, box.left + box.side + margin
    large = (..., slice(top, bottom), slice(left, right))
    scale = output.scale
    small = (..., slice(top // scale, bottom // scale), slice(left // scale, right // scale))
    part = replace(output, lr=output.lr[small], sr=output.sr[large], hr=output.hr[large])
    return part, Box(box.top - top, box.left - left, box.side)
