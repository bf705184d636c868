"""How fast training patches come out of an HDF5 file.

    python bench/patch_reading.py [--patches 100000] [--batches 200]

Batches of 64 patches of 41 x 41 from a file that this script writes: by `PatchFile`, in views, as
training reads them; and by a data set that opens the file for each item, as the seed's does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch

from superfine.data.patch_file import PatchFile

_BATCH = 64
_SIDE = 41


def _write(path: Path, patches: int) -> None:
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for name, scale in (("lr", 1), ("hr", 2)):
            shape = (patches, scale * _SIDE, scale * _SIDE)
            file[name] = rng.integers(0, 256, shape, dtype=np.uint8)


def _one_by_one(path: Path, index: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    pairs = []
    for row in index:
        with h5py.File(path, "r") as file:
            pairs.append([np.float32(file[name][row] / 255.0)[None] for name in ("lr", "hr")])
    lr, hr = zip(*pairs, strict=True)
    return torch.from_numpy(np.stack(lr)), torch.from_numpy(np.stack(hr))


def _samples_per_second(read: Callable[[np.ndarray], object], batches: int) -> float:
    read(np.arange(_BATCH, dtype=np.uint64))  # the file is opened, the pages are in memory
    start = time.perf_counter()
    for batch in range(batches):
        read(np.arange(batch * _BATCH, (batch + 1) * _BATCH, dtype=np.uint64))
    return batches * _BATCH / (time.perf_counter() - start)


def main() -> None:
    """Prints samples per second of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=100_000)
    parser.add_argument("--batches", type=int, default=200)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "patches.h5"
        _write(path, args.patches)
        source = PatchFile(path, seed=0, views=True)
        rng = np.random.default_rng(1)
        rows = rng.integers(0, args.patches, args.batches * _BATCH)
        ours = _samples_per_second(lambda index: source.batch(index, 2), args.batches)
        theirs = _samples_per_second(
            lambda index: _one_by_one(path, rows[index.astype(int)]), max(1, args.batches // 10)
        )
    print(f"PatchFile:           {ours:9,.0f} samples/s")  # noqa: T201
    print(f"opened for each item: {theirs:8,.0f} samples/s")  # noqa: T201
    print(f"ratio:               {ours / theirs:9.1f}")  # noqa: T201


if __name__ == "__main__":
    main()
