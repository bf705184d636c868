"""Bicubic interpolation as a network: the line every other network has to beat.

Source: Keys, "Cubic convolution interpolation for digital image processing", 1981, as MATLAB's
`imresize` computes it.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize


class Bicubic(nn.Module):
    """Enlarges by MATLAB's bicubic; has nothing to learn."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
        """`lr` enlarged; overshoot beyond [0, 1] is kept."""
        return imresize(lr, scale=self.scale)


_SCALES = (1, 2, 3, 4, 6, 8)

SPEC = ModelSpec(
    name="bicubic",
    build=Bicubic,
    scales=_SCALES,
    channels="rgb",
    reach=dict.fromkeys(_SCALES, 2),
    paper="Keys, Cubic convolution interpolation for digital image processing, TASSP 1981",
    parameters=dict.fromkeys(_SCALES, 0),
)
