"""Places of a picture: given by the user, or found where results differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Shaped, UInt8
from torch import Tensor

from superfine.errors import UsageError

_SMALLEST = 8  # HR pixels on a side: fewer show nothing
_LARGEST_USUAL = 96
# Of all places, the half with the least detail in the truth is passed over.
_FLAT = 0.5


@dataclass(frozen=True)
class Box:
    """A rectangle in HR pixels: its upper left pixel and its size."""

    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.width},{self.height}"

    def cut(self, picture: Shaped[Tensor, "c h w"]) -> Shaped[Tensor, "c m n"]:
        """What of `picture` lies inside."""
        rows = slice(self.top, self.top + self.height)
        return picture[:, rows, self.left : self.left + self.width]


def enlarged(crop: UInt8[Tensor, "_ h w"], times: int) -> UInt8[Tensor, "3 m n"]:
    """Every pixel of a grey or RGB picture as a square of pixels, in RGB."""
    large = crop.repeat_interleave(times, dim=-2).repeat_interleave(times, dim=-1)
    return large.expand(3, -1, -1)


def require_usable(boxes: Sequence[Box], *, width: int, height: int) -> None:
    """Checks that all boxes have one size and lie in a picture of `width` by `height`.

    Raises:
        UsageError: With the box that does not fit.
    """
    for box in boxes:
        if min(box.width, box.height) < _SMALLEST:
            raise UsageError(
                f"The box {box} is too small.", hint=f"Give at least {_SMALLEST}x{_SMALLEST}."
            )
        if (
            min(box.left, box.top) < 0
            or box.left + box.width > width
            or box.top + box.height > height
        ):
            raise UsageError(
                f"The box {box} reaches out of the picture, which is {width}x{height}.",
                hint="Give --box X,Y,W,H in pixels of PICTURE.",
            )
        if (box.width, box.height) != (boxes[0].width, boxes[0].height):
            raise UsageError(
                f"The boxes {boxes[0]} and {box} differ in size.",
                hint="Give all boxes one size, so that their crops stand in one grid.",
            )


def most_telling(
    results: Sequence[UInt8[Tensor, "_ h w"]], truth: UInt8[Tensor, "_ h w"], *, scale: int
) -> Box:
    """The square where `results` differ most among themselves, away from flat places.

    The variance of the results' grey values, averaged over the square, is largest there; the half
    of all squares where the truth varies least is passed over. Squares lie on the grid of the LR
    picture, their side is a sixth of the truth's smaller side, and the upper left one of equals is
    taken, so that the answer depends on the pixels alone.

    Args:
        results: Codes; a single one is set against the truth.
        truth: Codes of the same size, cropped to multiples of the scale.
        scale: HR pixels per LR pixel.
    """
    side = _usual_side(min(truth.shape[-2:]), scale)
    shown = [*results] if len(results) > 1 else [*results, truth]
    spread = np.stack([_grey(picture) for picture in shown]).var(axis=0)
    differ = _means(spread, side)[::scale, ::scale]
    grey = _grey(truth)
    detail = (_means(grey**2, side) - _means(grey, side) ** 2)[::scale, ::scale]
    differ[detail < np.quantile(detail, _FLAT)] = -1
    row, column = np.unravel_index(differ.argmax(), differ.shape)
    return Box(int(column) * scale, int(row) * scale, side, side)


def most_different(a: Float64[Tensor, "c h w"], b: Float64[Tensor, "c h w"], *, side: int) -> Box:
    """The square of `side`, or less where a picture is smaller, in which two pictures differ most.

    The mean absolute difference over it is the largest; the middle one of equals is taken, so that
    a single pixel stands in the middle.
    """
    side = min(side, *a.shape[-2:])
    means = _means((a - b).abs().mean(dim=0).numpy(), side)
    # Sums that are equal on paper differ in their last digits.
    equals = np.argwhere(means >= means.max() * (1 - 1e-9))
    from_middle = ((equals - equals.mean(axis=0)) ** 2).sum(axis=1)
    row, column = equals[from_middle.argmin()]
    return Box(int(column), int(row), side, side)


def _usual_side(shorter: int, scale: int) -> int:
    wanted = min(max(shorter // 6, 4 * _SMALLEST), _LARGEST_USUAL, shorter)
    return max(wanted // scale * scale, scale)


def _grey(picture: UInt8[Tensor, "_ h w"]) -> Float64[np.ndarray, "h w"]:
    grey: Float64[np.ndarray, "h w"] = picture.to(torch.float64).mean(dim=0).numpy()
    return grey


def _means(x: Float64[np.ndarray, "h w"], side: int) -> Float64[np.ndarray, "m n"]:
    """The mean over each square of `side` that lies whole in `x`."""
    sums = np.pad(x, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inner = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    means: Float64[np.ndarray, "m n"] = inner / side**2
    return means
