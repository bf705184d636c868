"""From one picture to its aligned patches: sizes, views, how LR is made, and the cutting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from superfine.data.prepare.options import PrepareOptions
from superfine.data.prepare.views import Size, View, turned, turned_size, views
from superfine.ops.color import luma_uint8
from superfine.ops.resize import Method, Taps, imresize_uint8, resize_axes, round_half_up


@dataclass(frozen=True)
class Sheet:
    """One picture at one size, in one view, shrunk by one kernel: what patches are cut from."""

    upscale_factor: int
    scale: float
    view: View
    upsampling: Method


@dataclass(frozen=True, eq=False)
class Cut:
    """Patches of one sheet.

    Attributes:
        upscale_factor: Of all of them.
        patches: Name of the array -> (n, rows, columns), with colours last where there are some.
    """

    upscale_factor: int
    patches: Mapping[str, UInt8[np.ndarray, "n _ _ *colours"]]


def sheets(size: Size, options: PrepareOptions) -> Iterator[tuple[Sheet, Size]]:
    """Every sheet of a picture of `size` that holds a patch, with the size of its HR."""
    for factor in options.upscale_factors:
        for scale in options.scales:
            shrunk = _whole(_scaled_size(size, scale), factor)
            for view in views(options.flips, options.rotations):
                seen = _whole(turned_size(shrunk, view.angle), factor)
                if seen[0] >= options.height and seen[1] >= options.width:
                    for method in options.upsampling:
                        yield Sheet(factor, scale, view, method), seen


def grid(size: Size, options: PrepareOptions) -> Size:
    """How many patches HR of `size` holds, down and across."""
    height, width = size
    return (
        (height - options.height) // options.stride + 1,
        (width - options.width) // options.stride + 1,
    )


def counted(size: Size, options: PrepareOptions) -> dict[int, int]:
    """Upscale factor -> how many patches a picture of `size` gives."""
    counts = dict.fromkeys(options.upscale_factors, 0)
    for sheet, seen in sheets(size, options):
        counts[sheet.upscale_factor] += math.prod(grid(seen, options))
    return counts


def shapes(factor: int, options: PrepareOptions) -> dict[str, tuple[int, ...]]:
    """Name of each array of patches -> the shape of one patch in it."""
    colours = () if options.single_y else (3,)
    return {
        name: (
            options.height // step - 2 * padding,
            options.width // step - 2 * padding,
            *colours,
        )
        for name, (step, padding) in _steps(factor, options).items()
    }


def cuts(codes: UInt8[Tensor, "c h w"], options: PrepareOptions) -> Iterator[Cut]:
    """All patches of a picture, a row of the grid at a time, always in the same order."""
    base = _channels(codes, options)
    made: dict[tuple[float, int, View], Tensor] = {}
    for sheet, _ in sheets((codes.shape[1], codes.shape[2]), options):
        key = (sheet.scale, sheet.upscale_factor, sheet.view)
        if key not in made:
            made = {key: _seen(base, sheet)}  # kernels of one view follow each other
        yield from _rows(_arrays(made[key], sheet, options), sheet.upscale_factor, options)


def _steps(factor: int, options: PrepareOptions) -> dict[str, tuple[int, int]]:
    """Name of each array -> HR pixels per pixel of it, and its pixels left out on each side."""
    steps = {"lr": (1 if options.same_size else factor, 0)}
    if not options.levels:
        return {**steps, "hr": (1, options.padding)}
    level = 2
    while level <= factor:
        steps[f"hr_x{level}"] = (factor // level, 0)
        level *= 2
    return steps


def _channels(codes: UInt8[Tensor, "c h w"], options: PrepareOptions) -> UInt8[Tensor, "d h w"]:
    if options.single_y:
        # Before any resize, as the papers' MATLAB code and our own tables do.
        return codes if codes.shape[0] == 1 else luma_uint8(codes)
    return codes.expand(3, -1, -1)


def _scaled_size(size: Size, scale: float) -> Size:
    # Plainly rounded down, noise of the product included: so the published patch counts come out.
    return math.floor(size[0] * scale), math.floor(size[1] * scale)


def _whole(size: Size, factor: int) -> Size:
    return size[0] // factor * factor, size[1] // factor * factor


def _crop(x: UInt8[Tensor, "c h w"], factor: int) -> UInt8[Tensor, "c m n"]:
    height, width = _whole((x.shape[1], x.shape[2]), factor)
    return x[:, :height, :width]


def _seen(base: UInt8[Tensor, "c h w"], sheet: Sheet) -> UInt8[Tensor, "c m n"]:
    scaled = base
    if sheet.scale != 1:
        size = _scaled_size((base.shape[1], base.shape[2]), sheet.scale)
        scaled = imresize_uint8(base, size=size)
    return _crop(turned(_crop(scaled, sheet.upscale_factor), sheet.view), sheet.upscale_factor)


def _arrays(
    hr: UInt8[Tensor, "c h w"], sheet: Sheet, options: PrepareOptions
) -> dict[str, Shaped[np.ndarray, "_ _ *colours"]]:
    factor, method = sheet.upscale_factor, sheet.upsampling
    sharp = _blurred(hr, options) if options.blur else hr
    lr = imresize_uint8(sharp, scale=1 / factor, method=method)
    if options.same_size:
        lr = imresize_uint8(lr, scale=factor, method=method)
    arrays = {"lr": lr}
    for name, (step, _) in _steps(factor, options).items():
        if name != "lr":
            arrays[name] = hr if step == 1 else imresize_uint8(hr, scale=1 / step)
    # (c, h, w) -> (h, w) or (h, w, 3)
    return {
        name: (x[0] if options.single_y else x.permute(1, 2, 0)).contiguous().numpy()
        for name, x in arrays.items()
    }


def _blurred(hr: UInt8[Tensor, "c h w"], options: PrepareOptions) -> UInt8[Tensor, "c h w"]:
    """`hr` under a Gaussian, rounded to codes as MATLAB's `imfilter` does; borders mirrored."""
    side = options.kernel_size or 2 * math.ceil(3 * options.blur) + 1
    offset = torch.arange(side) - side // 2
    weight = torch.exp(-0.5 * (offset.double() / options.blur) ** 2)
    weight = weight / weight.sum()

    def along(count: int) -> Taps:
        # Period 2n: 0 1 .. n-1 n-1 .. 1 0
        folded = (torch.arange(count)[:, None] + offset).remainder(2 * count)
        index = torch.where(folded < count, folded, 2 * count - 1 - folded)
        return Taps(weight.expand(count, -1), index)

    blurred = resize_axes(hr.double(), along(hr.shape[1]), along(hr.shape[2]))
    return round_half_up(blurred)


def _rows(
    arrays: Mapping[str, Shaped[np.ndarray, "_ _ *colours"]], factor: int, options: PrepareOptions
) -> Iterator[Cut]:
    steps = _steps(factor, options)
    step = steps["lr"][0]
    size = (arrays["lr"].shape[0] * step, arrays["lr"].shape[1] * step)
    down, across = grid(size, options)
    windows = {}
    for name, shape in shapes(factor, options).items():
        step, padding = steps[name]
        every = options.stride // step
        # (h, w, *colours) -> (down, across, *colours, rows, columns), nothing copied
        found = sliding_window_view(arrays[name], shape[:2], axis=(0, 1))
        windows[name] = found[padding::every, padding::every][:down, :across]
    for row in range(down):
        patches = {name: found[row] for name, found in windows.items()}
        if not options.single_y:
            patches = {name: np.moveaxis(x, 1, -1) for name, x in patches.items()}
        yield Cut(factor, {name: np.ascontiguousarray(x) for name, x in patches.items()})
