"""SVLRM: a depth map as a linear function of its guide, with coefficients of its own per pixel.

Source: Pan, Dong, Ren, Lin, Tang, Yang, "Spatially Variant Linear Representation Models for Joint
Filtering", CVPR 2019.

Start: normal with He's standard deviation over the outputs, biases 0.

Differs from the paper: the last layer starts as if it had 64 outputs, so that the first results
are of the size of depth maps and not several times larger.
"""

from __future__ import annotations

import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize

_WIDTH = 64
_LAYERS = 12
_SLOPE = 0.1


class SVLRM(nn.Module):
    """Twelve 3x3 convolutions that see depth and guide and tell `alpha` and `beta`."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        widths = [2] + [_WIDTH] * (_LAYERS - 1)
        self.body = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in itertools.pairwise(widths)
        )
        self.last = nn.Conv2d(_WIDTH, 2, 3, padding=1)
        for layer in (*self.body, self.last):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * _WIDTH)))
            nn.init.zeros_(layer.bias)

    def forward(
        self, lr: Float[Tensor, "b 1 h w"], guide: Float[Tensor, "b 1 sh sw"]
    ) -> Float[Tensor, "b 1 sh sw"]:
        """The depth map `lr` enlarged, `alpha` * `guide` + `beta`; values on [0, 1].

        Args:
            lr: The depth map on [0, 1].
            guide: The grey photo on [0, 1], exactly `scale` times larger.
        """
        alpha, beta = self.coefficients(lr, guide)
        return alpha * guide + beta

    def coefficients(
        self, lr: Float[Tensor, "b 1 h w"], guide: Float[Tensor, "b 1 sh sw"]
    ) -> tuple[Float[Tensor, "b 1 sh sw"], Float[Tensor, "b 1 sh sw"]]:
        """`alpha` and `beta` of every pixel, of any size and sign.

        `alpha` is large where an edge of the guide is one of the depth; `beta` is the rest.
        """
        x = torch.cat((imresize(lr, scale=self.scale), guide), dim=1)
        for layer in self.body:
            x = F.leaky_relu(layer(x), _SLOPE)
        alpha, beta = self.last(x).split(1, dim=1)
        return alpha, beta


_SCALES = (2, 4, 8, 16)

SPEC = ModelSpec(
    name="svlrm",
    build=SVLRM,
    scales=_SCALES,
    channels="depth+guide",
    reach={s: math.ceil(_LAYERS / s) + 2 for s in _SCALES},
    paper="Pan et al., Spatially Variant Linear Representation Models for Joint Filtering, "
    "CVPR 2019",
    parameters=dict.fromkeys(_SCALES, 371_650),
)
