"""RCAN: residual groups of residual blocks, each of which weighs its channels by their means.

Source: Zhang, Li, Li, Wang, Zhong, Fu, "Image Super-Resolution Using Very Deep Residual Channel
Attention Networks", ECCV 2018, arXiv:1807.02758. `rcan` has 10 groups of 20 blocks. `rcan-light`
is ours, not the paper's: 5 groups of 10 blocks, a quarter of the work, built the same otherwise.

The means are taken over the whole picture, so an output pixel depends on every input pixel and
the picture cannot be cut into tiles.

Convention: the layers see the picture less the mean colour of DIV2K, on a range of 1. The authors'
code works on a range of 255; it computes the same once every bias of its weights is divided by 255,
save those of the attention, whose first weights are multiplied by 255 instead.

Differs from the paper: the first layer of an attention starts with a bias that opens all its units.
"""

from __future__ import annotations

from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.edsr import div2k_mean, sub_pixel_stages
from superfine.models.spec import ModelSpec

_WIDTH = 64
# How many times fewer channels the attention has between its two layers.
_REDUCTION = 16


class RCAN(nn.Module):
    """Residual groups under one long skip, then sub-pixel layers."""

    mean: Tensor

    def __init__(self, scale: int, *, groups: int, blocks: int) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("mean", div2k_mean(), persistent=False)
        self.head = nn.Conv2d(3, _WIDTH, 3, padding=1)
        self.body = Residual(
            *(residual_group(blocks) for _ in range(groups)),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
        )
        self.enlarge = sub_pixel_stages(scale, inputs=_WIDTH, width=_WIDTH)
        self.tail = nn.Conv2d(_WIDTH, 3, 3, padding=1)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        x = self.body(self.head(lr - self.mean))
        return self.tail(self.enlarge(x)) + self.mean  # type: ignore[no-any-return]


class Residual(nn.Sequential):
    """Layers one after the other, whose result is added to their input."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` plus what the layers make of it."""
        made = x
        for layer in self:
            made = layer(made)
        return x + made


class ChannelAttention(nn.Module):
    """Weighs each channel by a number between 0 and 1 that the means of all channels decide."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv2d(_WIDTH, _WIDTH // _REDUCTION, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_WIDTH // _REDUCTION, _WIDTH, 1),
            nn.Sigmoid(),
        )
        # Channel means change little from picture to picture. From torch's start all four units
        # in the middle are shut in one attention of 16, which then learns nothing.
        nn.init.constant_(self.weigh[0].get_parameter("bias"), 0.25)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` with its channels weighed."""
        return x * self.weigh(x.mean(dim=(2, 3), keepdim=True))  # type: ignore[no-any-return]


def residual_group(blocks: int) -> Residual:
    """`blocks` residual blocks with attention and one convolution under a skip."""
    return Residual(
        *(
            Residual(
                nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
                nn.ReLU(inplace=True),
                nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
                ChannelAttention(),
            )
            for _ in range(blocks)
        ),
        nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
    )


def _spec(name: str, *, groups: int, blocks: int, parameters: dict[int, int]) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(RCAN, groups=groups, blocks=blocks),
        scales=tuple(parameters),
        channels="rgb",
        reach=dict.fromkeys(parameters, None),
        paper="Zhang et al., Image Super-Resolution Using Very Deep Residual Channel Attention "
        "Networks, ECCV 2018",
        parameters=parameters,
    )


SPECS = (
    _spec(
        "rcan",
        groups=10,
        blocks=20,
        parameters={2: 15_444_643, 3: 15_629_283, 4: 15_592_355, 8: 15_740_067},
    ),
    _spec(
        "rcan-light",
        groups=5,
        blocks=10,
        parameters={2: 4_094_603, 3: 4_279_243, 4: 4_242_315, 8: 4_390_027},
    ),
)
