"""EDSR: residual blocks without batch normalisation on the LR picture, sub-pixel layers at the end.

Source: Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for Single Image
Super-Resolution", CVPR Workshops 2017, arXiv:1707.02921. `edsr-baseline` has 16 blocks of 64
features, `edsr` 32 blocks of 256 features whose residuals are scaled by 0.1.

Convention: the layers see the picture less the mean colour of DIV2K, on a range of 1. The authors'
code works on a range of 255; it computes the same once every bias of its weights is divided by 255.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec


class EDSR(nn.Module):
    """Residual blocks under one long skip, then sub-pixel layers."""

    mean: Tensor

    def __init__(self, scale: int, *, width: int, blocks: int, residual_scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("mean", div2k_mean(), persistent=False)
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(
            *(ResidualBlock(width, residual_scale) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.enlarge = sub_pixel_stages(scale, inputs=width, width=width)
        self.tail = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        x = self.head(lr - self.mean)
        x = x + self.body(x)
        return self.tail(self.enlarge(x)) + self.mean  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two convolutions whose result, times `residual_scale`, is added to their input."""

    def __init__(self, width: int, residual_scale: float = 1.0, *, kernel: int = 3) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        self.body = nn.Sequential(
            nn.Conv2d(width, width, kernel, padding=kernel // 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, kernel, padding=kernel // 2),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` plus its scaled residual."""
        residual: Tensor = self.body(x)
        return torch.add(x, residual, alpha=self.residual_scale)


def div2k_mean() -> Float[Tensor, "1 3 1 1"]:
    """The mean colour of the 800 training pictures of DIV2K; RGB on [0, 1]."""
    # With memory of its own also where the network is built without any, before weights are put
    # in: no file holds this constant.
    return torch.tensor((0.4488, 0.4371, 0.4040), device="cpu").view(1, 3, 1, 1)


def sub_pixel_stages(scale: int, *, inputs: int, width: int) -> nn.Sequential:
    """(b, inputs, h, w) -> (b, width, scale h, scale w), a convolution and a shuffle at a time.

    Args:
        scale: 3, enlarged at once, or a power of 2, doubled as often as needed.
        inputs: Channels that come in.
        width: Channels of every stage.
    """
    factors = [3] if scale == 3 else [2] * (scale.bit_length() - 1)
    layers: list[nn.Module] = []
    for factor in factors:
        layers += [nn.Conv2d(inputs, width * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
        inputs = width
    return nn.Sequential(*layers)


def _spec(
    name: str, *, width: int, blocks: int, residual_scale: float, parameters: dict[int, int]
) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(EDSR, width=width, blocks=blocks, residual_scale=residual_scale),
        scales=tuple(parameters),
        channels="rgb",
        # Head, two a block, the end of the body, and one each for the enlarging and the tail: an
        # HR neighbour may lie in the next LR pixel.
        reach=dict.fromkeys(parameters, 2 * blocks + 4),
        paper="Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, "
        "CVPR Workshops 2017",
        parameters=parameters,
    )


SPECS = (
    _spec(
        "edsr-baseline",
        width=64,
        blocks=16,
        residual_scale=1.0,
        parameters={2: 1_369_859, 3: 1_554_499, 4: 1_517_571},
    ),
    _spec(
        "edsr",
        width=256,
        blocks=32,
        residual_scale=0.1,
        parameters={2: 40_729_603, 3: 43_680_003, 4: 43_089_923},
    ),
)
