"""LapSRN: a Laplacian pyramid; each level doubles the picture and adds the detail it predicts.

Source: Lai, Huang, Ahuja, Yang, "Deep Laplacian Pyramid Networks for Fast and Accurate
Super-Resolution", CVPR 2017, arXiv:1704.03915.

As in the paper, x3 is the x4 network's result shrunk by bicubic: asked for x3, `load_model` gives
the x4 network, and `upscale` and `benchmark.measure` shrink what it makes.

Start: convolutions normal with He's standard deviation; the picture's transposed convolutions
bilinear.

Differs from the paper: no biases, as the PyTorch port whose weight files are around; ten layers a
level at x8 too. The features' transposed convolutions start as He's, not bilinear: that would make
all 64 of their outputs equal.

Variants: `lapsrn-official` is what the authors' code builds: biases, 3x3 instead of 4x4 transposed
convolutions of the features, five layers a level at x8, and a first layer that starts near 0.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.spec import ModelSpec

_WIDTH = 64
_SLOPE = 0.2


class _Level(nn.Module):
    """Features and picture at twice the size."""

    def __init__(self, layers: int, *, kernel: int, bias: bool) -> None:
        """Builds one level.

        Args:
            layers: 3x3 convolutions before the features are enlarged.
            kernel: Of the features' transposed convolution: 4, or 3 in the authors' code.
            bias: Give biases to all but the picture's transposed convolution.
        """
        super().__init__()
        self.body = nn.ModuleList(
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, bias=bias) for _ in range(layers)
        )
        # A kernel of 3 gives a last row and column too many, which are cut off.
        padding = 1 if kernel == 4 else 0
        self.enlarge = nn.ConvTranspose2d(
            _WIDTH, _WIDTH, kernel, stride=2, padding=padding, bias=bias
        )
        self.detail = nn.Conv2d(_WIDTH, 1, 3, padding=1, bias=bias)
        self.picture = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        for layer in (*self.body, self.detail):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * _WIDTH)))
        # With stride 2 an output pixel is made of a quarter of the kernel.
        nn.init.normal_(self.enlarge.weight, std=math.sqrt(8 / (kernel**2 * _WIDTH)))
        start_bilinear(self.picture)
        if bias:
            for layer in (*self.body, self.enlarge, self.detail):
                nn.init.zeros_(layer.bias)

    def forward(
        self, features: Float[Tensor, "b f h w"], picture: Float[Tensor, "b 1 h w"]
    ) -> tuple[Float[Tensor, "b f sh sw"], Float[Tensor, "b 1 sh sw"]]:
        height, width = 2 * picture.shape[-2], 2 * picture.shape[-1]
        for layer in self.body:
            features = F.leaky_relu(layer(features), _SLOPE)
        features = F.leaky_relu(self.enlarge(features)[..., :height, :width], _SLOPE)
        return features, self.picture(picture) + self.detail(features)


class LapSRN(nn.Module):
    """One level for every doubling; while training, the picture of every level is returned."""

    def __init__(self, scale: int, *, official: bool = False) -> None:
        """Builds the network.

        Args:
            scale: HR pixels per LR pixel, a power of 2.
            official: As the authors' code, see above.
        """
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(1, _WIDTH, 3, padding=1, bias=official)
        nn.init.normal_(self.first.weight, std=0.001 if official else math.sqrt(2 / (9 * _WIDTH)))
        if self.first.bias is not None:
            nn.init.zeros_(self.first.bias)
        self.levels = nn.ModuleList(
            _Level(_layers(scale, official), kernel=3 if official else 4, bias=official)
            for _ in range(doublings(scale))
        )

    def forward(
        self, lr: Float[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b 1 sh sw"] | tuple[Float[Tensor, "b 1 _ _"], ...]:
        """`lr` enlarged; values on [0, 1]. While training, the pictures x2, x4, ... `scale`."""
        features, picture = F.leaky_relu(self.first(lr), _SLOPE), lr
        pictures = []
        for level in self.levels:
            features, picture = level(features, picture)
            pictures.append(picture)
        return tuple(pictures) if self.training else picture


def start_bilinear(doubling: nn.ConvTranspose2d) -> None:
    """Lets a transposed 4x4 convolution of stride 2 start as bilinear enlargement."""
    bilinear = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        doubling.weight.copy_(torch.outer(bilinear, bilinear)[None, None])


def doublings(scale: int) -> int:
    """How often the picture is doubled."""
    return scale.bit_length() - 1


def _layers(scale: int, official: bool) -> int:
    """3x3 convolutions in a level before its features are enlarged."""
    return 5 if official and scale == 8 else 10


def _reach(scale: int, official: bool) -> int:
    reach = 1  # the detail, in pixels of the result
    for _ in range(doublings(scale)):
        # A pixel of the transposed convolution sees one neighbour; then the size is halved.
        reach = math.ceil((reach + 1) / 2) + _layers(scale, official)
    return reach + 1  # the first layer


_SCALES = (2, 4, 8)


def _spec(name: str, official: bool, parameters: dict[int, int]) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(LapSRN, official=official),
        scales=_SCALES,
        channels="y",
        reach={s: _reach(s, official) for s in _SCALES},
        paper="Lai et al., Deep Laplacian Pyramid Networks for Fast and Accurate "
        "Super-Resolution, CVPR 2017",
        parameters=parameters,
    )


SPECS = (
    _spec("lapsrn", False, {2: 435_344, 4: 870_112, 8: 1_304_880}),
    _spec("lapsrn-official", True, {2: 407_441, 4: 814_242, 8: 667_123}),
)
