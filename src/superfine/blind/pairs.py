"""Pairs a correction network learns from, made of the one picture there is, one scale down.

The picture, corrected in closed form, takes the place of the sharp one. Degraded by the kernel and
corrected again it shows what the closed form leaves undone, and bicubic shrinking of it what should
have come out. DARSR's forward cycle is this pair; the rest is ours: the closed form on both sides,
kernels that differ a little from the estimate, so that the network is not taught to trust it to the
last digit, and squares that are only looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from superfine.ops.correction import correct
from superfine.ops.counter import draw
from superfine.ops.degrade import degrade
from superfine.ops.kernels import gaussian
from superfine.ops.resize import imresize

# One of the streams of random numbers of one run.
_VARIANTS = 1
# Sides of the cells of a chessboard by which squares are held out, in pixels of the target.
_CELL = 16
# One cell in this many along a diagonal is held out.
_HELD_OUT = 8


@dataclass(frozen=True, eq=False)
class Pair:
    """One whole picture as the network will see it, and what it should make of it.

    Attributes:
        seen: Degraded and corrected in closed form.
        wanted: The same picture shrunk by bicubic.
        held_out: True where the network must not learn.
    """

    seen: Float[Tensor, "c h w"]
    wanted: Float[Tensor, "c h w"]
    held_out: Bool[Tensor, "h w"]


class Pairs:
    """As many pairs as are asked for, each a pure function of the seed and its number.

    Of every pair the picture is turned in one of eight ways, and begins up to `scale` - 1 pixels
    later, so that other pixels are kept. The kernel keeps its direction.
    """

    def __init__(
        self,
        picture: Float[Tensor, "c h w"],
        matrix: Float[Tensor, "2 2"],
        *,
        scale: int,
        seed: int,
        spread: float,
        codes: int | None,
    ) -> None:
        """Of one picture.

        Args:
            picture: LR corrected in closed form.
            matrix: Covariance of the estimated kernel, (row, column), HR pixels squared.
            scale: HR pixels per LR pixel.
            seed: Of the run, 0 or more.
            spread: How far kernels differ from the estimate, see `unlike`.
            codes: What the picture in hand was rounded to: 255 for 8 bits; None for not.
        """
        self._picture, self._matrix, self._scale = picture.clamp(0, 1), matrix, scale
        self._kernel = gaussian(matrix, scale=scale)
        self._seed, self._spread, self._codes = seed, spread, codes

    def __getitem__(self, number: int) -> Pair:
        """Pair `number`, from 0. Pair 0 is the picture as it stands, with the kernel itself."""
        scale, kernel = self._scale, self._kernel
        turn = row = column = 0
        if number:
            drawn = words(self._seed, _VARIANTS, number)
            turn, row, column = drawn[0] % 8, drawn[1] % scale, drawn[2] % scale
            kernel = gaussian(unlike(self._matrix, self._spread, drawn[3]), scale=scale)
        height, width = self._picture.shape[-2:]
        # Where the size is odd nothing may be moved beyond the last pixel.
        row, column = min(row, height - 1), min(column, width - 1)
        sharp = turned(self._picture, turn)[:, row:, column:]
        lr = degrade(sharp, kernel)
        if self._codes is not None:
            lr = torch.floor(lr * self._codes + 0.5).clamp(0, self._codes) / self._codes
        held = turned(held_out((height, width), _CELL * scale)[None], turn)[0, row:, column:]
        return Pair(
            correct(lr, self._kernel),
            imresize(sharp, scale=1 / scale),
            held[::scale, ::scale],
        )


def unlike(matrix: Float[Tensor, "2 2"], spread: float, number: int) -> Float[Tensor, "2 2"]:
    """`matrix` with normal errors: their standard deviation is `spread` times half its trace.

    Off the diagonal a root of 2 less, as if turned by chance. Variances stay above 0.3, where
    kernels of x2 have little left to correct.
    """
    generator = torch.Generator().manual_seed(number)
    size = spread * float(matrix.trace()) / 2
    noise = size * torch.randn(2, 2, dtype=torch.float64, generator=generator)
    variances, directions = torch.linalg.eigh(matrix.double() + (noise + noise.T) / 2)
    changed: Tensor = directions @ torch.diag(variances.clamp(min=0.3)) @ directions.T
    return changed


def turned(x: Shaped[Tensor, "c h w"], turn: int) -> Shaped[Tensor, "c p q"]:
    """`x` in one of the eight ways a picture can lie; 0 is as it stands."""
    x = x.flip(-1) if turn & 1 else x
    x = x.flip(-2) if turn & 2 else x
    return x.transpose(-1, -2) if turn & 4 else x


def held_out(size: tuple[int, int], cell: int) -> Bool[Tensor, "h w"]:
    """True in every eighth square of `cell` pixels, along diagonals; a tenth of small pictures.

    Of a picture with less than eight cells the last rows are held out, at least one.
    """
    rows, columns = (torch.arange(n) // cell for n in size)
    held = (3 * rows[:, None] + columns) % _HELD_OUT == _HELD_OUT // 2
    if bool(held.any()) and not bool(held.all()):
        return held
    last = torch.zeros(size, dtype=torch.bool)
    last[-max(1, size[0] // 10) :] = size[0] > 1
    return last


def words(seed: int, stream: int, number: int) -> tuple[int, int, int, int]:
    """Four random numbers below 2^32 for sample `number`."""
    pair = [int(drawn[0]) for drawn in draw(seed, stream, np.array([number], np.uint64))]
    return pair[0] >> 32, pair[0] % 2**32, pair[1] >> 32, pair[1] % 2**32
