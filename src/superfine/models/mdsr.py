"""MDSR: one body for x2, x3 and x4; each scale has its own way in and its own way out.

Source: Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for Single Image
Super-Resolution", CVPR Workshops 2017, arXiv:1707.02921, section 3.3. `mdsr-baseline` has 16 blocks
of 64 features, `mdsr` 80. A scale begins with two residual blocks of 5x5 kernels and ends with its
own sub-pixel layers; head, body and tail serve all. The authors print 3.23 M and 7.95 M parameters.

Every network holds the layers of all three scales, so that one file of weights serves them all. It
is trained at all three: a step at one scale leaves the layers of the others as they are.

Convention: as EDSR. The layers see the picture less the mean colour of DIV2K, on a range of 1.
"""

from __future__ import annotations

from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.edsr import ResidualBlock, div2k_mean, sub_pixel_stages
from superfine.models.spec import ModelSpec

_WIDTH = 64
_SCALES = (2, 3, 4)


class MDSR(nn.Module):
    """Residual blocks that all scales share, between the layers of one scale."""

    mean: Tensor

    def __init__(self, scale: int, *, blocks: int) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("mean", div2k_mean(), persistent=False)
        self.head = nn.Conv2d(3, _WIDTH, 3, padding=1)
        self.enter = nn.ModuleDict(
            {
                f"x{s}": nn.Sequential(*(ResidualBlock(_WIDTH, kernel=5) for _ in range(2)))
                for s in _SCALES
            }
        )
        self.body = nn.Sequential(
            *(ResidualBlock(_WIDTH) for _ in range(blocks)),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
        )
        self.enlarge = nn.ModuleDict(
            {f"x{s}": sub_pixel_stages(s, inputs=_WIDTH, width=_WIDTH) for s in _SCALES}
        )
        self.tail = nn.Conv2d(_WIDTH, 3, 3, padding=1)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        x = self.enter[f"x{self.scale}"](self.head(lr - self.mean))
        x = x + self.body(x)
        return self.tail(self.enlarge[f"x{self.scale}"](x)) + self.mean  # type: ignore[no-any-return]


def _spec(name: str, *, blocks: int, parameters: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(MDSR, blocks=blocks),
        scales=_SCALES,
        channels="rgb",
        # As EDSR, and two pixels for each of the four 5x5 convolutions.
        reach=dict.fromkeys(_SCALES, 2 * blocks + 12),
        paper="Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, "
        "CVPR Workshops 2017",
        parameters=dict.fromkeys(_SCALES, parameters),
    )


SPECS = (
    _spec("mdsr-baseline", blocks=16, parameters=3_227_203),
    _spec("mdsr", blocks=80, parameters=7_953_987),
)
