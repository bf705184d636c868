"""Patches cut on the fly from whole pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt64
from torch import Tensor

from superfine.data.batch import Batch, Pair, SourceFile
from superfine.errors import UsageError
from superfine.ops.codes import to_unit
from superfine.ops.counter import shuffled
from superfine.ops.views import allowed_bits, draw_views

# Picture, top, left and view of a sample.
Place = tuple[int, int, int, int]

# Samples whose places are drawn at once.
_AHEAD = 1024


# First index, positions and views drawn ahead.
_Ahead = tuple[int, UInt64[np.ndarray, " n"], UInt64[np.ndarray, " n"]]


@dataclass(frozen=True, eq=False)
class _Arrays:
    """A pair as numpy sees it: cutting an array costs a tenth of cutting a tensor."""

    lr: Shaped[np.ndarray, "_ _ _"]
    hr: Mapping[int, Shaped[np.ndarray, "_ _ _"]]
    guide: Shaped[np.ndarray, "_ _ _"] | None


def _arrays(pairs: Sequence[Pair]) -> list[_Arrays]:
    """`pairs` with one type of samples in each place, so that patches of any can be stacked.

    Where 8-bit, 16-bit or float pictures stand in one place, those become floats on [0, 1].
    """
    lrs = _of_one_type([pair.lr for pair in pairs])
    hrs = {scale: _of_one_type([pair.hr[scale] for pair in pairs]) for scale in pairs[0].hr}
    guides = [pair.guide for pair in pairs if pair.guide is not None]
    guided = _of_one_type(guides) if guides else [None] * len(pairs)
    return [
        _Arrays(lr, {scale: hr[i] for scale, hr in hrs.items()}, guide)
        for i, (lr, guide) in enumerate(zip(lrs, guided, strict=True))
    ]


def _of_one_type(
    pictures: Sequence[Shaped[Tensor, "_ _ _"]],
) -> list[Shaped[np.ndarray, "_ _ _"]]:
    if len({picture.dtype for picture in pictures}) > 1:
        pictures = [to_unit(picture) for picture in pictures]
    return [picture.numpy() for picture in pictures]


class PictureSource:
    """Cuts aligned patches; every position of every picture comes up once in an epoch.

    Sample `i` is a pure function of (seed, i), whatever process asks for it and when.
    """

    def __init__(
        self,
        pairs: Mapping[int, Sequence[Pair]],
        *,
        patch: int,
        seed: int,
        views: bool,
        upright: bool = False,
        files: Sequence[SourceFile],
        names: Sequence[str] = (),
    ) -> None:
        """Leaves out the pictures that are too small for a patch.

        Args:
            pairs: Scale -> the pictures, one for each of `names` and in their order.
            patch: LR pixels on a side.
            seed: Of the run.
            views: Whether each patch is shown in one of its eight views.
            upright: Whether only the two of them that are not turned come up.
            files: What the pictures were read from.
            names: Of the pictures, for messages.

        Raises:
            UsageError: When no picture holds a patch at some scale.
        """
        self.patch = patch
        self.seed = seed
        self._bits = np.uint64(allowed_bits(views=views, upright=upright))
        self.files = tuple(files)
        self._kept: dict[int, list[_Arrays]] = {}
        self._ahead: dict[int, _Ahead] = {}
        self._names: dict[int, list[str]] = {}
        self._ends: dict[int, UInt64[np.ndarray, " n"]] = {}
        for scale, pictures in pairs.items():
            large = [i for i, p in enumerate(pictures) if min(p.lr.shape[-2:]) >= patch]
            if not large:
                raise UsageError(
                    f"No training picture holds a patch of {patch * scale}x{patch * scale} pixels.",
                    hint="Use a smaller patch or larger pictures.",
                )
            self._kept[scale] = _arrays([pictures[i] for i in large])
            self._names[scale] = [names[i] if names else str(i) for i in large]
            places = [
                (p.lr.shape[1] - patch + 1) * (p.lr.shape[2] - patch + 1) for p in self._kept[scale]
            ]
            self._ends[scale] = np.cumsum(places, dtype=np.uint64)

    def count(self, scale: int) -> int:
        """How many different patches there are at `scale`, views left out."""
        return int(self._ends[scale][-1])

    def name(self, index: int, scale: int) -> str:
        """Where sample `index` is cut, in words."""
        which, top, left, _ = next(self._places(np.array([index], np.uint64), scale))
        return f"{self._names[scale][which]} at LR ({left}, {top})"

    def batch(self, index: UInt64[np.ndarray, " b"], scale: int) -> Batch:
        """The samples numbered `index`."""
        places = list(self._places(index, scale))
        kept = self._kept[scale]
        first = kept[places[0][0]]
        lr = self._stack(places, [kept[which].lr for which, *_ in places], 1)
        hr = {
            s: self._stack(places, [kept[which].hr[s] for which, *_ in places], s) for s in first.hr
        }
        guide = None
        if first.guide is not None:
            guides = [kept[which].guide for which, *_ in places]
            guide = self._stack(places, [g for g in guides if g is not None], max(first.hr))
        return Batch(lr, hr, guide)

    def _stack(
        self, places: Sequence[Place], pictures: Sequence[Shaped[np.ndarray, "_ _ _"]], scale: int
    ) -> Float[Tensor, "b c sp sp"]:
        """The patch at each place of its picture, turned, on [0, 1]."""
        side = scale * self.patch
        stacked = np.empty((len(places), pictures[0].shape[0], side, side), pictures[0].dtype)
        for patch, picture, (_, top, left, view) in zip(stacked, pictures, places, strict=True):
            t, l = scale * top, scale * left  # noqa: E741
            patch[:] = turned(picture[:, t : t + side, l : l + side], view)
        return to_unit(torch.from_numpy(stacked))

    def _places(self, index: UInt64[np.ndarray, " b"], scale: int) -> Iterator[Place]:
        """Picture, top and left in LR pixels, and view of each sample."""
        ends = self._ends[scale]
        positions, views = self._drawn(index, scale)
        which = np.searchsorted(ends, positions, side="right")
        for place, picture, view in zip(
            positions.tolist(), which.tolist(), views.tolist(), strict=True
        ):
            inside = place - (int(ends[picture - 1]) if picture else 0)
            width = self._kept[scale][picture].lr.shape[2] - self.patch + 1
            yield picture, *divmod(inside, width), view

    def _drawn(
        self, index: UInt64[np.ndarray, " b"], scale: int
    ) -> tuple[UInt64[np.ndarray, " b"], UInt64[np.ndarray, " b"]]:
        """Position and view of each sample; drawn for a thousand samples ahead.

        Drawing for one batch costs nearly as much as drawing for sixty.
        """
        start, length = int(index[0]), len(index)
        if length > _AHEAD or int(index[-1]) - start != length - 1:
            return self._draw(index, scale)
        kept = self._ahead.get(scale)
        if kept is None or not kept[0] <= start <= kept[0] + _AHEAD - length:
            ahead = np.arange(start, start + _AHEAD, dtype=np.uint64)
            kept = self._ahead[scale] = (start, *self._draw(ahead, scale))
        inside = slice(start - kept[0], start - kept[0] + length)
        return kept[1][inside], kept[2][inside]

    def _draw(
        self, index: UInt64[np.ndarray, " b"], scale: int
    ) -> tuple[UInt64[np.ndarray, " b"], UInt64[np.ndarray, " b"]]:
        positions = shuffled(self.seed, index, self.count(scale))
        return positions, draw_views(self.seed, index, self._bits)


def turned(x: Shaped[np.ndarray, "_ h w"], view: int) -> Shaped[np.ndarray, "_ h2 w2"]:
    """`ops.views.turn` for arrays: another look at the same memory, nothing is copied."""
    quarter = view % 4
    if quarter % 2:
        x = x.swapaxes(1, 2)
    rows = -1 if quarter in (1, 2) else 1
    # Mirrored from 4 on, which undoes the mirroring that half and three quarter turns bring.
    columns = -1 if (quarter in (2, 3)) != (view >= 4) else 1
    return x[:, ::rows, ::columns]


def describe(paths: Iterable[Path]) -> tuple[SourceFile, ...]:
    """What `paths` hold, by their bytes."""
    found = []
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            found.append(SourceFile(str(path), file.tell(), digest))
    return tuple(found)
