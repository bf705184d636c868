"""Which pictures are the same, nearly the same, or pieces of each other."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped, UInt64
from torch import Tensor

from superfine.ops.resize import imresize
from superfine.ops.views import VIEWS, turn

_SIDE = 32  # pixels of the small picture that is compared
_LOW = 8  # of its cosine frequencies on each axis that are hashed
_FAR = 6  # bits of 64 in which hashes of nearly the same picture may differ
_CORRELATED = 0.97  # of two such small pictures, at least
_FLAT = 3.0  # codes, standard deviation: below, a picture looks like any other
_BLOCK = 256  # rows of the table of distances computed at a time

_AROUND = 12  # pixels around a mark in which nothing stands out more
_STANDS_OUT = 4.0  # codes
_CELL = 4  # pixels on a side of the cells that are compared around a mark
_NOISE = 8  # bits of 64 in which two marks of one place may differ
_COMMON = 256  # marks: a surrounding that is found more often tells nothing
_VOTES = 4  # marks that must agree on where a piece lies


@dataclass(frozen=True, eq=False)
class Likeness:
    """What is kept of a picture to find it again.

    Attributes:
        path: Where it is.
        exact: SHA-256 of its samples and their shape.
        look: 64 bits that survive another size, format or quality.
        small: The picture on 32 x 32, mean 0, length 1; all 0 for a flat one.
        marks: 64 bits for the surroundings of each pixel that stands out.
        places: Their rows and columns.
    """

    path: Path
    exact: str
    look: np.uint64
    small: Float[np.ndarray, " 1024"]
    marks: UInt64[np.ndarray, " m"]
    places: Int[np.ndarray, "m 2"]


@dataclass(frozen=True)
class Alike:
    """Two pictures that show the same.

    Attributes:
        first: One of them, of the training pictures where there are two kinds.
        second: The other.
        how: "same": equal samples. "near": equal to the eye, perhaps at another size. "piece": one
            holds a part of the other, pixel for pixel.
    """

    first: Path
    second: Path
    how: str


def likeness(
    path: Path, pixels: Shaped[Tensor, "c h w"], luma: Float[Tensor, "h w"], *, marks: bool
) -> Likeness:
    """What to keep of a picture.

    Args:
        pixels: As stored.
        luma: On 0..255.
        marks: Whether pieces are to be found too.
    """
    return _likeness(path, pixels, luma, _stands_out(luma.float()) if marks else None)


def in_every_view(
    path: Path, pixels: Shaped[Tensor, "c h w"], luma: Float[Tensor, "h w"]
) -> list[Likeness]:
    """The likeness of a picture in each of its eight views, with marks; arguments as above."""
    stands_out = _stands_out(luma.float())  # wherever it is turned
    return [
        _likeness(path, turn(pixels, view), turn(luma, view), turn(stands_out, view))
        for view in VIEWS
    ]


def _likeness(
    path: Path,
    pixels: Shaped[Tensor, "c h w"],
    luma: Float[Tensor, "h w"],
    stands_out: Bool[Tensor, "h w"] | None,
) -> Likeness:
    header = f"{tuple(pixels.shape)} {pixels.dtype}".encode()
    exact = hashlib.sha256(header + pixels.contiguous().numpy().tobytes()).hexdigest()
    small = imresize(luma.double(), size=(_SIDE, _SIDE))
    marks, places = np.empty(0, np.uint64), np.empty((0, 2), np.int64)
    if stands_out is not None and stands_out.any():
        marks, places = _marks(luma.float(), stands_out.nonzero())
    return Likeness(path, exact, _look(small), _unit(small), marks, places)


def repeated(pictures: Sequence[Likeness]) -> list[Alike]:
    """Each picture that shows the same as an earlier one, with the first such."""
    found: dict[int, Alike] = {}
    first_with: dict[str, int] = {}
    for later, picture in enumerate(pictures):
        earlier = first_with.setdefault(picture.exact, later)
        if earlier != later:
            found[later] = Alike(pictures[earlier].path, picture.path, "same")
    for earlier, later in _near(pictures, pictures):
        if earlier < later and later not in found:
            found[later] = Alike(pictures[earlier].path, pictures[later].path, "near")
    return [found[later] for later in sorted(found)]


def shared(train: Sequence[Likeness], test: Sequence[Likeness]) -> list[Alike]:
    """Training pictures that show, or hold a piece of, a test picture; or are a piece of one."""
    found: dict[tuple[int, int], str] = {}
    for a, b in _pieces(train, test):
        found[a, b] = "piece"
    for a, b in _near(train, test):
        found[a, b] = "near"
    by_exact = defaultdict(list)
    for a, picture in enumerate(train):
        by_exact[picture.exact].append(a)
    for b, picture in enumerate(test):
        for a in by_exact.get(picture.exact, ()):
            found[a, b] = "same"
    return [Alike(train[a].path, test[b].path, how) for (a, b), how in sorted(found.items())]


def _unit(small: Float[Tensor, "32 32"]) -> Float[np.ndarray, " 1024"]:
    values = (small - small.mean()).flatten()
    length = float(values.norm())
    flat = length < _FLAT * _SIDE
    return (torch.zeros_like(values) if flat else values / length).float().numpy()


def _look(small: Float[Tensor, "32 32"]) -> np.uint64:
    """Signs of the lowest cosine frequencies against their median (a "pHash")."""
    n = torch.arange(_SIDE, dtype=torch.float64)
    cosines = torch.cos(math.pi / _SIDE * torch.outer(n[:_LOW], n + 0.5))
    values = (cosines @ small @ cosines.T).flatten()
    look: np.uint64 = _bits((values > values[1:].median())[None])[0]
    return look


def _bits(rows: Shaped[Tensor, "n 64"]) -> UInt64[np.ndarray, " n"]:
    packed: UInt64[np.ndarray, " n"] = np.packbits(rows.numpy(), axis=1).view(np.uint64)[:, 0]
    return packed


def _near(a: Sequence[Likeness], b: Sequence[Likeness]) -> Iterator[tuple[int, int]]:
    """Pairs, one of `a` and one of `b`, that look the same; sorted."""
    if not a or not b:
        return
    looks = np.array([picture.look for picture in b])
    for start in range(0, len(a), _BLOCK):
        block = np.array([picture.look for picture in a[start : start + _BLOCK]])
        close = np.bitwise_count(block[:, None] ^ looks) <= _FAR
        for row, column in np.argwhere(close).tolist():
            if float(a[start + row].small @ b[column].small) >= _CORRELATED:
                yield start + row, column


def _stands_out(luma: Float[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The pixels that stand out from all around them.

    The choice depends on nothing but the surroundings, so that a piece has the marks of the whole,
    and treats all directions alike.
    """
    x = luma[None, None]
    reach = max(_AROUND, 4 * _CELL + _CELL)
    if min(luma.shape) <= 2 * reach:
        return torch.zeros_like(luma, dtype=torch.bool)
    contrast = F.avg_pool2d(x, 3, 1, 1) - F.avg_pool2d(x, 9, 1, 4)
    most = F.max_pool2d(contrast, (2 * _AROUND + 1, 1), 1, (_AROUND, 0))
    most = F.max_pool2d(most, (1, 2 * _AROUND + 1), 1, (0, _AROUND))
    stands_out = ((contrast == most) & (contrast > _STANDS_OUT))[0, 0]
    stands_out[:reach] = stands_out[-reach:] = False
    stands_out[:, :reach] = stands_out[:, -reach:] = False
    return stands_out


