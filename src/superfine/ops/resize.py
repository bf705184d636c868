"""MATLAB's `imresize`, on tensors: the resize every published super-resolution table stands on.

Convention: pixel `i` (counted from 0) of a row of `n` covers [i, i + 1) of a line of length n; the
centre of output pixel `i` lies at `(i + 1/2) / scale - 1/2` of the input. When shrinking with
`antialias`, the kernel is stretched by 1 / scale. Weights are normalised to sum 1.

Source: The MathWorks, `imresize` (R2006b and later), as published in its documentation and in
Keys, "Cubic convolution interpolation for digital image processing", 1981 (a = -1/2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor

from superfine.ops.border import folded

# "opencv" is OpenCV's INTER_CUBIC, Keys' cubic with a = -3/4; the others are MATLAB's.
Method = Literal["bicubic", "bilinear", "lanczos3", "box", "nearest", "opencv"]
# "symmetric" mirrors with the edge pixel repeated (dcba|abcd|dcba; MATLAB today);
# "replicate" repeats the edge pixel (aaaa|abcd|dddd; MATLAB before R2010, and the older tables);
# "cut" leaves out what lies beyond and lets the rest weigh more (Pillow, and the depth tables).
Border = Literal["symmetric", "replicate", "cut"]


def bilinear_phases(scale: int) -> Float[Tensor, "phases 3 3"]:
    """For each of the scale² places within an LR pixel, the 3x3 kernel that interpolates there.

    In the order of a pixel shuffle, so that a sub-pixel layer can start as interpolation.
    """
    # On the CPU also where a network is built without memory.
    offset = (torch.arange(scale, device="cpu") + 0.5) / scale - 0.5
    line = torch.stack((-offset, 1 - offset.abs(), offset), dim=1).clamp(min=0)
    return torch.einsum("ah,bw->abhw", line, line).flatten(0, 1)


def bicubic_kernel(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Keys' cubic with a = -1/2 at distance `x`, in input pixels; 0 from 2 on."""
    x = x.abs()
    x2, x3 = x * x, x * x * x
    near = 1.5 * x3 - 2.5 * x2 + 1
    far = -0.5 * x3 + 2.5 * x2 - 4 * x + 2
    return near * (x <= 1) + far * ((x > 1) & (x <= 2))


def _opencv_cubic(x: Tensor) -> Tensor:
    x = x.abs()
    near = (1.25 * x - 2.25) * x * x + 1
    far = ((-0.75 * x + 3.75) * x - 6) * x + 3
    return near * (x <= 1) + far * ((x > 1) & (x <= 2))


def _triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _lanczos3(x: Tensor) -> Tensor:
    # MATLAB adds eps above and below the fraction so that 0/0 is 1.
    eps = torch.finfo(torch.float64).eps
    pi = math.pi
    value = (torch.sin(pi * x) * torch.sin(pi * x / 3) + eps) / ((pi * pi) * (x * x) / 3 + eps)
    return value * (x.abs() < 3)


def _box(x: Tensor) -> Tensor:
    return ((x >= -0.5) & (x < 0.5)).to(x.dtype)


# Kernel and the width of its support, in input pixels at scale 1.
_KERNELS: dict[Method, tuple[Callable[[Tensor], Tensor], float]] = {
    "bicubic": (bicubic_kernel, 4.0),
    "bilinear": (_triangle, 2.0),
    "lanczos3": (_lanczos3, 6.0),
    "box": (_box, 1.0),
    "nearest": (_box, 1.0),
    "opencv": (_opencv_cubic, 4.0),
}
# Those that reach at most two pixels to each side when enlarging.
_SHORT = ("bicubic", "bilinear")


@dataclass(frozen=True, eq=False)
class Taps:
    """How one axis is resized: output `i` is `sum_k weight[i, k] * input[index[i, k]]`.

    Attributes:
        weight: (outputs, taps), float64; rows sum to 1.
        index: (outputs, taps), positions in the input, already folded back at the borders.
    """

    weight: Float[Tensor, "n k"]
    index: Int[Tensor, "n k"]

    def window(self, start: int, stop: int) -> tuple[Taps, int, int]:
        """The taps of outputs [start, stop), counted from the first input they read.

        Returns:
            The taps, and the range [first, last) of inputs they need.
        """
        index = self.index[start:stop]
        first, last = int(index.min()), int(index.max()) + 1
        return Taps(self.weight[start:stop], index - first), first, last


