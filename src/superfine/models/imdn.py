"""IMDN: blocks that set aside a quarter of the features after each layer and weigh what they kept.

Source: Hui, Gao, Yang, Wang, "Lightweight Image Super-Resolution with Information
Multi-distillation Network", ACM Multimedia 2019, arXiv:1909.11856: six blocks of 64 features.

The weights of a block's features come from their means and standard deviations over the whole
picture, so an output pixel depends on every input pixel and the picture cannot be cut into tiles.

Convention: RGB on [0, 1] goes in as it is, as in the authors' code; no mean colour is taken off.

Differs from the authors' code: the first layer of an attention starts with a bias that opens all
its units; a standard deviation below 1e-6 counts as that, where its gradient would be infinite.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.rcan import ChannelAttention
from superfine.models.spec import ModelSpec

_WIDTH = 64
# Features set aside after each layer of a block.
_KEPT = 16
_BLOCKS = 6
_SLOPE = 0.05


class IMDN(nn.Module):
    """Blocks one after the other, whose outputs are all fused under one long skip."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, _WIDTH, 3, padding=1)
        self.blocks = nn.ModuleList(DistillationBlock() for _ in range(_BLOCKS))
        self.fusion = nn.Conv2d(_BLOCKS * _WIDTH, _WIDTH, 1)
        self.last = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.tail = nn.Conv2d(_WIDTH, 3 * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        shallow = x = self.head(lr)
        each = []
        for block in self.blocks:
            x = block(x)
            each.append(x)
        fused = F.leaky_relu(self.fusion(torch.cat(each, dim=1)), _SLOPE)
        # (b, 3 s², h, w) -> (b, 3, s h, s w)
        return self.shuffle(self.tail(shallow + self.last(fused)))  # type: ignore[no-any-return]


class DistillationBlock(nn.Module):
    """Four convolutions; what each sets aside is weighed, fused and added to the input."""

    def __init__(self) -> None:
        super().__init__()
        passed_on = _WIDTH - _KEPT
        self.layers = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1)
            for inputs, outputs in (
                (_WIDTH, _WIDTH),
                (passed_on, _WIDTH),
                (passed_on, _WIDTH),
                (passed_on, _KEPT),
            )
        )
        self.attention = ContrastAttention()
        self.fusion = nn.Conv2d(_WIDTH, _WIDTH, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` plus what the block adds to it."""
        *first, last = self.layers
        kept = []
        rest = x
        for layer in first:
            made = F.leaky_relu(layer(rest), _SLOPE)
            kept.append(made[:, :_KEPT])
            rest = made[:, _KEPT:]
        kept.append(last(rest))
        return x + self.fusion(self.attention(torch.cat(kept, dim=1)))  # type: ignore[no-any-return]


class ContrastAttention(ChannelAttention):
    """Weighs each channel by what the means plus the standard deviations of all channels decide."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` with its channels weighed."""
        mean = x.mean(dim=(2, 3), keepdim=True)
        variance = (x - mean).square().mean(dim=(2, 3), keepdim=True)
        # A channel without contrast must not have the infinite gradient of √0.
        deviation = variance.clamp(min=1e-12).sqrt()
        return x * self.weigh(mean + deviation)  # type: ignore[no-any-return]


SPEC = ModelSpec(
    name="imdn",
    build=IMDN,
    scales=(2, 3, 4),
    channels="rgb",
    reach=dict.fromkeys((2, 3, 4), None),
    paper="Hui et al., Lightweight Image Super-Resolution with Information Multi-distillation "
    "Network, ACM Multimedia 2019",
    parameters={2: 694_404, 3: 703_059, 4: 715_176},
)