def _marks(
    luma: Float[Tensor, "h w"], places: Int[Tensor, "m 2"]
) -> tuple[UInt64[np.ndarray, " m"], Int[np.ndarray, "m 2"]]:
    """What surrounds each of `places`: 64 bits."""
    # Means of cells in 8 rows of 9, each compared with its right neighbour.
    cells = F.avg_pool2d(luma[None, None], _CELL, 1)[0, 0]
    down = _CELL * (torch.arange(8) - 4)
    right = _CELL * (torch.arange(9) - 4) - _CELL // 2
    around = cells[
        (places[:, 0, None] + down)[:, :, None], (places[:, 1, None] + right)[:, None, :]
    ]
    return _bits((around[..., 1:] > around[..., :-1]).flatten(1)), places.numpy()


def _pieces(train: Sequence[Likeness], test: Sequence[Likeness]) -> Iterator[tuple[int, int]]:
    """Pairs whose marks agree on how far one picture lies from the other."""
    if not train:
        return
    owner = np.concatenate([np.full(len(p.marks), i) for i, p in enumerate(train)])
    marks = np.concatenate([p.marks for p in train])
    places = np.concatenate([p.places for p in train])
    tables = [(order := np.argsort(keys, kind="stable"), keys[order]) for keys in _halves(marks)]
    for number, picture in enumerate(test):
        votes: set[tuple[int, int, int, int]] = set()  # picture, row, column, and whose vote
        for (order, keys), wanted in zip(tables, _halves(picture.marks), strict=True):
            first = np.searchsorted(keys, wanted, side="left")
            last = np.searchsorted(keys, wanted, side="right")
            for mark in np.flatnonzero((last > first) & (last - first <= _COMMON)).tolist():
                same = order[first[mark] : last[mark]]
                same = same[np.bitwise_count(marks[same] ^ picture.marks[mark]) <= _NOISE]
                moved = places[same] - picture.places[mark]
                for at, (row, column) in zip(owner[same].tolist(), moved.tolist(), strict=True):
                    votes.add((at, row, column, mark))
        counts = Counter(vote[:3] for vote in votes)
        for found in sorted({a for (a, _, _), count in counts.items() if count >= _VOTES}):
            yield found, number


def _halves(marks: UInt64[np.ndarray, " m"]) -> tuple[UInt64[np.ndarray, " m"], ...]:
    """One of the two is still equal when compression has flipped a few bits."""
    return marks >> np.uint64(32), marks & np.uint64(0xFFFFFFFF)
