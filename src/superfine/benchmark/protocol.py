"""How a number is measured, as a frozen value that is named wherever the number stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.errors import find_named
from superfine.metrics import psnr, ssim
from superfine.ops import codes
from superfine.ops.color import luma_uint8
from superfine.ops.resize import Border, imresize, imresize_uint8


@dataclass(frozen=True)
class Score:
    """What a protocol measured on one picture: PSNR in decibels, SSIM at most 1."""

    psnr: float
    ssim: float


@dataclass(frozen=True)
class Protocol:
    """One way to make LR pictures and to score SR ones; all scoring is on 8-bit luma codes.

    Attributes:
        name: What tables and logs say.
        channel: What is shrunk to make the LR picture. Grey pictures are their own luma.
        eight_bit: Whether resizing works on codes, rounding after each pass, or on floats.
        border: Border of the resize.
        shave: HR pixels left out on each side, in multiples of the scale.
        about: One line for people.
    """

    name: str
    channel: Literal["y", "rgb"]
    eight_bit: bool
    border: Border
    shave: int
    about: str

    def crop(self, hr: UInt8[Tensor, "c h w"], scale: int) -> UInt8[Tensor, "c m n"]:
        """`hr` cut at the bottom and right to multiples of `scale`."""
        height, width = hr.shape[-2] // scale * scale, hr.shape[-1] // scale * scale
        return hr[:, :height, :width]

    def lr(
        self, hr: UInt8[Tensor, "c h w"], scale: int, *, colour: bool = False
    ) -> Float[Tensor, "d m n"]:
        """The LR picture of a cropped `hr`: float64 on [0, 1], in the channels of `channel`.

        Args:
            hr: The truth.
            scale: HR pixels per LR pixel.
            colour: Whether a colour network asks. Its LR pictures hold the channels of `hr` and
                are rounded to codes: the papers of colour networks shrink 8-bit RGB files.
        """
        shrunk = hr if colour or self.channel == "rgb" else self.luma(hr)
        if self.eight_bit or (colour and hr.shape[0] == 3):
            return imresize_uint8(shrunk, scale=1 / scale, border=self.border).double() / 255
        return imresize(shrunk.double() / 255, scale=1 / scale, border=self.border)

    def bicubic(self, lr: Float[Tensor, "d m n"], scale: int) -> UInt8[Tensor, "d h w"]:
        """The bicubic line of a table: `lr` enlarged the way it was shrunk, as codes."""
        if self.eight_bit:
            return imresize_uint8(to_codes(lr), scale=scale, border=self.border)
        return to_codes(imresize(lr, scale=scale, border=self.border))

    def luma(self, rgb: UInt8[Tensor, "c h w"]) -> UInt8[Tensor, "1 h w"]:
        """Rounded luma codes of an 8-bit picture; a grey picture as it stands."""
        return rgb if rgb.shape[0] == 1 else luma_uint8(rgb)

    def score(self, sr: UInt8[Tensor, "c h w"], hr: UInt8[Tensor, "c2 h w"], scale: int) -> Score:
        """PSNR and SSIM of an 8-bit result against the cropped truth."""
        edge = self.shave * scale
        x, y = (
            self.luma(p)[..., edge : p.shape[-2] - edge, edge : p.shape[-1] - edge].double()
            for p in (sr, hr)
        )
        return Score(
            psnr=float(psnr(x, y, data_range=255.0)), ssim=float(ssim(x, y, data_range=255.0))
        )


PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        name="y-matlab",
        channel="y",
        eight_bit=False,
        border="symmetric",
        shave=1,
        about="The papers' tables: rounded luma, shrunk by MATLAB's bicubic in floats, result "
        "rounded to 8 bits, `scale` pixels shaved, mean of the pictures' PSNR.",
    ),
    Protocol(
        name="seed-zoo",
        channel="rgb",
        eight_bit=True,
        border="replicate",
        shave=1,
        about="The SelfExSR tables: RGB resized as uint8 by MATLAB's older bicubic with replicated "
        "border, rounded luma of both pictures compared, `scale` pixels shaved.",
    ),
)


def find_protocol(name: str) -> Protocol:
    """The protocol called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("protocol", name, PROTOCOLS, listing="docs/protocols.md")


def to_codes(sr: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """A result on [0, 1] as 8-bit codes, clipped and rounded half up in float64."""
    return codes.to_codes(sr.double(), torch.uint8)