def taps(
    size_in: int,
    size_out: int,
    *,
    scale: float,
    method: Method = "bicubic",
    antialias: bool = True,
    border: Border = "symmetric",
) -> Taps:
    """The weights and positions MATLAB uses to bring `size_in` samples to `size_out`.

    Args:
        size_in: Samples on the axis.
        size_out: Samples wanted.
        scale: Ratio of the two sampling rates; not always size_out / size_in, see `imresize`.
        method: Interpolation kernel. "nearest" never antialiases, as in MATLAB.
        antialias: Stretch the kernel when shrinking.
        border: What lies beyond the first and last sample.
    """
    kernel, width = _KERNELS[method]
    shrinking = antialias and scale < 1 and method != "nearest"
    stretch = scale if shrinking else 1.0
    width = width / stretch

    # 1-based positions, as MATLAB computes them: the last bit of float64 decides ties of "box".
    x = torch.arange(1, size_out + 1, dtype=torch.float64)
    u = x / scale + 0.5 * (1 - 1 / scale)
    left = torch.floor(u - width / 2)
    count = math.ceil(width) + 2
    position = left[:, None] + torch.arange(count, dtype=torch.float64)
    weight = stretch * kernel(stretch * (u[:, None] - position))
    if border == "cut":
        weight = weight * ((position >= 1) & (position <= size_in))
    weight = weight / weight.sum(dim=1, keepdim=True)

    index = position.long() - 1
    index = folded(index, size_in) if border == "symmetric" else index.clamp(0, size_in - 1)

    used = (weight != 0).any(dim=0)
    return Taps(weight[:, used].contiguous(), index[:, used].contiguous())


def output_size(size_in: int, scale: float | Fraction) -> int:
    """MATLAB's size of a resized axis: ceil(size * scale), safe from noise such as 3 * (1/3)."""
    return math.ceil(round(size_in * float(scale), 9))


def apply_taps(x: Float[Tensor, "*lead n"], axis_taps: Taps) -> Float[Tensor, "*lead m"]:
    """The last axis of `x` resized by `axis_taps`; differentiable, in the precision of `x`.

    The taps are summed one after the other, in the order of the input, as a loop in C would:
    that order makes the uint8 form equal MATLAB's to the last code.
    """
    weight = axis_taps.weight.to(x)
    index = axis_taps.index.to(x.device)
    total = x[..., index[:, 0]] * weight[:, 0]
    for k in range(1, index.shape[1]):
        total = total + x[..., index[:, k]] * weight[:, k]
    return total


def resize_axes(
    x: Float[Tensor, "*lead h w"], rows: Taps, columns: Taps
) -> Float[Tensor, "*lead m n"]:
    """`x` resized along both axes, rows (vertical pass) first."""
    tall = apply_taps(x.transpose(-1, -2), rows).transpose(-1, -2)
    return apply_taps(tall, columns)


def plan_axes(
    size_in: tuple[int, int],
    *,
    scale: float | Fraction | None = None,
    size: tuple[int, int] | None = None,
    method: Method = "bicubic",
    antialias: bool = True,
    border: Border = "symmetric",
) -> tuple[Taps, Taps]:
    """The taps of both axes for `imresize` with the same options.

    Raises:
        ValueError: Unless exactly one of `scale` and `size` is given and it is positive.
    """
    if (scale is None) == (size is None):
        raise ValueError("give either scale or size")
    if size is None:
        assert scale is not None
        if not 0 < float(scale) < math.inf:
            raise ValueError(f"scale is a positive number, not {scale}")
        size = (output_size(size_in[0], scale), output_size(size_in[1], scale))
        ratios = (float(scale), float(scale))
    else:
        if min(size) < 1:
            raise ValueError(f"a size is at least 1x1, not {size}")
        ratios = (size[0] / size_in[0], size[1] / size_in[1])
    pairs = [
        taps(before, after, scale=ratio, method=method, antialias=antialias, border=border)
        for before, after, ratio in zip(size_in, size, ratios, strict=True)
    ]
    return pairs[0], pairs[1]


