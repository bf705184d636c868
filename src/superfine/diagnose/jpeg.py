"""Whether a picture was a JPEG, of what quality, and where its blocks lie.

A JPEG file says so itself. A PNG that once was a JPEG has steps at every eighth row and column,
and the cosine coefficients of its blocks lie near multiples of the steps they were rounded to.

Convention: quality as the Independent JPEG Group's library counts it, 1 to 100, by the scaled
tables of ITU-T T.81, annex K. Luma is that of JFIF, on 0..255.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

# ITU-T T.81, table K.1, row by row, and K.2.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
# Coefficients with so many changes across and down are seldom all zero; the mean is left out.
_LOW = tuple((i, j) for i in range(4) for j in range(4) if 0 < i + j < 5)
# Blocks that are looked at; a picture of fewer is not judged.
_MOST_BLOCKS, _FEWEST_BLOCKS = 4000, 24
# Rows and columns that are looked at.
_LOOKED_AT = 1024
# How well coefficients must sit on the multiples of a table, of 1, for a picture to have been a
# JPEG, and how much better than on a grid of blocks that is wrong.
_SITS, _BETTER = 0.35, 0.15
# Above, steps of 1 and 2 are lost in the rounding of pixels.
_BEST_TOLD = 95


@dataclass(frozen=True)
class Jpeg:
    """What JPEG has done to a picture.

    Attributes:
        quality: 1 to 100, of the luma.
        row: Of the first block border below the top of the picture, 0 to 7: 0 where the picture
            was not cropped since.
        column: The same from its left.
        strength: How much the steps between blocks stand out: mean step at block borders over that
            elsewhere, about 1 where nothing is seen.
        from_file: True when the tables of the file were read, False when it was told from pixels.
    """

    quality: int
    row: int
    column: int
    strength: float
    from_file: bool


def quantisation_tables(data: bytes) -> tuple[tuple[int, ...], ...]:
    """The tables of a JPEG file, 64 steps each in the order of the file; none for other files.

    Args:
        data: The file, or as much of its beginning as holds the tables.
    """
    if data[:2] != b"\xff\xd8":
        return ()
    tables: dict[int, tuple[int, ...]] = {}
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        # From the start of scan on there is no length to follow.
        if marker == 0xDA or size < 2:
            break
        if marker == 0xDB:
            tables |= _read_tables(data[place + 4 : place + 2 + size])
        place += 2 + size
    return tuple(tables[number] for number in sorted(tables))


def _read_tables(segment: bytes) -> dict[int, tuple[int, ...]]:
    """Those of one DQT segment by number; what is cut off is left out."""
    found = {}
    while segment:
        wide, number = 1 + (segment[0] >> 4 > 0), segment[0] & 15
        body, segment = segment[1 : 1 + 64 * wide], segment[1 + 64 * wide :]
        if len(body) == 64 * wide:
            found[number] = tuple(
                int.from_bytes(body[i : i + wide], "big") for i in range(0, len(body), wide)
            )
    return found


def quality_of(table: tuple[int, ...]) -> int:
    """The quality whose luma table is nearest to `table`, in any order of its 64 steps."""
    steps = torch.tensor(sorted(table), dtype=torch.float64).clamp(min=1).log()
    apart = [
        float((steps - luma_table(quality).flatten().sort().values.log()).square().sum())
        for quality in range(1, 101)
    ]
    return 1 + apart.index(min(apart))


def luma_table(quality: int) -> Float[Tensor, "8 8"]:
    """The steps of the luma at `quality`, row by row."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = torch.tensor(_LUMA, dtype=torch.float64)
    return ((base * percent + 50) / 100).floor().clamp(1, 255)


def blind_jpeg(luma: Float[Tensor, "h w"]) -> Jpeg | None:
    """What is left of a JPEG in pixels; None when nothing can be seen, as above quality 95.

    Args:
        luma: Of JFIF on 0..255: 0.299 R + 0.587 G + 0.114 B; of the size it was coded in.
    """
    luma = _middle(luma)
    row, left, strength = grid_strength(luma)
    if len(_blocks(luma, row, left)) < _FEWEST_BLOCKS:
        return None
    # Where hardly any step is to be seen, the grid of a picture that was not cropped is tried too.
    (sits, quality), row, left = max(
        (_quality(_cosines(_blocks(luma, *grid))), *grid) for grid in {(row, left), (0, 0)}
    )
    elsewhere, _ = _quality(_cosines(_blocks(luma, (row + 4) % 8, (left + 4) % 8)))
    if sits < _SITS or sits - elsewhere < _BETTER or quality > _BEST_TOLD:
        return None
    return Jpeg(quality, row, left, strength, from_file=False)


