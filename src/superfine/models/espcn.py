"""ESPCN: three small convolutions on the LR picture, the last one a sub-pixel layer.

Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
Sub-Pixel Convolutional Neural Network", CVPR 2016, arXiv:1609.05158.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec


class ESPCN(nn.Module):
    """5-3-3 convolutions with tanh, then pixel shuffle."""

    def __init__(self, scale: int, *, channels: int = 1) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels, 64, 5, padding=2)
        self.second = nn.Conv2d(64, 32, 3, padding=1)
        self.sub_pixel = nn.Conv2d(32, channels * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        for layer in (self.first, self.second):
            fan_out = layer.out_channels * layer.kernel_size[0] ** 2
            nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_out))
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.sub_pixel.weight, std=0.001)
        nn.init.zeros_(self.sub_pixel.bias)  # type: ignore[arg-type]

    def forward(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        x = torch.tanh(self.first(lr))
        x = torch.tanh(self.second(x))
        # (b, c s², h, w) -> (b, c, s h, s w)
        return self.shuffle(self.sub_pixel(x))  # type: ignore[no-any-return]


_SCALES = (1, 2, 3, 4)


def _spec(colour: Literal["y", "rgb"], parameters: dict[int, int]) -> ModelSpec:
    return ModelSpec(
        name="espcn" + ("-rgb" if colour == "rgb" else ""),
        build=partial(ESPCN, channels=1 if colour == "y" else 3),
        scales=_SCALES,
        channels=colour,
        reach=dict.fromkeys(_SCALES, 4),
        paper="Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient "
        "Sub-Pixel Convolutional Neural Network, CVPR 2016",
        parameters=parameters,
    )


SPECS = (
    _spec("y", {1: 20_417, 2: 21_284, 3: 22_729, 4: 24_752}),
    _spec("rgb", {1: 24_195, 2: 26_796, 3: 31_131, 4: 37_200}),
)
