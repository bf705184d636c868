"""WDSR: residual blocks that are wide before the activation and thin after it.

Source: Yu, Fan, Yang, Xu, Wang, Wang, Huang, "Wide Activation for Efficient and Accurate Image
Super-Resolution", arXiv:1808.08718. Every layer has weight normalisation (Salimans, Kingma,
"Weight Normalization", NeurIPS 2016, arXiv:1602.07868): it learns the length of each of its filters
apart from the direction, and both count as parameters.

`wdsr-a`, 16 blocks of 32 features, and `wdsr-a-32x128` follow the authors' second training code:
blocks of two 3x3 layers with four times as many features between them; filters start with lengths
that are given, biases at 0. `wdsr-b` and `wdsr-b-32x32` follow their first: six times as many
features between two 1x1 layers, of which the second leaves 0.8 of the width, then a 3x3 layer; the
layers see values twice as large.

Differs from the authors' code: `wdsr-a` takes off the mean colour of DIV2K, not 0.5; `wdsr-b` takes
[0, 1] and doubles it, where theirs takes [0, 255] and divides by 127.5, which is the same.
"""

from __future__ import annotations

import math
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from superfine.models.edsr import div2k_mean
from superfine.models.spec import ModelSpec


class WDSR(nn.Module):
    """A body of residual blocks and one wide convolution beside it, added and shuffled to HR.

    Args:
        scale: HR pixels per LR pixel.
        width: Features between the blocks.
        blocks: Residual blocks for that many features.
        gain: What the picture less its mean is multiplied by before the layers, and divided by
            after them.
    """

    mean: Tensor

    def __init__(self, scale: int, *, width: int, blocks: list[nn.Module], gain: float) -> None:
        super().__init__()
        self.scale = scale
        self.gain = gain
        self.register_buffer("mean", div2k_mean(), persistent=False)
        self.head = normalised(3, width, 3)
        self.body = nn.Sequential(*blocks)
        self.tail = normalised(width, 3 * scale**2, 3)
        self.skip = normalised(3, 3 * scale**2, 5)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        x = (lr - self.mean) * self.gain
        x = self.tail(self.body(self.head(x))) + self.skip(x)
        # (b, 3 s², h, w) -> (b, 3, s h, s w)
        return self.shuffle(x) / self.gain + self.mean  # type: ignore[no-any-return]


class WideBlock(nn.Module):
    """Layers whose result is added to their input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` plus what the layers make of it."""
        return x + self.layers(x)  # type: ignore[no-any-return]


def normalised(inputs: int, outputs: int, side: int) -> nn.Conv2d:
    """A convolution of its input's size with weight normalisation."""
    layer = nn.Conv2d(inputs, outputs, side, padding=side // 2)
    weight_norm(layer)
    return layer


def start_with_length(layer: nn.Conv2d, length: float) -> nn.Conv2d:
    """`layer` with filters of that Euclidean length and no bias."""
    nn.init.constant_(layer.get_parameter("parametrizations.weight.original0"), length)
    nn.init.zeros_(layer.get_parameter("bias"))
    return layer


def wdsr_a(scale: int, *, width: int, blocks: int) -> WDSR:
    """Blocks of two 3x3 layers; the whole body starts as if it were one block, however many."""
    body: list[nn.Module] = [
        WideBlock(
            start_with_length(normalised(width, 4 * width, 3), 2),
            nn.ReLU(inplace=True),
            start_with_length(normalised(4 * width, width, 3), 1 / math.sqrt(blocks)),
        )
        for _ in range(blocks)
    ]
    network = WDSR(scale, width=width, blocks=body, gain=1)
    for layer in (network.head, network.tail, network.skip):
        start_with_length(layer, 1)
    return network


def wdsr_b(scale: int, *, width: int, blocks: int) -> WDSR:
    """Blocks of two 1x1 layers, the second of low rank, and a 3x3 layer; torch's start."""
    low_rank = int(0.8 * width)
    body: list[nn.Module] = [
        WideBlock(
            normalised(width, 6 * width, 1),
            nn.ReLU(inplace=True),
            normalised(6 * width, low_rank, 1),
            normalised(low_rank, width, 3),
        )
        for _ in range(blocks)
    ]
    return WDSR(scale, width=width, blocks=body, gain=2)


def _spec(name: str, build: partial[WDSR], reach: int, parameters: dict[int, int]) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=build,
        scales=tuple(parameters),
        channels="rgb",
        reach=dict.fromkeys(parameters, reach),
        paper="Yu et al., Wide Activation for Efficient and Accurate Image Super-Resolution, "
        "arXiv 2018",
        parameters=parameters,
    )


# The reach: one for each 3x3 layer, two a block in `wdsr-a` and one in `wdsr-b`, head and tail.
SPECS = (
    _spec(
        "wdsr-a",
        partial(wdsr_a, width=32, blocks=16),
        34,
        {2: 1_190_100, 3: 1_195_605, 4: 1_203_312},
    ),
    _spec(
        "wdsr-a-32x128",
        partial(wdsr_a, width=128, blocks=32),
        66,
        {2: 37_808_180, 3: 37_826_645, 4: 37_852_496},
    ),
    _spec(
        "wdsr-b",
        partial(wdsr_b, width=32, blocks=16),
        18,
        {2: 303_604, 3: 309_109, 4: 316_816},
    ),
    _spec(
        "wdsr-b-32x32",
        partial(wdsr_b, width=32, blocks=32),
        34,
        {2: 601_876, 3: 607_381, 4: 615_088},
    ),
)
