"""SVLRM-plus: what guided diffusion leaves undone, as a linear function of the photo per pixel.

The idea of SVLRM, `alpha * guide + beta` with coefficients of its own for every pixel, on a map
that is sharp already: the network is given the result of guided diffusion and tells what to add. So
it is not far off where it has learned nothing, works for every LR operator that guided diffusion
knows, and is small: it sees 2x2 pixels as channels, at half of the resolution.

Source: our own; the linear representation is that of Pan et al., CVPR 2019, here for the three
colours of the photo.

Start: adds nothing.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize

_WIDTH = 32
_BLOCKS = 8
_CELL = 2  # pixels on a side that become channels
# Start less enlarged map is small, and tells most.
_GAIN = 4


class _Block(nn.Module):
    """Two 3x3 convolutions beside a straight line."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` and what the convolutions make of it."""
        y: Tensor = x + self.second(F.relu(self.first(x)))
        return y


class SVLRMPlus(nn.Module):
    """Sees photo, start and enlarged map; tells `alpha` for each colour, and `beta`."""

    def __init__(self, scale: int, *, width: int = _WIDTH, blocks: int = _BLOCKS) -> None:
        super().__init__()
        self.scale = scale
        # Three colours, start, and start less enlarged map.
        self.into = nn.Conv2d(5 * _CELL**2, width, 3, padding=1)
        self.body = nn.Sequential(*(_Block(width) for _ in range(blocks)))
        self.last = nn.Conv2d(width, 4 * _CELL**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(
        self, lr: Float[Tensor, "b 1 h w"], guide: Float[Tensor, "b 4 sh sw"]
    ) -> Float[Tensor, "b 1 sh sw"]:
        """The depth map `lr` enlarged; values on [0, 1].

        Args:
            lr: The depth map on [0, 1].
            guide: The photo in colours and, as its last channel, `lr` enlarged by guided diffusion;
                on [0, 1], exactly `scale` times larger.
        """
        alpha, beta = self.coefficients(lr, guide)
        photo, start = guide[:, :3] - 0.5, guide[:, 3:]
        return start + (alpha * photo).sum(dim=1, keepdim=True) + beta

    def coefficients(
        self, lr: Float[Tensor, "b 1 h w"], guide: Float[Tensor, "b 4 sh sw"]
    ) -> tuple[Float[Tensor, "b 3 sh sw"], Float[Tensor, "b 1 sh sw"]]:
        """`alpha` of every pixel for each colour, and `beta`; of any size and sign."""
        start = guide[:, 3:]
        moved = start - imresize(lr, scale=self.scale)
        x = torch.cat((guide - 0.5, moved * _GAIN), dim=1)
        height, width = x.shape[-2:]
        # Sides that are no multiple of a cell are continued.
        x = F.pad(x, (0, -width % _CELL, 0, -height % _CELL), mode="replicate")
        # (b, 5, sh, sw) -> (b, 5 cell², sh / cell, sw / cell)
        x = F.relu(self.into(F.pixel_unshuffle(x, _CELL)))
        y = F.pixel_shuffle(self.last(self.body(x)), _CELL)[..., :height, :width]
        return y[:, :3], y[:, 3:]


_SCALES = (2, 4, 8, 16)
# The radius in pixels of the convolutions. LR pixels are whole cells, so that tiles cut none.
_RADIUS = _CELL * (2 * _BLOCKS + 2)

SPEC = ModelSpec(
    name="svlrm-plus",
    build=SVLRMPlus,
    scales=_SCALES,
    channels="depth+start",
    reach={s: math.ceil(_RADIUS / s) + 2 for s in _SCALES},
    paper="our own, after Pan et al., Spatially Variant Linear Representation Models for Joint "
    "Filtering, CVPR 2019",
    parameters=dict.fromkeys(_SCALES, 158_384),
)
