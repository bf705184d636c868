"""What makes LR pictures out of true ones, by name: the right ways, and the usual wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image as PillowImage
from torch import Tensor

from superfine.data.check.resize import opencv_bicubic, pillow_bicubic
from superfine.errors import find_named
from superfine.ops import codes
from superfine.ops.resize import Border, imresize, imresize_uint8, round_half_up


@dataclass(frozen=True)
class Resize:
    """One program's bicubic interpolation, down and up again.

    Attributes:
        name: What tables and logs say.
        about: One line for people.
        shrink: A picture in codes, its sides multiples of the scale, and the scale -> the LR one
            on [0, 1], float64.
        enlarge: The LR picture on [0, 1] and the scale -> a picture in codes: the bicubic line of
            a table.
    """

    name: str
    about: str
    shrink: Callable[[UInt8[Tensor, "c h w"], int], Float[Tensor, "c m n"]]
    enlarge: Callable[[Float[Tensor, "c m n"], int], UInt8[Tensor, "c h w"]]


def to_codes(sr: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """A result on [0, 1] as 8-bit codes, clipped and rounded half up in float64."""
    return codes.to_codes(sr.double(), torch.uint8)


def find_resize(name: str) -> Resize:
    """The resize called `name`.

    Raises:
        UnknownNameError: With the nearest name we do have.
    """
    return find_named("resize", name, RESIZES, listing="docs/protocols.md")


def _shrink_floats(hr: UInt8[Tensor, "c h w"], scale: int) -> Float[Tensor, "c m n"]:
    return imresize(hr.double() / 255, scale=1 / scale)


def _enlarge_floats(lr: Float[Tensor, "c m n"], scale: int) -> UInt8[Tensor, "c h w"]:
    return to_codes(imresize(lr, scale=scale))


def _eight_bit(name: str, about: str, *, border: Border, antialias: bool = True) -> Resize:
    """MATLAB's bicubic on uint8 pictures."""

    def shrink(hr: UInt8[Tensor, "c h w"], scale: int) -> Float[Tensor, "c m n"]:
        small = imresize_uint8(hr, scale=1 / scale, border=border, antialias=antialias)
        return small.double() / 255

    def enlarge(lr: Float[Tensor, "c m n"], scale: int) -> UInt8[Tensor, "c h w"]:
        return imresize_uint8(to_codes(lr), scale=scale, border=border)

    return Resize(name, about, shrink, enlarge)


def _shrink_pillow(hr: UInt8[Tensor, "c h w"], scale: int) -> Float[Tensor, "c m n"]:
    return pillow_bicubic(hr, scale).double() / 255


def _enlarge_pillow(lr: Float[Tensor, "c m n"], scale: int) -> UInt8[Tensor, "c h w"]:
    size = (lr.shape[2] * scale, lr.shape[1] * scale)
    planes = [PillowImage.fromarray(plane.contiguous().numpy()) for plane in to_codes(lr)]
    large = [np.asarray(p.resize(size, PillowImage.Resampling.BICUBIC)) for p in planes]
    return torch.from_numpy(np.stack(large))


def _shrink_opencv(hr: UInt8[Tensor, "c h w"], scale: int) -> Float[Tensor, "c m n"]:
    return opencv_bicubic(hr, scale).double() / 255


def _enlarge_opencv(lr: Float[Tensor, "c m n"], scale: int) -> UInt8[Tensor, "c h w"]:
    return round_half_up(imresize(lr * 255, scale=scale, method="opencv", border="replicate"))


MATLAB = Resize(
    "matlab",
    "MATLAB's bicubic on floats: nothing is rounded.",
    _shrink_floats,
    _enlarge_floats,
)
MATLAB_8BIT = _eight_bit(
    "matlab-8bit",
    "MATLAB's bicubic on uint8 pictures, rounded half up after each pass: the LR files of papers.",
    border="symmetric",
)
MATLAB_OLD = _eight_bit(
    "matlab-8bit-replicate",
    "The same of older MATLABs, which repeat the pixels of the border.",
    border="replicate",
)
PILLOW = Resize(
    "pillow", "Pillow's BICUBIC, cut off at the border.", _shrink_pillow, _enlarge_pillow
)
OPENCV = Resize(
    "opencv",
    "OpenCV's INTER_CUBIC: a = -3/4 and no antialiasing.",
    _shrink_opencv,
    _enlarge_opencv,
)
NO_ANTIALIAS = _eight_bit(
    "no-antialias",
    "MATLAB's bicubic without antialiasing, as other libraries do it.",
    border="symmetric",
    antialias=False,
)

RESIZES: tuple[Resize, ...] = (MATLAB, MATLAB_8BIT, MATLAB_OLD, PILLOW, OPENCV, NO_ANTIALIAS)
