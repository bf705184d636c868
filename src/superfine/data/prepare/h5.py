"""Patches in one HDF5 file, each written to its final row at once, so that memory stays flat."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt64

from superfine.data.patch_file import load_h5py
from superfine.data.prepare.layout import create, datasets, fits, shelf_counts, shelf_of
from superfine.data.prepare.patches import Cut
from superfine.data.prepare.plan import Plan
from superfine.data.prepare.record import working_folder
from superfine.errors import OutputError
from superfine.io.atomic import output_errors, require_writable, sync_folder
from superfine.ops.counter import shuffled

_PIECE = 1 << 20  # bytes read back at a time


class H5Output:
    """An HDF5 file of uint8 patches, laid out as `layout.py` says.

    Attributes:
        target: Where the file ends up.
        folder: Where it grows.
    """

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        """Nothing is touched yet.

        Raises:
            UsageError: h5py is not installed.
        """
        load_h5py()
        self.target = target
        self.folder = working_folder(target)
        self._overwrite = overwrite
        self._working = self.folder / "patches.h5"
        self._descriptor = -1
        # (shelf, array) -> where its first patch begins, and bytes of a patch
        self._places: dict[tuple[str, str], tuple[int, int]] = {}

    def require_free(self) -> None:
        """Checks that the file may be created.

        Raises:
            OutputError: E_EXISTS or E_OUTPUT.
        """
        require_writable(self.target, overwrite=self._overwrite)

    def begin(self, plan: Plan) -> None:
        """Creates the file at its full size, so that a full disk shows before the work.

        Raises:
            DiskFullError: No room for it; it is removed again.
        """
        with output_errors(self.target):
            try:
                with load_h5py().File(self._working, "w") as file:
                    create(file, plan)
                with self._working.open("r+b") as whole:
                    size = os.fstat(whole.fileno()).st_size
                    os.posix_fallocate(whole.fileno(), 0, size)
                    os.fsync(whole.fileno())
            except OSError:
                self._working.unlink(missing_ok=True)
                raise

    def open(self, plan: Plan) -> bool:
        """Takes up the growing file; False when there is none that fits `plan`."""
        if not self._working.is_file():
            return False
        try:
            with load_h5py().File(self._working, "r") as file:
                if not fits(file, plan):
                    return False
                found = {key: file["/".join(key)] for key in datasets(plan)}
                self._places = {
                    key: (data.id.get_offset(), data.id.get_storage_size() // len(data))
                    for key, data in found.items()
                }
        except OSError:
            return False
        self._descriptor = os.open(self._working, os.O_RDWR | os.O_CLOEXEC)
        return True

    def put(
        self, plan: Plan, cut: Cut, *, stem: str, first: int, index: UInt64[np.ndarray, " n"]
    ) -> int:
        """Writes the patches of a cut; `index` numbers all patches on their shelf.

        Returns:
            A checksum; those of all cuts may be added in any order.
        """
        shelf = shelf_of(plan, cut.upscale_factor)
        rows = shuffled(plan.options.seed, index, shelf_counts(plan)[shelf])
        patches: Mapping[str, UInt8[np.ndarray, "..."]] = cut.patches
        if (shelf, "scale") in self._places:
            patches = {**patches, "scale": np.full(len(index), cut.upscale_factor, np.uint8)}
        return sum(
            self._put_array((shelf, name), rows.tolist(), array) for name, array in patches.items()
        )

    def _put_array(
        self, key: tuple[str, str], rows: list[int], array: UInt8[np.ndarray, "..."]
    ) -> int:
        offset, size = self._places[key]
        data, start, total = array.data.cast("B"), _start(key), 0
        for row, begin in zip(rows, range(0, len(data), size), strict=True):
            patch = data[begin : begin + size]
            if os.pwrite(self._descriptor, patch, offset + row * size) != size:
                raise OutputError(
                    f"{self.target.name} was not written whole.", hint="Run it again."
                )
            total += zlib.crc32(patch, start + row & 0xFFFFFFFF)
        return total

    def sync(self) -> None:
        """Returns when all that was put is on disk."""
        os.fdatasync(self._descriptor)

    def verify(self, plan: Plan, checksum: int) -> None:
        """Reads everything back.

        Raises:
            OutputError: E_VERIFY.
        """
        total = sum(self._checksum(key, shelf_counts(plan)[key[0]]) for key in self._places)
        if total != checksum:
            raise OutputError(
                f"{self.target.name} did not read back as it was written; it will be made anew.",
                hint="Check the disk, then run the same command again.",
                code="E_VERIFY",
            )

    def _checksum(self, key: tuple[str, str], count: int) -> int:
        offset, size = self._places[key]
        start, total, step = _start(key), 0, max(1, _PIECE // size)
        for first in range(0, count, step):
            rows = min(step, count - first)
            data = memoryview(os.pread(self._descriptor, rows * size, offset + first * size))
            for row in range(rows):
                patch = data[row * size : (row + 1) * size]
                total += zlib.crc32(patch, start + first + row & 0xFFFFFFFF)
        return total

    def moved(self) -> bool:
        """Whether the file has been renamed into place."""
        return self.target.exists() and not self._working.exists()

    def finish(self) -> tuple[Path, ...]:
        """Renames the file into place, unless that was done already; returns where it is."""
        if not self.moved():
            self.require_free()
            with output_errors(self.target):
                self._working.replace(self.target)
                sync_folder(self.target.parent)
        return (self.target,)

    def close(self) -> None:
        """Gives the descriptor back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _start(key: tuple[str, str]) -> int:
    """Where checksums of an array begin, so that patches that change places are noticed."""
    return zlib.crc32("/".join(key).encode())