def imresize(
    x: Float[Tensor, "*lead h w"],
    *,
    scale: float | Fraction | None = None,
    size: tuple[int, int] | None = None,
    method: Method = "bicubic",
    antialias: bool = True,
    border: Border = "symmetric",
) -> Float[Tensor, "*lead m n"]:
    """`x` resized as MATLAB's `imresize` does for floats: no rounding, no clipping.

    Differentiable. With float64 input it equals a direct float64 evaluation to 1e-12.

    Args:
        x: Any leading axes; the range is free.
        scale: Ratio of the sizes; the output has ceil(size * scale) samples and the kernel stays
            at exactly `scale`, as MATLAB does when called with a scale.
        size: Rows and columns wanted, instead of `scale`; each axis then has its own ratio.
        method: Interpolation kernel.
        antialias: Stretch the kernel when shrinking.
        border: "symmetric" is MATLAB of today.
    """
    if torch.compiler.is_exporting() and border == "symmetric" and method in _SHORT:
        factor = int(float(scale or 0))
        if factor >= 1 and factor == scale:
            tall = _enlarge_columns(x.transpose(-1, -2), factor, method).transpose(-1, -2)
            return _enlarge_columns(tall, factor, method)
    rows, columns = plan_axes(
        # Numbers: while torch records the graph of a network, sizes are tensors to it.
        (int(x.shape[-2]), int(x.shape[-1])),
        scale=scale,
        size=size,
        method=method,
        antialias=antialias,
        border=border,
    )
    return resize_axes(x, rows, columns)


def _enlarge_columns(
    x: Float[Tensor, "*lead h w"], scale: int, method: Method
) -> Float[Tensor, "*lead h sw"]:
    """`x` enlarged along its last axis as `imresize` does, but for the last bits of its floats.

    For networks that are being exported: there the width stands for any width, so that nothing
    can be planned from it. All pixels share the weights of the first one's outputs.
    """
    kernel, support = _KERNELS[method]
    reach = math.ceil(support / 2)
    u = torch.arange(1, scale + 1, dtype=torch.float64) / scale + 0.5 * (1 - 1 / scale)
    near = torch.arange(1 - reach, 2 + reach, dtype=torch.float64)
    weight = kernel(u[:, None] - near)
    weight = (weight / weight.sum(dim=1, keepdim=True)).to(x)
    *lead, height, width = x.shape
    rows = x.reshape(-1, 1, height, width)
    # Mirrored twice to each side, which is far enough for a picture of one pixel.
    rows = torch.cat((rows, rows.flip(-1), rows, rows.flip(-1), rows), dim=-1)
    rows = rows[..., 2 * width - reach : 3 * width + reach]
    fine = F.conv2d(rows, weight[:, None, None, :])
    # (b, scale, h, w) -> (b, h, w, scale) -> (..., h, scale w)
    return fine.movedim(1, -1).reshape(*lead, height, width * scale)


def imresize_uint8(
    x: UInt8[Tensor, "*lead h w"],
    *,
    scale: float | Fraction | None = None,
    size: tuple[int, int] | None = None,
    method: Method = "bicubic",
    antialias: bool = True,
    border: Border = "symmetric",
) -> UInt8[Tensor, "*lead m n"]:
    """`x` resized as MATLAB does for uint8 pictures: rounded half up and clipped after each pass.

    The order of the passes matters now: the axis with the smaller ratio first, rows on a tie.
    Bit-exact against pictures MATLAB made.
    """
    rows, columns = plan_axes(
        (x.shape[-2], x.shape[-1]),
        scale=scale,
        size=size,
        method=method,
        antialias=antialias,
        border=border,
    )
    row_ratio = rows.index.shape[0] / x.shape[-2]
    column_ratio = columns.index.shape[0] / x.shape[-1]
    columns_first = size is not None and column_ratio < row_ratio
    if columns_first:
        return _rows_uint8(_columns_uint8(x, columns), rows)
    return _columns_uint8(_rows_uint8(x, rows), columns)


def _columns_uint8(x: Shaped[Tensor, "*lead h w"], columns: Taps) -> Shaped[Tensor, "*lead h n"]:
    return round_half_up(apply_taps(x.double(), columns))


def _rows_uint8(x: Shaped[Tensor, "*lead h w"], rows: Taps) -> Shaped[Tensor, "*lead m w"]:
    return round_half_up(apply_taps(x.double().transpose(-1, -2), rows)).transpose(-1, -2)


def round_half_up(x: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """`x` on the scale of codes, rounded half up and clipped to 0..255, as MATLAB's `uint8` does.

    torch rounds half to even, which moves one code in every two ties.
    """
    return torch.floor(x + 0.5).clamp(0, 255).to(torch.uint8)
