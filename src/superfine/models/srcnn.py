"""SRCNN: three convolutions after a bicubic enlargement.

Source: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks",
TPAMI 2016, arXiv:1501.00092. Variants are named by their kernel sizes: 9-1-5, 9-3-5, 9-5-5.

Differs from the paper: convolutions pad with zeros so that the output keeps its size (the paper
shrinks by the border), and the enlargement is part of the network, as our contract asks. Training
starts from the bicubic picture instead of from noise of 0.001 (docs/decisions/0004).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize

Kernels = tuple[int, int, int]


class SRCNN(nn.Module):
    """Patch extraction, non-linear mapping, reconstruction, on the bicubic picture."""

    def __init__(self, scale: int, *, kernels: Kernels = (9, 5, 5), channels: int = 1) -> None:
        super().__init__()
        self.scale = scale
        first, second, third = kernels
        self.extract = nn.Conv2d(channels, 64, first, padding=first // 2)
        self.map = nn.Conv2d(64, 32, second, padding=second // 2)
        self.reconstruct = nn.Conv2d(32, channels, third, padding=third // 2)
        self._start_as_interpolation()

    @torch.no_grad()
    def _start_as_interpolation(self) -> None:
        """The first channels carry the picture straight through; the others start as noise."""
        channels = self.extract.in_channels
        for layer in (self.extract, self.map, self.reconstruct):
            last = layer is self.reconstruct
            fan_in = layer.in_channels * layer.kernel_size[0] ** 2
            nn.init.normal_(layer.weight, std=0.001 if last else math.sqrt(2 / fan_in))
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            layer.weight[:channels] = 0
            middle = layer.kernel_size[0] // 2
            for channel in range(channels):
                layer.weight[channel, channel, middle, middle] = 1

    def forward(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
        """`lr` enlarged by bicubic and refined; values on [0, 1]."""
        x = imresize(lr, scale=self.scale)
        x = torch.relu(self.extract(x))
        x = torch.relu(self.map(x))
        return self.reconstruct(x)  # type: ignore[no-any-return]


_SCALES = (1, 2, 3, 4)


def _spec(kernels: Kernels, colour: Literal["y", "rgb"], parameters: int) -> ModelSpec:
    radius = sum(k // 2 for k in kernels)
    digits = "".join(str(k) for k in kernels)
    return ModelSpec(
        name=f"srcnn-{digits}" + ("-rgb" if colour == "rgb" else ""),
        build=partial(SRCNN, kernels=kernels, channels=1 if colour == "y" else 3),
        scales=_SCALES,
        channels=colour,
        # The radius of the convolutions in HR pixels, brought to LR, plus bicubic's two.
        reach={s: math.ceil(radius / s) + 2 for s in _SCALES},
        paper="Dong et al., Image Super-Resolution Using Deep Convolutional Networks, TPAMI 2016",
        parameters=dict.fromkeys(_SCALES, parameters),
    )


SPECS = (
    _spec((9, 1, 5), "y", 8_129),
    _spec((9, 3, 5), "y", 24_513),
    _spec((9, 5, 5), "y", 57_281),
    _spec((9, 1, 5), "rgb", 20_099),
    _spec((9, 3, 5), "rgb", 36_483),
    _spec((9, 5, 5), "rgb", 69_251),
)
