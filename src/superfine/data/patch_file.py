"""Patches in an HDF5 file: reading them fast, from our own files and from other people's.

Understood: datasets `lr` and `hr` in the file itself or in groups `x2`, `x3`, ..., or `lr` with
`hr_x2`, `hr_x4`, `hr_x8`; [N, rows, columns] or [N, rows, columns, 3]; uint8, uint16 or float32.
Floats are on [0, 1], unless some are above 1.5: then they are codes on 0..255.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt64
from torch import Tensor

from superfine.data.batch import Batch, SourceFile
from superfine.data.source import describe
from superfine.errors import UsageError
from superfine.ops.counter import shuffled
from superfine.ops.views import VIEWS, allowed_bits, draw_views, turn

# h5py carries no types, and is needed only by who trains from such files.
H5Module: TypeAlias = Any
H5File: TypeAlias = Any
H5Dataset: TypeAlias = Any

_LARGEST_IN_MEMORY = 1 << 30  # bytes of a dataset that cannot be mapped
_PROBED = 256  # patches looked at to tell codes from floats on [0, 1]
_TRUTH = re.compile(r"^hr_x(\d+)$")
_GROUP = re.compile(r"^x(\d+)$")


@cache
def load_h5py() -> H5Module:
    """The h5py module.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise UsageError(
            "HDF5 files need h5py, which is not installed.",
            hint="pip install 'superfine[train]'",
        ) from None
    return h5py


@dataclass(frozen=True, eq=False)
class _Patches:
    """One dataset: a mapped file, an array in memory, or a dataset that is read piece by piece."""

    data: Shaped[np.ndarray, "n h w *colours"] | H5Dataset
    largest: float

    @property
    def side(self) -> tuple[int, int]:
        return self.data.shape[1], self.data.shape[2]

    def take(
        self, rows: UInt64[np.ndarray, " b"], chosen: UInt64[np.ndarray, " b"]
    ) -> Float[Tensor, "b c h w"]:
        """Patches in their chosen views, as floats on [0, 1]."""
        if isinstance(self.data, np.ndarray):
            found = self.data[rows.astype(np.intp)]
        else:  # h5py wants rows that grow
            order, back = np.unique(rows, return_inverse=True)
            found = self.data[order][back]
        # Bytes are turned as bytes, a quarter of the work; torch turns no other integers.
        x = torch.from_numpy(found if found.dtype == np.uint8 else found.astype(np.float32))
        # (b, h, w) -> (b, 1, h, w), (b, h, w, 3) -> (b, 3, h, w)
        x = x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2)
        return _turned(x, chosen).to(torch.float32).contiguous().div_(self.largest)


@dataclass(frozen=True, eq=False)
class _Shelf:
    """Patches of one scale."""

    lr: _Patches
    hr: Mapping[int, _Patches]

    @property
    def count(self) -> int:
        return len(self.lr.data)


class PatchFile:
    """A source of training samples: every patch of an HDF5 file comes up once in an epoch.

    Sample `i` is a pure function of (seed, i). Works in worker processes, forked or not: each
    opens the file for itself.
    """

    def __init__(self, path: Path, *, seed: int, views: bool, upright: bool = False) -> None:
        """Looks at the file once, so that what is wrong with it shows now.

        Args:
            path: As `superfine data prepare` writes it, or with datasets named like that.
            seed: Of the run.
            views: Whether each patch is shown in one of its eight views.
            upright: Whether only the two of them that are not turned come up.

        Raises:
            UsageError: h5py is missing, or this is no HDF5 file of patches that fit together.
        """
        self.path = path
        self.seed = seed
        self._bits = np.uint64(allowed_bits(views=views, upright=upright))
        self._opened: tuple[int, Mapping[int, _Shelf]] | None = None
        for scale, shelf in self._shelves().items():
            height, width = shelf.lr.side
            if height != width:
                raise UsageError(
                    f"{path} holds LR patches of {width}×{height} at scale {scale}; training here "
                    "is on square ones, which can be turned.",
                    hint="Prepare it with --width and --height alike.",
                )

    def __getstate__(self) -> dict[str, object]:
        """Without what only this process can use."""
        return {**self.__dict__, "_opened": None}

    @cached_property
    def files(self) -> tuple[SourceFile, ...]:
        """The file, by its bytes."""
        return describe((self.path,))

    def count(self, scale: int) -> int:
        """How many patches there are at `scale`, views left out."""
        return self._shelf(scale).count

    def name(self, index: int, scale: int) -> str:
        """Where sample `index` stands, in words."""
        row = shuffled(self.seed, np.array([index], np.uint64), self.count(scale))[0]
        return f"{self.path.name} row {row}"

    def batch(self, index: UInt64[np.ndarray, " b"], scale: int) -> Batch:
        """The samples numbered `index`.

        Raises:
            UsageError: The file has no patches of `scale`.
        """
        shelf = self._shelf(scale)
        rows = shuffled(self.seed, index, shelf.count)
        chosen = draw_views(self.seed, index, self._bits)
        return Batch(
            lr=shelf.lr.take(rows, chosen),
            hr={s: patches.take(rows, chosen) for s, patches in shelf.hr.items()},
        )

    def _shelf(self, scale: int) -> _Shelf:
        shelves = self._shelves()
        if scale not in shelves:
            there = ", ".join(map(str, sorted(shelves)))
            if set(shelves) == {1}:
                raise UsageError(
                    f"{self.path} holds LR patches as large as HR ones: they were enlarged.",
                    hint="Networks here enlarge inside: prepare it without --same-size.",
                )
            raise UsageError(
                f"{self.path} holds patches of scale {there}; scale {scale} was asked for.",
                hint=f"Prepare them: superfine data prepare FOLDER -uf {scale} --h5 FILE",
            )
        return shelves[scale]

    def _shelves(self) -> Mapping[int, _Shelf]:
        # A forked process must not use its parent's file.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), _open(self.path))
        return self._opened[1]