def grid_strength(luma: Float[Tensor, "h w"]) -> tuple[int, int, float]:
    """Row and column where steps are largest of all eight, and by how much, as `Jpeg` has them."""
    middle = _middle(luma)
    (row, down), (column, along) = _border(_steps(middle)), _border(_steps(middle.T))
    return row, column, math.sqrt(down * along)


def _middle(x: Float[Tensor, "h w"]) -> Float[Tensor, "m n"]:
    """The middle of a large picture, with the same grid."""
    for axis in (0, 1):
        spare = max(0, x.shape[axis] - _LOOKED_AT)
        x = x.narrow(axis, spare // 16 * 8, x.shape[axis] - spare)
    return x


def _steps(x: Float[Tensor, "h w"]) -> Float[Tensor, "8"]:
    """Mean step between rows, beyond what the slope to both sides foretells, by place modulo 8."""
    if min(x.shape) < 16:
        return torch.ones(8, dtype=torch.float64)
    # Row i + 1 and i + 2 are the two sides of step i.
    step = (x[2:-1] - x[1:-2] - (x[1:-2] - x[:-3] + x[3:] - x[2:-1]) / 2).abs()
    # Strong edges are the picture's own.
    means = step.clamp(max=16).mean(dim=1, dtype=torch.float64)
    places = (torch.arange(len(means)) + 2) % 8
    total = torch.zeros(8, dtype=torch.float64).index_add_(0, places, means)
    return total / torch.bincount(places, minlength=8)


def _border(steps: Float[Tensor, "8"]) -> tuple[int, float]:
    """Which of eight places has the largest step, and how many times the usual one it is."""
    place = int(steps.argmax())
    usual = float(steps.median())
    return place, float(steps[place]) / usual if usual > 0 else 1.0


def _blocks(x: Float[Tensor, "h w"], row: int, column: int) -> Float[Tensor, "n 8 8"]:
    """Blocks of the grid that starts at (row, column), evenly thinned out."""
    rows, columns = (x.shape[0] - row) // 8, (x.shape[1] - column) // 8
    whole = x[row : row + 8 * rows, column : column + 8 * columns]
    blocks = whole.reshape(rows, 8, columns, 8).transpose(1, 2).reshape(-1, 8, 8)
    return blocks[:: max(1, math.ceil(len(blocks) / _MOST_BLOCKS))].double()


def _cosines(blocks: Float[Tensor, "n 8 8"]) -> Float[Tensor, "n 8 8"]:
    """The orthonormal cosine transform of each block."""
    i = torch.arange(8, dtype=torch.float64)
    basis = torch.cos(math.pi * i[:, None] * (2 * i + 1) / 16) / 2
    basis[0] = math.sqrt(1 / 8)
    return basis @ blocks @ basis.T


def _quality(cosines: Float[Tensor, "n 8 8"]) -> tuple[float, int]:
    """How well, of 1, the coefficients sit on the steps of a quality, and which: the best.

    Coefficients of less than half a step sit on zero whatever the step and are left out. A table
    and one with half its steps are told apart by taking the coarser of two that fit alike.
    """
    low = torch.stack([cosines[:, i, j] for i, j in _LOW])
    sits = []
    for quality in range(1, 101):
        table = luma_table(quality)
        step = torch.stack([table[i, j] for i, j in _LOW])[:, None]
        told = (low.abs() > step / 2) & (step > 1)
        on = torch.cos(2 * math.pi * low / step)
        count = int(told.sum())
        sits.append(float(on[told].mean()) if count >= _FEWEST_BLOCKS else 0.0)
    best = max(sits)
    quality = next((q for q, fit in enumerate(sits, 1) if best > 0 and fit > 0.9 * best), 100)
    around = range(max(1, quality - 2), min(100, quality + 3) + 1)
    quality = max(around, key=lambda q: (sits[q - 1], q))
    return sits[quality - 1], quality
