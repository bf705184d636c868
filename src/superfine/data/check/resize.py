"""Which program shrank a picture: LR is compared with what each would have made of HR."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from PIL import Image as PillowImage
from torch import Tensor

from superfine.ops.resize import imresize, imresize_uint8, round_half_up

_SAME = 0.5  # root-mean-square codes; MATLAB and Pillow differ by 0.4 or more on photographs
_TIED = 0.05


@dataclass(frozen=True)
class MadeBy:
    """Which resizes come nearest to an LR picture; several where they do the same at this scale.

    Attributes:
        names: Of the resizes.
        error: Root-mean-square difference to the LR picture, in 8-bit codes.
    """

    names: tuple[str, ...]
    error: float

    @property
    def sure(self) -> bool:
        """Whether the difference is no more than rounding."""
        return self.error <= _SAME


def made_by(hr: UInt8[Tensor, "c h w"], lr: UInt8[Tensor, "c m n"], scale: int) -> MadeBy:
    """The resize that made `lr`, `hr` being exactly `scale` times larger.

    Every pixel of a block is tried for the nearest neighbour, since programs choose differently.
    """
    made = {name: resize(hr, scale) for name, resize in RESIZES.items()}
    for row, column in itertools.product(range(scale), repeat=2):
        name = f"nearest (row {row}, column {column} of {scale}×{scale})"
        made[name] = decimated(hr, scale, (row, column))
    truth = lr.double()
    errors = {
        name: float((small.double() - truth).square().mean().sqrt()) for name, small in made.items()
    }
    least = min(errors.values())
    names = tuple(name for name, error in errors.items() if error <= least + _TIED)
    return MadeBy(names, least)


def matlab_bicubic(hr: UInt8[Tensor, "c h w"], scale: int) -> UInt8[Tensor, "c m n"]:
    """MATLAB's `imresize(hr, 1/scale)`: cubic with a = -1/2, widened against aliasing."""
    return imresize_uint8(hr, scale=1 / scale)


def pillow_bicubic(hr: UInt8[Tensor, "c h w"], scale: int) -> UInt8[Tensor, "c m n"]:
    """Pillow's `BICUBIC`: the same kernel as MATLAB's, cut off at the border, rounded elsewhere."""
    planes = [PillowImage.fromarray(plane.contiguous().numpy()) for plane in hr]
    size = (hr.shape[2] // scale, hr.shape[1] // scale)
    small = [np.asarray(p.resize(size, PillowImage.Resampling.BICUBIC)) for p in planes]
    return torch.from_numpy(np.stack(small))


def opencv_bicubic(hr: UInt8[Tensor, "c h w"], scale: int) -> UInt8[Tensor, "c m n"]:
    """OpenCV's `INTER_CUBIC`: a = -3/4, never widened, so that fine detail aliases.

    LR pixels lie in the middle of `scale` HR ones: half-way between two of them for even scales,
    where the taps are (-3, 19, 19, -3) / 32, and on one of them for odd scales.
    """
    small = imresize(
        hr.double(), scale=1 / scale, method="opencv", antialias=False, border="replicate"
    )
    return round_half_up(small)


def opencv_bilinear(hr: UInt8[Tensor, "c h w"], scale: int) -> UInt8[Tensor, "c m n"]:
    """OpenCV's `INTER_LINEAR`, its default: the mean of the innermost pixels of each block."""
    first, last = (scale - 1) // 2, scale // 2
    places = ((first, first), (first, last), (last, first), (last, last))
    corners = [decimated(hr, scale, place).double() for place in places]
    return round_half_up(torch.stack(corners).mean(dim=0))


def box(hr: UInt8[Tensor, "c h w"], scale: int) -> UInt8[Tensor, "c m n"]:
    """OpenCV's `INTER_AREA`, a box: the mean of each block."""
    return round_half_up(F.avg_pool2d(hr.double(), scale))


def decimated(
    hr: UInt8[Tensor, "c h w"], scale: int, place: tuple[int, int]
) -> UInt8[Tensor, "c m n"]:
    """One pixel of each block: `place` is its row and column there."""
    return hr[:, place[0] :: scale, place[1] :: scale]


RESIZES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "MATLAB bicubic": matlab_bicubic,
    "Pillow bicubic": pillow_bicubic,
    "OpenCV bicubic": opencv_bicubic,
    "OpenCV bilinear": opencv_bilinear,
    "OpenCV area": box,
}
