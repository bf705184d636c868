"""What a network makes of one picture whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.benchmark.protocol import Protocol
from superfine.benchmark.resizes import to_codes
from superfine.errors import UsageError
from superfine.models import ModelSpec
from superfine.ops.color import rgb_to_ycbcr, ycbcr_to_rgb
from superfine.ops.resize import imresize

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Output:
    """A result beside its truth.

    Attributes:
        picture: Name of the picture, without its ending.
        scale: HR pixels per LR pixel.
        lr: What was enlarged: RGB, luma or grey on [0, 1].
        sr: The result, not clipped, in the channels of `lr`.
        hr: The truth in codes, cropped to multiples of the scale.
    """

    picture: str
    scale: int
    lr: Float[Tensor, "c m n"]
    sr: Float[Tensor, "c h w"]
    hr: UInt8[Tensor, "d h w"]

    def picture_codes(self, protocol: Protocol) -> UInt8[Tensor, "d h w"]:
        """The result as an 8-bit picture with the channels of the truth.

        A luma result gets the chroma of the LR colours, enlarged by bicubic, as `upscale` does.
        """
        if self.sr.shape[0] == self.hr.shape[0]:
            return to_codes(self.sr)
        colours = protocol.colour_resize.shrink(self.hr, self.scale)
        chroma = imresize(rgb_to_ycbcr(colours)[1:], size=(self.hr.shape[-2], self.hr.shape[-1]))
        return to_codes(ycbcr_to_rgb(torch.cat((self.sr.double(), chroma))))


def lr_for(
    spec: ModelSpec, hr: UInt8[Tensor, "c h w"], scale: int, protocol: Protocol
) -> Float[Tensor, "d m n"]:
    """The LR picture of a cropped truth in the channels `spec` works on, or in grey."""
    lr = protocol.lr(hr, scale, colour=spec.channels == "rgb")
    if spec.channels == "y" and lr.shape[0] == 3:
        return luma_of_lr(lr, protocol)
    return lr


def luma_of_lr(lr: Float[Tensor, "3 m n"], protocol: Protocol) -> Float[Tensor, "1 m n"]:
    """The luma of LR colours, as a luma network gets it: in codes, but on [0, 1]."""
    return protocol.luma(to_codes(lr)).double() / 255


@torch.no_grad()
def restore(
    run: Run,
    spec: ModelSpec,
    lr: Float[Tensor, "c m n"],
    hr: UInt8[Tensor, "d h w"],
    *,
    picture: str = "",
    scale: int,
    device: torch.device | None = None,
) -> Output:
    """The result of a network for `lr`, whole and in float32.

    A colour network gets a grey picture three times. What a network of a larger scale makes, as
    LapSRN x4 asked for x3, is shrunk by MATLAB's bicubic.

    Raises:
        UsageError: When the network enlarges less than `scale`.
    """
    given = lr.expand(3, -1, -1) if spec.channels == "rgb" else lr
    sr = run(given.float()[None].to(device))[0].cpu()
    if lr.shape[0] == 1:
        sr = sr[:1]
    return Output(picture, scale, lr, _shrunk(sr, (hr.shape[-2], hr.shape[-1])), hr)


def _shrunk(sr: Float[Tensor, "c h w"], size: tuple[int, int]) -> Float[Tensor, "c m n"]:
    """`sr` at `size`, rows and columns."""
    if sr.shape[-2:] == size:
        return sr
    if sr.shape[-2] < size[0] or sr.shape[-1] < size[1]:
        raise UsageError(
            f"The network's result is {sr.shape[-1]}x{sr.shape[-2]}, the truth "
            f"{size[1]}x{size[0]}: it enlarges too little.",
            hint="Measure it at its own scale or a smaller one.",
        )
    return imresize(sr.double(), size=size)
