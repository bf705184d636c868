"""DRRN: residual units that share their weights, many times over, on the bicubic picture.

Source: Tai, Yang, Liu, "Image Super-Resolution via Deep Recursive Residual Network", CVPR 2017.
A network of B blocks of U units is named BxUy there; the paper trains B1U9 and B1U25 in full.
`drrn` is B1U25; any other is called by its numbers, as `drrn-b3u6`, up to `drrn-b32u32`. Blocks
have weights of their own and the units of a block share theirs, so that U changes no count.

Start: normal with He's standard deviation.

Differs from the paper: no batch normalisation and no biases, as the PyTorch ports, which reach the
paper's scores without them; the last layer starts near 0, so that training starts from bicubic.
"""

from __future__ import annotations

import math
import re
from functools import cache, partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.errors import UnknownNameError
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
_MOST = 32  # blocks, and units: 2,081 layers, far beyond what anybody trained


@cache
def spec_of(blocks: int, units: int) -> ModelSpec:
    """The network of `blocks` blocks of `units` units, each from 1 to 32; always the same value."""
    layers = (1 + 2 * units) * blocks + 1
    width = 128
    # The cards of files list these keywords: those of one block were always written so.
    keywords = {"units": units} if blocks == 1 else {"blocks": blocks, "units": units}
    parameters = 9 * (2 * width + (3 * blocks - 1) * width**2)
    return ModelSpec(
        name="drrn" if (blocks, units) == (1, 25) else f"drrn-b{blocks}u{units}",
        build=partial(DRRN, **keywords),
        scales=_SCALES,
        channels="y",
        reach={s: math.ceil(layers / s) + 2 for s in _SCALES},
        paper="Tai et al., Image Super-Resolution via Deep Recursive Residual Network, CVPR 2017",
        parameters=dict.fromkeys(_SCALES, parameters),
    )


def spec_called(name: str) -> ModelSpec | None:
    """The network called `name`, as `drrn-b3u6`; None when the name is not of that form.

    Raises:
        UnknownNameError: When it has more or fewer blocks or units than we build.
    """
    number = "(0|[1-9][0-9]{0,2})"
    numbers = re.fullmatch(f"drrn-b{number}u{number}", name)
    if numbers is None:
        return None
    blocks, units = int(numbers[1]), int(numbers[2])
    if not (1 <= blocks <= _MOST and 1 <= units <= _MOST):
        raise UnknownNameError(
            f"No network is called {name!r}: a DRRN has 1 to {_MOST} blocks of 1 to {_MOST} units.",
            hint="Name it as drrn-b3u6, which has 3 blocks of 6 units.",
        )
    return spec_of(blocks, units)


SPECS = (spec_of(1, 25), spec_of(1, 9))
