"""How a number is measured, as a frozen value that is named wherever the number stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.benchmark.comparison import Comparison, luma_of
from superfine.benchmark.resizes import (
    MATLAB,
    MATLAB_8BIT,
    MATLAB_OLD,
    PILLOW,
    Resize,
    to_codes,
)
from superfine.errors import find_named
from superfine.metrics import psnr, ssim
from superfine.ops.resize import round_half_up

__all__ = ["PROTOCOLS", "Protocol", "Score", "find_protocol", "to_codes"]


@dataclass(frozen=True)
class Score:
    """What a protocol measured on one picture: PSNR in decibels, SSIM at most 1."""

    psnr: float
    ssim: float


@dataclass(frozen=True)
class Protocol:
    """One way to make LR pictures and to score SR ones.

    Attributes:
        name: What tables and logs say.
        shrinks: What is shrunk to make the LR picture. Grey pictures are their own luma.
        resize: What shrinks it.
        colour_resize: What shrinks the RGB pictures that colour networks get.
        as_pictures: Whether the result of a luma network gets its colours back, by bicubic, and is
            compared as an RGB picture like that of any other.
        comparison: What is compared.
        about: One line for people.
        warning: What to know before these figures are set beside others; empty for most.
    """

    name: str
    shrinks: Literal["y", "rgb"]
    resize: Resize
    colour_resize: Resize
    as_pictures: bool
    comparison: Comparison
    about: str
    warning: str = ""

    def crop(self, hr: UInt8[Tensor, "c h w"], scale: int) -> UInt8[Tensor, "c m n"]:
        """`hr` cut at the bottom and right to multiples of `scale`."""
        height, width = hr.shape[-2] // scale * scale, hr.shape[-1] // scale * scale
        return hr[:, :height, :width]

    def lr(
        self, hr: UInt8[Tensor, "c h w"], scale: int, *, colour: bool = False
    ) -> Float[Tensor, "d m n"]:
        """The LR picture of a cropped `hr`: float64 on [0, 1], in the channels of `shrinks`.

        Args:
            hr: The truth.
            scale: HR pixels per LR pixel.
            colour: Whether a colour network asks. Its LR pictures hold the channels of `hr`.
        """
        if colour:
            return self.colour_resize.shrink(hr, scale)
        return self.resize.shrink(hr if self.shrinks == "rgb" else self.luma(hr), scale)

    def bicubic(self, lr: Float[Tensor, "d m n"], scale: int) -> UInt8[Tensor, "d h w"]:
        """The bicubic line of a table: `lr` enlarged the way it was shrunk, as codes."""
        return self.resize.enlarge(lr, scale)

    def luma(self, rgb: UInt8[Tensor, "c h w"]) -> UInt8[Tensor, "1 h w"]:
        """Rounded luma codes of an 8-bit picture; a grey picture as it stands."""
        if rgb.shape[0] == 1:
            return rgb
        return round_half_up(luma_of(rgb.double(), self.comparison.luma))

    def score(self, sr: UInt8[Tensor, "c h w"], hr: UInt8[Tensor, "c2 h w"], scale: int) -> Score:
        """PSNR and SSIM of an 8-bit result against the cropped truth."""
        x, y = self.comparison.planes(sr.double() / 255, hr, scale)
        return Score(
            psnr=float(psnr(x, y, data_range=255.0)), ssim=float(ssim(x, y, data_range=255.0))
        )


PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        name="y-matlab",
        shrinks="y",
        resize=MATLAB,
        colour_resize=MATLAB_8BIT,
        as_pictures=False,
        comparison=Comparison(),
        about="The papers' tables: rounded luma, shrunk by MATLAB's bicubic in floats, result "
        "rounded to 8 bits, `scale` pixels shaved, mean of the pictures' PSNR.",
    ),
    Protocol(
        name="y-rgb",
        shrinks="rgb",
        resize=MATLAB_8BIT,
        colour_resize=MATLAB_8BIT,
        as_pictures=True,
        comparison=Comparison(rounds_luma=False),
        about="The tables of colour networks (EDSR, RCAN, IMDN and later): 8-bit RGB pictures "
        "shrunk by MATLAB's bicubic, result an 8-bit RGB picture, luma not rounded, `scale` "
        "pixels shaved.",
    ),
    Protocol(
        name="seed-zoo",
        shrinks="rgb",
        resize=MATLAB_OLD,
        colour_resize=MATLAB_OLD,
        as_pictures=False,
        comparison=Comparison(),
        about="The SelfExSR tables: RGB resized as uint8 by MATLAB's older bicubic with replicated "
        "border, rounded luma of both pictures compared, `scale` pixels shaved.",
    ),
    Protocol(
        name="rgb-div2k",
        shrinks="rgb",
        resize=MATLAB_8BIT,
        colour_resize=MATLAB_8BIT,
        as_pictures=True,
        comparison=Comparison(channel="rgb", shave_more=6),
        about="DIV2K as EDSR's code measures it: 8-bit RGB pictures, all three channels compared, "
        "`scale` + 6 pixels shaved.",
    ),
    Protocol(
        name="seed-holopix",
        shrinks="rgb",
        resize=PILLOW,
        colour_resize=PILLOW,
        as_pictures=False,
        comparison=Comparison(luma="holopix", rounds_result=False, rounds_luma=False, shave=0),
        about="The public Holopix code, mended: shrunk by Pillow's bicubic, luma by its mistyped "
        "formula, nothing rounded, nothing shaved; compared with the truth on the right range.",
        warning="The code's own figures are 48.13 dB higher (range 255 for values on [0, 1]) and "
        "compare the result with the network's input, not with the truth: see `psnr-input`.",
    ),
)


def find_protocol(name: str) -> Protocol:
    """The protocol called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("protocol", name, PROTOCOLS, listing="docs/protocols.md")
