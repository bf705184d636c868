"""Where the pieces a network learns from are cut out of one picture: where it has edges.

Source: the data loader of KernelGAN (Bell-Kligler, Shocher, Irani, NeurIPS 2019), which DARSR took
over. Piece i of a run is a pure function of the seed and i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from superfine.ops.border import folded
from superfine.ops.counter import draw

# The strongest 3 % of all gradients count, each as much as any other.
_QUANTILE = 0.97


@dataclass(frozen=True)
class Place:
    """One piece: its first row and column, and how it is turned.

    Attributes:
        row: In the picture it is cut from.
        column: The same.
        flipped: Left and right change places.
        transposed: Rows and columns change places, after that.
    """

    row: int
    column: int
    flipped: bool = False
    transposed: bool = False

    def cut(
        self, picture: Float[Tensor, "c h w"], side: int, *, every: int = 1, times: int = 1
    ) -> Float[Tensor, "c side side"]:
        """`side` pixels square, of a picture `every` times smaller or `times` larger than mine."""
        row, column = self.row * times // every, self.column * times // every
        piece = picture[:, row : row + side, column : column + side]
        piece = piece.flip(-1) if self.flipped else piece
        return piece.transpose(-1, -2) if self.transposed else piece


class Places:
    """Squares of one size in one picture, the more often the more edges lie about their middle."""

    def __init__(
        self,
        weight: Float[Tensor, "h w"],
        side: int,
        *,
        step: int,
        seed: int,
        stream: int,
        turned: bool,
    ) -> None:
        """Of a picture with so much to see at each pixel.

        Args:
            weight: `gradient_map` of the picture.
            side: Of a square; at most that of the picture.
            step: Rows and columns squares begin at are multiples of it.
            seed: Of the run, 0 or more.
            stream: Tells apart what squares of one run are for.
            turned: Flip and transpose each square, or not, by chance.
        """
        height, width = weight.shape
        # A square lies about its middle; the mean over half its size is what it has to see.
        half = side // 2
        mean = F.avg_pool2d(weight[None, None], max(1, half), stride=1)[0, 0]
        first = side // 4
        rows = torch.arange(0, height - side + 1, step)
        columns = torch.arange(0, width - side + 1, step)
        chance = mean[(rows + first)[:, None], columns + first].double()
        if float(chance.sum()) <= 0:
            chance = torch.ones_like(chance)
        self._so_far = (chance.flatten() / chance.sum()).cumsum(0)
        self._across = len(columns)
        self._step, self._turned = step, turned
        self._seed, self._stream = seed, stream

    def __getitem__(self, i: int) -> Place:
        """Square `i`, of as many as are asked for."""
        where, turn = draw(self._seed, self._stream, np.array([i], np.uint64))
        found = int(torch.searchsorted(self._so_far, float(where[0]) / 2**64))
        row, column = divmod(min(found, len(self._so_far) - 1), self._across)
        turns = int(turn[0]) % 4 if self._turned else 0
        return Place(self._step * row, self._step * column, turns % 2 == 1, turns >= 2)


def gradient_map(picture: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    """About 1 where a 5x5 window is full of the strongest gradients of the grey picture, else 0.

    Even where many gradients are as strong as the strongest 3 % (in a drawing), or none is.
    """
    grey = F.pad(picture.mean(dim=0)[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    down = (grey[2:, 1:-1] - grey[:-2, 1:-1]).abs()
    right = (grey[1:-1, 2:] - grey[1:-1, :-2]).abs()
    size = down + right
    limit = size.flatten().kthvalue(max(1, int(_QUANTILE * size.numel()))).values
    strong = (size > limit).float()
    if not bool(strong.any()):
        strong = (size >= limit.clamp(min=1e-6)).float()
    return F.avg_pool2d(strong[None, None], 5, stride=1, padding=2, count_include_pad=False)[0, 0]


def at_least(picture: Float[Tensor, "c h w"], side: int) -> Float[Tensor, "c p q"]:
    """`picture`, gone on with beyond its right and lower border, mirrored, up to `side` pixels."""
    if min(picture.shape[-2:]) >= side:
        return picture
    rows, columns = (folded(torch.arange(max(n, side)), n) for n in picture.shape[-2:])
    return picture[:, rows][:, :, columns]
