"""MS-LapSRN: LapSRN whose levels and layers share their weights, over and over.

Source: Lai, Huang, Ahuja, Yang, "Fast and Accurate Image Super-Resolution with Deep Laplacian
Pyramid Networks", TPAMI 2018, arXiv:1710.01992; order of the layers as in the authors' code.

A block of D convolutions is used R times in each level, and every time what came into the level is
added (the paper's shared-source skip); the next level uses the same block again. So one set of
222,801 values, 222 K in the paper, serves x2, x4 and x8, and any number of recursions. A network of
R recursions of D layers is named DxRy there: `mslapsrn-d5r2`, `-d5r5` and `-d5r8`. Activations come
before their convolutions, none after.

Start: the first layer normal with 0.001, the others with He's standard deviation, biases 0; the
picture's transposed convolution bilinear.

Differs from the paper: nothing in the layers. The authors train each step on all three scales, a
third of the batch each; here a step takes one scale, each in turn.
"""

from __future__ import annotations

import math
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.lapsrn import doublings, start_bilinear
from superfine.models.spec import ModelSpec

_WIDTH = 64
_SLOPE = 0.2


class MSLapSRN(nn.Module):
    """The same level for every doubling; while training, the picture of every level is returned."""

    def __init__(self, scale: int, *, layers: int, recursions: int) -> None:
        """Builds the network.

        Args:
            scale: HR pixels per LR pixel, a power of 2.
            layers: D of the paper, the convolutions of the block.
            recursions: R of the paper, how often a level uses the block.
        """
        super().__init__()
        self.scale = scale
        self.recursions = recursions
        self.first = nn.Conv2d(1, _WIDTH, 3, padding=1)
        self.body = nn.ModuleList(nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1) for _ in range(layers))
        self.enlarge = nn.ConvTranspose2d(_WIDTH, _WIDTH, 3, stride=2)
        self.detail = nn.Conv2d(_WIDTH, 1, 3, padding=1)
        self.picture = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        nn.init.normal_(self.first.weight, std=0.001)
        for layer in (*self.body, self.enlarge, self.detail):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * _WIDTH)))
        for layer in (self.first, *self.body, self.enlarge, self.detail):
            nn.init.zeros_(layer.bias)
        start_bilinear(self.picture)

    def forward(
        self, lr: Float[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b 1 sh sw"] | tuple[Float[Tensor, "b 1 _ _"], ...]:
        """`lr` enlarged; values on [0, 1]. While training, the pictures x2, x4, ... `scale`."""
        features, picture = self.first(lr), lr
        pictures = []
        for _ in range(doublings(self.scale)):
            features = self._enlarged(self._embedded(features))
            picture = self.picture(picture) + self.detail(features)
            pictures.append(picture)
        return tuple(pictures) if self.training else picture

    def _embedded(self, source: Float[Tensor, "b f h w"]) -> Float[Tensor, "b f h w"]:
        """The block used `recursions` times; `source` is added every time."""
        state = source
        for _ in range(self.recursions):
            for layer in self.body:
                state = layer(F.leaky_relu(state, _SLOPE))
            state = state + source
        return state

    def _enlarged(self, state: Float[Tensor, "b f h w"]) -> Float[Tensor, "b f sh sw"]:
        """Twice as large; the last row and column, which are one too many, are cut off."""
        height, width = 2 * state.shape[-2], 2 * state.shape[-1]
        larger: Tensor = self.enlarge(F.leaky_relu(state, _SLOPE))
        return larger[..., :height, :width]


_SCALES = (2, 4, 8)


def _reach(scale: int, layers: int) -> int:
    reach = 1  # the detail, in pixels of the result
    for _ in range(doublings(scale)):
        # A pixel of the transposed convolution sees one neighbour; then the size is halved.
        reach = math.ceil((reach + 1) / 2) + layers
    return reach + 1  # the first layer


def _spec(layers: int, recursions: int) -> ModelSpec:
    return ModelSpec(
        name=f"mslapsrn-d{layers}r{recursions}",
        build=partial(MSLapSRN, layers=layers, recursions=recursions),
        scales=_SCALES,
        channels="y",
        reach={s: _reach(s, layers * recursions) for s in _SCALES},
        paper="Lai et al., Fast and Accurate Image Super-Resolution with Deep Laplacian Pyramid "
        "Networks, TPAMI 2018",
        parameters=dict.fromkeys(_SCALES, 222_801),
    )


SPECS = tuple(_spec(5, recursions) for recursions in (2, 5, 8))
