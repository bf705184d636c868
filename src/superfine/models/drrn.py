"""DRRN: residual units that share their weights, many times over, on the bicubic picture.

Source: Tai, Yang, Liu, "Image Super-Resolution via Deep Recursive Residual Network", CVPR 2017.
A network of B blocks of U units is named BxUy there; the paper trains B1U9 and B1U25 in full.

Start: normal with He's standard deviation.

Differs from the paper: no batch normalisation and no biases, as the PyTorch ports, which reach the
paper's scores without them; the last layer starts near 0, so that training starts from bicubic.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize


class _Block(nn.Module):
    """A convolution, and a residual unit used `units` times on its result."""

    def __init__(self, channels: int, width: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.enter = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        for layer in (self.enter, self.first, self.second):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * layer.out_channels)))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f h w"]:
        entered = self.enter(torch.relu(x))
        state = entered
        for _ in range(self.units):
            # Every unit adds the same `entered`, not its own input.
            state = entered + self.second(torch.relu(self.first(torch.relu(state))))
        return state  # type: ignore[no-any-return]


class DRRN(nn.Module):
    """A recursive residual on the bicubic picture; one set of weights serves every scale."""

    def __init__(
        self, scale: int, *, blocks: int = 1, units: int = 25, width: int = 128, channels: int = 1
    ) -> None:
        """Builds the network of (1 + 2 `units`) `blocks` + 1 layers.

        Args:
            scale: HR pixels per LR pixel.
            blocks: B of the paper; each has weights of its own.
            units: U of the paper; they share the weights of their block.
            width: Channels inside.
            channels: Of the picture.
        """
        super().__init__()
        self.scale = scale
        self.blocks = nn.Sequential(
            *(_Block(width if b else channels, width, units) for b in range(blocks))
        )
        self.last = nn.Conv2d(width, channels, 3, padding=1, bias=False)
        nn.init.normal_(self.last.weight, std=0.001)

    def forward(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
        """`lr` enlarged by bicubic plus the predicted detail; values on [0, 1]."""
        enlarged = imresize(lr, scale=self.scale)
        return enlarged + self.last(torch.relu(self.blocks(enlarged)))  # type: ignore[no-any-return]


_SCALES = (1, 2, 3, 4)


def _spec(name: str, units: int) -> ModelSpec:
    layers = 1 + 2 * units + 1
    return ModelSpec(
        name=name,
        build=partial(DRRN, units=units),
        scales=_SCALES,
        channels="y",
        reach={s: math.ceil(layers / s) + 2 for s in _SCALES},
        paper="Tai et al., Image Super-Resolution via Deep Recursive Residual Network, CVPR 2017",
        parameters=dict.fromkeys(_SCALES, 297_216),
    )


SPECS = (_spec("drrn", 25), _spec("drrn-b1u9", 9))
