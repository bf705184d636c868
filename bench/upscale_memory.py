"""Peak memory of the whole command on a very large picture, above what the model alone takes.

    python bench/upscale_memory.py PHOTO FOLDER [--megapixels 100] [--scale 2] [--ext png]

PHOTO is repeated to the size asked for; FOLDER takes the files, which are removed again. "Model"
is the peak of the same command on a picture of 64x64: Python, torch and the network. Peaks are
what the kernel accounts to the finished process (ru_maxrss).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import torch
from picture_memory import repeated_across

from superfine.io import PictureWriter, read


def _repeat(photo_path: Path, path: Path, side: int) -> None:
    photo = read(photo_path)
    wide = repeated_across(photo, side)
    with PictureWriter(
        path, width=side, height=side, channels=3, alpha=False, dtype=torch.uint8, overwrite=True
    ) as writer:
        for top in range(0, side, photo.height):
            writer.rows(wide[:, : min(photo.height, side - top)])


def _run(source: Path, target: Path, scale: int) -> tuple[float, float]:
    """Seconds and peak MiB of `superfine upscale`."""
    command = [sys.executable, "-m", "superfine", "upscale", str(source), "-o", str(target)]
    command += ["-s", str(scale), "--overwrite", "-q"]
    started = time.perf_counter()
    pid = os.spawnv(os.P_NOWAIT, sys.executable, command)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"the command failed with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> None:
    """Measures one picture and prints one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megapixels", type=float, default=100)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--ext", default="png")
    args = parser.parse_args()
    source, target = args.folder / "large.png", args.folder / f"larger.{args.ext}"
    _repeat(args.photo, source, 64)
    _, model = _run(source, target, args.scale)
    side = round((args.megapixels * 1e6) ** 0.5)
    _repeat(args.photo, source, side)
    seconds, peak = _run(source, target, args.scale)
    print(  # noqa: T201
        f"{args.megapixels:g} MP x{args.scale} to {args.ext}: peak {peak:.0f} MiB, "
        f"model {model:.0f} MiB, above it {peak - model:.0f} MiB; {seconds:.0f} s, "
        f"{target.stat().st_size / 2**20:.0f} MiB on disk"
    )
    source.unlink()
    target.unlink()


if __name__ == "__main__":
    main()
