"""RDN: densely connected blocks, whose outputs are all fused before the sub-pixel layers.

Source: Zhang, Tian, Kong, Zhong, Fu, "Residual Dense Network for Image Super-Resolution",
CVPR 2018, arXiv:1802.08797. With D blocks of C layers that add G channels each, `rdn-a` is
D = 20, C = 6, G = 32 and `rdn-b`, the one of the paper's tables, D = 16, C = 8, G = 64.

Convention: RGB on [0, 1] goes in as it is; no mean colour is taken off, as in the public ports.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.edsr import sub_pixel_stages
from superfine.models.spec import ModelSpec

# Channels outside the blocks, G0 in the paper.
_WIDTH = 64


class RDN(nn.Module):
    """Shallow features, dense blocks, their fusion, then sub-pixel layers."""

    def __init__(self, scale: int, *, blocks: int, layers: int, growth: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(3, _WIDTH, 3, padding=1)
        self.second = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.blocks = nn.ModuleList(DenseBlock(layers, growth) for _ in range(blocks))
        self.fusion = nn.Sequential(
            nn.Conv2d(blocks * _WIDTH, _WIDTH, 1), nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        )
        self.enlarge = sub_pixel_stages(scale, inputs=_WIDTH, width=growth)
        self.tail = nn.Conv2d(growth, 3, 3, padding=1)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        shallow = self.first(lr)
        x = self.second(shallow)
        local = []
        for block in self.blocks:
            x = block(x)
            local.append(x)
        x = self.fusion(torch.cat(local, dim=1)) + shallow
        return self.tail(self.enlarge(x))  # type: ignore[no-any-return]


class DenseBlock(nn.Module):
    """Convolutions that each see all before them, fused to the input's width and added to it."""

    def __init__(self, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(_WIDTH + i * growth, growth, 3, padding=1) for i in range(layers)
        )
        self.fusion = nn.Conv2d(_WIDTH + layers * growth, _WIDTH, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` plus what the block adds to it."""
        seen = x
        for layer in self.layers:
            seen = torch.cat((seen, torch.relu(layer(seen))), dim=1)
        return x + self.fusion(seen)  # type: ignore[no-any-return]


def _spec(
    name: str, *, blocks: int, layers: int, growth: int, parameters: dict[int, int]
) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(RDN, blocks=blocks, layers=layers, growth=growth),
        scales=tuple(parameters),
        channels="rgb",
        # One for each 3x3 layer: those of the blocks, two before, one after, the enlarging and
        # the tail.
        reach=dict.fromkeys(parameters, blocks * layers + 5),
        paper="Zhang et al., Residual Dense Network for Image Super-Resolution, CVPR 2018",
        parameters=parameters,
    )


SPECS = (
    _spec(
        "rdn-a",
        blocks=20,
        layers=6,
        growth=32,
        parameters={2: 5_541_795, 3: 5_634_115, 4: 5_578_787},
    ),
    _spec(
        "rdn-b",
        blocks=16,
        layers=8,
        growth=64,
        parameters={2: 22_123_395, 3: 22_308_035, 4: 22_271_107},
    ),
)
