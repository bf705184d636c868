"""ESPCN: three small convolutions on the LR picture, the last one a sub-pixel layer.

Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
Sub-Pixel Convolutional Neural Network", CVPR 2016, arXiv:1609.05158.

Differs from the paper: training starts from bilinear interpolation and filters that answer to
differences, not from noise (docs/decisions/0007), and beyond its edges the picture is mirrored
(docs/decisions/0008).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec
from superfine.ops.border import mirrored
from superfine.ops.resize import bilinear_phases


class ESPCN(nn.Module):
    """5-3-3 convolutions with tanh, then pixel shuffle."""

    def __init__(self, scale: int, *, channels: int = 1) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels, 64, 5)
        self.second = nn.Conv2d(64, 32, 3)
        self.sub_pixel = nn.Conv2d(32, channels * scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)
        self._start_as_interpolation()

    @torch.no_grad()
    def _start_as_interpolation(self) -> None:
        """The first channels carry the picture through; the others see differences of pixels."""
        nn.init.normal_(self.first.weight)
        self.first.weight -= self.first.weight.mean((1, 2, 3), keepdim=True)
        nn.init.normal_(self.second.weight, std=1 / math.sqrt(self.second.weight[0].numel()))
        nn.init.normal_(self.sub_pixel.weight, std=0.001)
        colours = self.first.in_channels
        for layer in (self.first, self.second):
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.first.bias[:colours] = -_GAIN / 2  # type: ignore[index]
        nn.init.constant_(self.sub_pixel.bias, 0.5)  # type: ignore[arg-type]
        kernel = bilinear_phases(self.scale) / _GAIN
        for c in range(colours):
            self.first.weight[c] = 0
            self.first.weight[c, c, 2, 2] = _GAIN
            self.second.weight[c] = 0
            self.second.weight[c, c, 1, 1] = 1
            self.sub_pixel.weight[:, c] = 0
            own = slice(c * self.scale**2, (c + 1) * self.scale**2)
            self.sub_pixel.weight[own, c] = kernel

    def forward(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        x = torch.tanh(self.first(mirrored(lr, _REACH)))
        x = torch.tanh(self.second(x))
        # (b, c s², h, w) -> (b, c, s h, s w)
        return self.shuffle(self.sub_pixel(x))  # type: ignore[no-any-return]


# The radii of the convolutions, 5x5, 3x3 and 3x3.
_REACH = 4

# So small that tanh leaves a picture around mid-grey nearly as it is.
_GAIN = 0.25


_SCALES = (1, 2, 3, 4)


def _spec(colour: Literal["y", "rgb"], parameters: dict[int, int]) -> ModelSpec:
    return ModelSpec(
        name="espcn" + ("-rgb" if colour == "rgb" else ""),
        build=partial(ESPCN, channels=1 if colour == "y" else 3),
        scales=_SCALES,
        channels=colour,
        reach=dict.fromkeys(_SCALES, _REACH),
        paper="Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient "
        "Sub-Pixel Convolutional Neural Network, CVPR 2016",
        parameters=parameters,
    )


SPECS = (
    _spec("y", {1: 20_417, 2: 21_284, 3: 22_729, 4: 24_752}),
    _spec("rgb", {1: 24_195, 2: 26_796, 3: 31_131, 4: 37_200}),
)
