"""One depth map at five sizes: with its holes kept, or as the seed's patcher makes them.

The sizes have another shape than DTU's maps, 5:4 against 4:3, so that columns shrink by 1.25 and
rows by 1.17: the seed's choice, and kept.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

# Width and height, the largest first; each is half the one before.
SIZES = ((1280, 1024), (640, 512), (320, 256), (160, 128), (80, 64))

Resize = Literal["area", "nearest"]

Level: TypeAlias = tuple[Float[np.ndarray, "_ _"], Bool[np.ndarray, "_ _"]]


def levels(
    values: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], resize: Resize
) -> list[Level]:
    """The map at each of `SIZES`, with what is measured there; holes are 0.

    "area": the mean of what was measured of a pixel's area, exact for any ratio of sizes; a hole
    where that is less than half of it. "nearest": the sample under its middle, so that no depth
    lies between two surfaces.
    """
    if resize == "nearest":
        return [_nearest(values, valid, size) for size in SIZES]
    weight = _area(valid.astype(np.float64), SIZES[0])
    total = _area(np.where(valid, values, 0).astype(np.float64), SIZES[0])
    found = []
    for _ in SIZES:
        # Sums over areas add up, so that every level is as if made from the map itself.
        measured = weight >= 0.5 * _whole_area(values.shape, weight.shape)
        found.append((np.divide(total, weight, where=measured, out=np.zeros_like(total)), measured))
        weight, total = _halved(weight), _halved(total)
    return found


def seed_levels(values: Float[np.ndarray, "h w"]) -> list[UInt8[np.ndarray, "_ _"]]:
    """The map at each of `SIZES` as the seed's patcher writes it, in 8 bits.

    Stretched from the least to the largest value, holes at 0 counted; shrunk to 1280x1024 by
    bilinear interpolation without low-pass, and from there to each smaller size likewise, so that
    LR is aliased and mixes holes with surfaces.

    Source: asrimanth/DSDMSR-PyTorch, dtu_patcher.py, which uses OpenCV.
    """
    values = values.astype(np.float64)
    low, high = values.min(), values.max()
    stretched = (values - low) / (high - low + 1e-8) * 255.0
    largest = _bilinear(stretched, SIZES[0])
    return [_rounded(largest if size == SIZES[0] else _bilinear(largest, size)) for size in SIZES]


def _whole_area(of: tuple[int, ...], to: tuple[int, ...]) -> float:
    """How many pixels of a map of shape `of` one pixel of shape `to` stands for."""
    return of[0] * of[1] / (to[0] * to[1])


def _nearest(
    values: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"], size: tuple[int, int]
) -> Level:
    row, column = (
        ((np.arange(to) + 0.5) * (of / to)).astype(int)
        for of, to in zip(values.shape, (size[1], size[0]), strict=True)
    )
    measured = valid[np.ix_(row, column)]
    return np.where(measured, values[np.ix_(row, column)].astype(np.float64), 0), measured


def _area(x: Float[np.ndarray, "h w"], size: tuple[int, int]) -> Float[np.ndarray, "m n"]:
    """Sums of `x` over the areas that the pixels of a map of `size` cover."""
    return _area_of_rows(_area_of_rows(x, size[1]).T, size[0]).T


def _area_of_rows(x: Float[np.ndarray, "h w"], count: int) -> Float[np.ndarray, "n w"]:
    height = x.shape[0]
    # The integral from the top down to each border between rows of the result.
    border = np.arange(count + 1) * (height / count)
    whole = np.minimum(border.astype(int), height - 1)
    down_to = np.zeros((height + 1, x.shape[1]))
    np.cumsum(x, axis=0, out=down_to[1:])
    integral = down_to[whole] + (border - whole)[:, None] * x[whole]
    areas: Float[np.ndarray, "n w"] = np.diff(integral, axis=0)
    return areas


def _halved(x: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "m n"]:
    """Sums over blocks of 2x2."""
    halved: Float[np.ndarray, "m n"] = x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]
    return halved


def _bilinear(x: Float[np.ndarray, "h w"], size: tuple[int, int]) -> Float[np.ndarray, "m n"]:
    """`x` sampled at the middles of `size` pixels, as OpenCV's INTER_LINEAR."""
    return _bilinear_of_rows(_bilinear_of_rows(x.T, size[0]).T, size[1])


def _bilinear_of_rows(x: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    height = x.shape[0]
    # OpenCV holds places and weights in single precision, also where samples are double.
    place = ((np.arange(count) + 0.5) * (height / count) - 0.5).astype(np.float32)
    place = np.clip(place, 0, height - 1)
    above = np.minimum(np.floor(place).astype(int), height - 2)
    below = (place - above.astype(np.float32))[:, None]
    sampled: NDArray[np.float64] = x[above] * (1 - below).astype(float) + x[above + 1] * below
    return sampled


def _rounded(x: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    # OpenCV rounds halves to even.
    codes: UInt8[np.ndarray, "h w"] = np.rint(np.clip(x, 0, 255)).astype(np.uint8)
    return codes
