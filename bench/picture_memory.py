"""Peak memory and time of reading and writing large pictures.

    python bench/picture_memory.py PHOTO FOLDER [--read-megapixels 100] [--write-megapixels 400]

PHOTO is repeated to the size asked for; FOLDER takes the files, which are removed again. Every
figure comes from a process of its own, whose peak is `VmHWM`; the baseline is what the same
process uses after importing everything and preparing the rows to write.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from superfine.io import Limits, PictureWriter, read
from superfine.types import Image

_NO_LIMITS = Limits(max_pixels=2**40, max_side=2**31 - 1)


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def repeated_across(photo: Image, side: int) -> Tensor:
    """`photo` repeated from left to right."""
    across = -(-side // photo.width)
    # Each copy is shifted, or deflate would find the row again a few kilobytes back.
    shifted = [photo.pixels.roll(97 * copy, dims=1) for copy in range(across)]
    return torch.cat(shifted, dim=2)[:, :, :side]


def _write(pixels: Tensor, path: Path, side: int) -> None:
    """Writes `pixels` repeated from top to bottom, in bands of 64 rows."""
    with PictureWriter(
        path, width=side, height=side, channels=3, alpha=False, dtype=torch.uint8
    ) as writer:
        done = 0
        while done < side:
            top = done % pixels.shape[1]
            count = min(64, pixels.shape[1] - top, side - done)
            writer.rows(pixels[:, top : top + count])
            done += count


def _one(task: str, photo_path: Path, path: Path, megapixels: int) -> None:
    photo = read(photo_path)
    side = round((megapixels * 1e6) ** 0.5)
    pixels = repeated_across(photo, side) if task == "write" else photo.pixels
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is in use now
    baseline, start = _peak_mib(), time.perf_counter()
    if task == "write":
        _write(pixels, path, side)
        raw = 3 * megapixels * 1e6 / 2**20
    else:
        raw = read(path, limits=_NO_LIMITS).pixels.numel() / 2**20
    seconds, more = time.perf_counter() - start, _peak_mib() - baseline
    print(  # noqa: T201
        f"{task:5} {path.suffix} {megapixels} MP: {more:6.0f} MiB above {baseline:.0f} MiB "
        f"({more / raw:.2f} x raw), {seconds:.1f} s, {path.stat().st_size / 2**20:.0f} MiB on disk"
    )


def main() -> None:
    """Measures PNG, TIFF and JPEG, writing and reading."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--read-megapixels", type=int, default=100)
    parser.add_argument("--write-megapixels", type=int, default=400)
    parser.add_argument("--task", choices=("read", "write"))
    parser.add_argument("--path", type=Path)
    args = parser.parse_args()
    if args.task:
        size = args.read_megapixels if args.task == "read" else args.write_megapixels
        _one(args.task, args.photo, args.path, size)
        return
    for suffix in (".png", ".tif", ".jpg"):
        path = args.folder / f"large{suffix}"
        for task, size in (
            ("write", args.write_megapixels),
            ("write", args.read_megapixels),
            ("read", args.read_megapixels),
        ):
            if task == "write":
                path.unlink(missing_ok=True)
            command = [sys.executable, __file__, str(args.photo), str(args.folder), "--task", task]
            command += ["--path", str(path), f"--{task}-megapixels", str(size)]
            subprocess.run(command, check=True)
        path.unlink()


if __name__ == "__main__":
    main()
