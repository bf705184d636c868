"""VDSR: twenty 3x3 convolutions that predict what bicubic is missing.

Source: Kim, Lee, Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks",
CVPR 2016, arXiv:1511.04587.

Variants: `vdsr` has biases, as the paper; `vdsr-nobias` has none, as the public PyTorch ports and
their weight files; `vdsr-22` has 22 layers and no bias, as one well-known recipe builds it by
counting the middle layers as residuals.
"""

from __future__ import annotations

import itertools
import math
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize


class VDSR(nn.Module):
    """A deep residual on the bicubic picture; one set of weights serves every scale."""

    def __init__(
        self, scale: int, *, layers: int = 20, bias: bool = True, channels: int = 1
    ) -> None:
        super().__init__()
        self.scale = scale
        widths = [channels] + [64] * (layers - 1) + [channels]
        self.layers = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=bias) for i, o in itertools.pairwise(widths)
        )
        for layer in self.layers:
            assert isinstance(layer, nn.Conv2d)
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * layer.out_channels)))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
        """`lr` enlarged by bicubic plus the predicted detail; values on [0, 1]."""
        enlarged = imresize(lr, scale=self.scale)
        x = enlarged
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return enlarged + self.layers[-1](x)  # type: ignore[no-any-return]


_SCALES = (1, 2, 3, 4)


def _spec(name: str, layers: int, bias: bool, parameters: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(VDSR, layers=layers, bias=bias),
        scales=_SCALES,
        channels="y",
        reach={s: math.ceil(layers / s) + 2 for s in _SCALES},
        paper="Kim et al., Accurate Image Super-Resolution Using Very Deep Convolutional "
        "Networks, CVPR 2016",
        parameters=dict.fromkeys(_SCALES, parameters),
    )


SPECS = (
    _spec("vdsr", 20, True, 665_921),
    _spec("vdsr-nobias", 20, False, 664_704),
    _spec("vdsr-22", 22, False, 738_432),
)