def _turned(
    x: Shaped[Tensor, "b c h w"], chosen: UInt64[np.ndarray, " b"]
) -> Shaped[Tensor, "b c h w"]:
    """`x`, whose memory nobody else uses, with each patch in its chosen view."""
    array = x.numpy()  # numpy gathers and scatters bytes in a third of torch's time
    for view in VIEWS[1:]:
        which = np.flatnonzero(chosen == view)
        if len(which):
            array[which] = turn(torch.from_numpy(array[which]), view).numpy()
    return x


def _open(path: Path) -> Mapping[int, _Shelf]:
    """Scale -> its patches."""
    try:
        file = load_h5py().File(path, "r")
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"{path} cannot be read as an HDF5 file: {reason}.",
            hint="Make one: superfine data prepare FOLDER --h5 FILE",
        ) from error
    shelves = _shelves_of(path, file) if "lr" in file else {}
    for name in file:
        if (group := _GROUP.match(name)) and "lr" in file[name]:
            scale = int(group[1])
            shelves[scale] = _shelves_of(path, file[name])[scale]
    if not shelves:
        raise _no_patches(path, "it has no dataset `lr`")
    held = [p.data for s in shelves.values() for p in (s.lr, *s.hr.values())]
    if all(isinstance(data, np.ndarray) for data in held):
        file.close()
    return shelves


def _shelves_of(path: Path, group: H5File) -> dict[int, _Shelf]:
    """The patches in one group, or in the file itself."""
    truths = {int(found[1]): group[found[0]] for name in group if (found := _TRUTH.match(name))}
    if not truths:
        if "hr" not in group:
            raise _no_patches(path, "`lr` has no `hr` beside it")
        truths = {_ratio(path, group["lr"], group["hr"]): group["hr"]}
    for scale, truth in truths.items():
        if _ratio(path, group["lr"], truth) != scale:
            raise _no_patches(path, f"`{truth.name}` is not {scale} times as large as `lr`")
    everything = [group["lr"], *truths.values()]
    largest = _largest(path, everything)
    lr, *others = (_Patches(_data(path, dataset), largest) for dataset in everything)
    hr = dict(zip(truths, others, strict=True))
    return {
        scale: _Shelf(lr, {level: hr[level] for level in sorted(hr) if level <= scale})
        for scale in hr
    }


def _ratio(path: Path, lr: H5Dataset, hr: H5Dataset) -> int:
    """How many times larger HR patches are, exactly."""
    for dataset in (lr, hr):
        if len(dataset.shape) not in (3, 4) or dataset.shape[3:] not in ((), (3,)):
            raise _no_patches(
                path, f"`{dataset.name}` is {list(dataset.shape)}, not [N, h, w] or [N, h, w, 3]"
            )
    if not len(lr) or (len(lr), lr.shape[3:]) != (len(hr), hr.shape[3:]):
        raise _no_patches(path, f"`lr` is {list(lr.shape)} and `{hr.name}` {list(hr.shape)}")
    ratio: int = hr.shape[1] // lr.shape[1]
    if ratio < 1 or hr.shape[1:3] != (ratio * lr.shape[1], ratio * lr.shape[2]):
        raise UsageError(
            f"{path} holds HR patches of {hr.shape[2]}×{hr.shape[1]} and LR ones of "
            f"{lr.shape[2]}×{lr.shape[1]}, which is no whole number of times smaller.",
            hint="Networks here answer at full size: prepare it without --padding.",
        )
    return ratio


def _largest(path: Path, datasets: Iterable[H5Dataset]) -> float:
    """The value of white."""
    largest = 0.0
    for dataset in datasets:
        if dataset.dtype.kind == "u" and dataset.dtype.itemsize <= 2:
            largest = max(largest, float(np.iinfo(dataset.dtype).max))
        elif dataset.dtype.kind == "f":
            step = -(-len(dataset) // _PROBED)
            largest = max(largest, 255.0 if dataset[::step].max() > 1.5 else 1.0)
        else:
            raise _no_patches(path, f"`{dataset.name}` holds {dataset.dtype}")
    return largest


def _data(path: Path, dataset: H5Dataset) -> Shaped[np.ndarray, "n h w *colours"] | H5Dataset:
    """The fastest way to the values of a dataset."""
    offset = dataset.id.get_offset()  # None unless it lies in the file in one piece
    if offset is not None and not dataset.file.userblock_size:
        mapped = np.memmap(path, dataset.dtype, mode="r", offset=offset, shape=dataset.shape)
        return np.asarray(mapped)
    return dataset[...] if dataset.nbytes <= _LARGEST_IN_MEMORY else dataset


def _no_patches(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"{path} holds no patches for training: {reason}.",
        hint="Make some: superfine data prepare FOLDER --h5 FILE",
    )
