"""What of two pictures is compared: the channel, the rounding and the border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.errors import SizeMismatchError
from superfine.ops.color import luma

# How luma is made of RGB codes. "studio" is BT.601 with black at 16 and white at 235, as MATLAB's
# `rgb2ycbcr`; "full" is the same with black at 0 and white at 255, as Pillow's and OpenCV's;
# "holopix" is the formula of the public Holopix code, whose weight of red is mistyped (64.738 for
# 65.738 of 256), so that white is at 234.
Luma = Literal["studio", "full", "holopix"]

_FULL = (0.299, 0.587, 0.114)
_HOLOPIX = (64.738 / 256, 129.057 / 256, 25.064 / 256)


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how it is made ready.

    Attributes:
        channel: Luma or all three colours. Grey pictures are compared as they stand.
        luma: How luma is made.
        rounds_result: Whether the result becomes an 8-bit picture before anything else.
        rounds_luma: Whether luma of an RGB picture is rounded to codes.
        shave: HR pixels left out on each side, in multiples of the scale ...
        shave_more: ... and so many on top.
        expands_grey: Whether a grey picture is made RGB, and its luma taken: the usual mistake
            with the one grey picture of Set14.
    """

    channel: Literal["y", "rgb"] = "y"
    luma: Luma = "studio"
    rounds_result: bool = True
    rounds_luma: bool = True
    shave: int = 1
    shave_more: int = 0
    expands_grey: bool = False

    def edge(self, scale: int) -> int:
        """HR pixels left out on each side."""
        return self.shave * scale + self.shave_more

    def planes(
        self, sr: Float[Tensor, "c h w"], hr: UInt8[Tensor, "c2 h w"], scale: int
    ) -> tuple[Float[Tensor, "k m n"], Float[Tensor, "k m n"]]:
        """Result and truth as they are compared: float64 on 0..255, shaved.

        Args:
            sr: RGB, luma or grey on [0, 1]; clipped here.
            hr: The cropped truth in codes.
            scale: HR pixels per LR pixel.

        Raises:
            SizeMismatchError: When nothing is left after shaving.
        """
        edge = self.edge(scale)
        height, width = hr.shape[-2] - 2 * edge, hr.shape[-1] - 2 * edge
        if min(height, width) < 1:
            raise SizeMismatchError(
                f"A picture of {hr.shape[-1]}x{hr.shape[-2]} has no pixel left when {edge} are "
                "shaved on each side.",
                hint="Measure larger pictures.",
            )
        x = sr.double().clamp(0, 1) * 255
        if self.rounds_result:
            x = torch.floor(x + 0.5)
        inner = (..., slice(edge, edge + height), slice(edge, edge + width))
        truth = hr.double()
        if self.channel == "y":
            grey = hr.shape[0] == 1
            return self._luma(x, grey=grey)[inner], self._luma(truth, grey=grey)[inner]
        planes = max(x.shape[0], truth.shape[0])
        return x.expand(planes, -1, -1)[inner], truth.expand(planes, -1, -1)[inner]

    def _luma(self, picture: Float[Tensor, "c h w"], *, grey: bool) -> Float[Tensor, "1 h w"]:
        """Luma codes; one channel is grey, or what a luma network made of a picture in colour."""
        if picture.shape[0] == 1:
            if not (grey and self.expands_grey):
                return picture
            picture = picture.expand(3, -1, -1)
        y = luma_of(picture, self.luma)
        return torch.floor(y + 0.5) if self.rounds_luma else y


def luma_of(rgb: Float[Tensor, "3 h w"], formula: Luma) -> Float[Tensor, "1 h w"]:
    """Luma codes of RGB codes on 0..255, not rounded."""
    if formula == "studio":
        return luma(rgb / 255) * 255
    weight = torch.tensor(_FULL if formula == "full" else _HOLOPIX, dtype=rgb.dtype)
    black = 0 if formula == "full" else 16
    return torch.einsum("j,jhw->hw", weight, rgb)[None] + black
