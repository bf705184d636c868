"""What knowing the blur is worth: the anchors of the DIV2KRK recipe, and the correction filter.

    python bench/blind.py anchors FOLDER [--count 60] [--scale 2]
    python bench/blind.py correction FOLDER --model FILE [--count 10] [--scale 2]
                                               [--every 1]
    python bench/blind.py memory [--megapixels 12]

FOLDER holds the sets `B100` and `Set14`.

`anchors` prints the mean PSNR of the first pictures of B100 by name, luma, 16 pixels of border left
out, LR by the DIV2KRK recipe from one numpy generator with seed 0: enlarged by bicubic, and by
least squares with the true kernel, with the true kernel half a pixel off, and with the Gaussian
that the spectrum of LR shows.

`correction` prints the same of a network on Set14 and the first pictures of B100, border 2 `scale`:
as it is, after the correction for the true kernel and for the one found, and given the LR that
bicubic makes, which no correction can beat; and what the correction does to that LR. `--every 5`
takes every fifth picture, with the kernel it has among all.

`memory` prints seconds and peak memory of the correction of a picture of noise.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from superfine import load_model
from superfine.diagnose.spectral import spectral_blur
from superfine.io import read
from superfine.metrics import psnr
from superfine.ops.codes import to_unit
from superfine.ops.color import luma
from superfine.ops.correction import correct, restore
from superfine.ops.degrade import Degradation, div2krk
from superfine.ops.kernel_shapes import isotropic
from superfine.ops.kernels import bicubic_kernel, gaussian, moved
from superfine.ops.resize import imresize
from superfine.types import Kernel

BORDER = 16

Planes = Float[Tensor, "c h w"]


def say(line: str) -> None:
    """Prints `line` at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def sharp(path: Path, scale: int) -> Planes:
    """The picture, cut to a multiple of `scale`."""
    pixels = to_unit(read(path).pixels)
    height, width = (side // scale * scale for side in pixels.shape[-2:])
    return pixels[:, :height, :width]


def grey(picture: Planes) -> Float[Tensor, "1 h w"]:
    """Its luma; a grey picture is its own."""
    return luma(picture) if len(picture) == 3 else picture


def decibels(sr: Planes, hr: Planes, border: int) -> float:
    """PSNR of luma without `border` pixels on each side."""
    one, other = (grey(x)[..., border:-border, border:-border] for x in (sr, hr))
    return float(psnr(one, other, data_range=1.0))


def found_kernel(lr: Planes, scale: int) -> Kernel:
    """The Gaussian that the spectrum of `lr` shows."""
    blur = spectral_blur(255 * grey(lr)[0], scale=scale)
    if blur.bicubic:
        return bicubic_kernel(scale)
    return gaussian(torch.tensor(blur.covariance, dtype=torch.float64), scale=scale)


def table(rows: list[dict[str, float]]) -> None:
    """Prints the mean of each column."""
    for name in rows[0]:
        say(f"{name:40}{statistics.mean(row[name] for row in rows):8.3f}")


def anchors(folder: Path, count: int, scale: int) -> None:
    """Prints the rows of least squares."""
    rng = np.random.default_rng(0)
    rows = []
    for path in sorted((folder / "B100").glob("*.jpg"))[:count]:
        hr = grey(sharp(path, scale))
        kernel = div2krk(rng, scale).kernel
        lr = Degradation(kernel).apply(hr)
        kernels = {
            "least squares, true kernel": kernel,
            "least squares, half a pixel off": moved(kernel, 0.5, 0.5),
            "least squares, spectral fit": found_kernel(lr, scale),
        }
        row = {"bicubic": decibels(imresize(lr, scale=scale), hr, BORDER)}
        for name, known in kernels.items():
            row[name] = decibels(restore(lr, known), hr, BORDER)
        rows.append(row)
    say(f"{len(rows)} pictures of B100, x{scale}, PSNR of luma in dB")
    table(rows)


def correction(folder: Path, model: str, count: int, scale: int, every: int) -> None:
    """Prints the rows of a network."""
    loaded = load_model(model, scale=scale)
    network = loaded.network.eval()
    rng = np.random.default_rng(0)
    paths = sorted((folder / "Set14").glob("*.png"))
    paths += sorted((folder / "B100").glob("*.jpg"))[:count]
    rows = []
    drawn = [(path, div2krk(rng, scale).kernel) for path in paths]
    for path, kernel in drawn[::every]:
        picture = sharp(path, scale)
        hr = picture.expand(3, -1, -1) if loaded.spec.channels == "rgb" else grey(picture)
        lr, easy = (Degradation(k).apply(hr) for k in (kernel, bicubic_kernel(scale)))
        started = time.perf_counter()
        known = found_kernel(lr, scale)
        corrected = correct(lr, known)
        took = time.perf_counter() - started

        def gain(x: Planes, hr: Planes = hr) -> float:
            with torch.no_grad():
                return decibels(network(x[None])[0].clamp(0, 1), hr, 2 * scale)

        plain, on_easy = gain(lr), gain(easy)
        rows.append({
            "bicubic": decibels(imresize(lr, scale=scale), hr, 2 * scale),
            "network": plain,
            "network, true kernel corrected": gain(correct(lr, kernel)),
            "network, spectral fit corrected": gain(corrected),
            "network on LR of bicubic": on_easy,
            "what correcting for bicubic adds there": gain(correct(easy, bicubic_kernel(scale)))
            - on_easy,
            "what spectral fit and filter add there": gain(correct(easy, found_kernel(easy, scale)))
            - on_easy,
            "seconds of fit and filter": took,
        })  # fmt: skip
    say(f"{len(rows)} pictures, x{scale}, {Path(model).name}, PSNR of luma in dB")
    table(rows)


def memory(megapixels: float) -> None:
    """Prints what the correction of a large picture costs."""
    side = round((megapixels * 1e6) ** 0.5)
    picture = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.thread_time()
    correct(picture, isotropic(1.5, scale=2))
    took = time.thread_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"{side}x{side}: {took:.2f} s, peak {peak:.0f} MiB, {before:.0f} MiB of it before")


def main() -> None:
    """Prints one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=("anchors", "correction", "memory"))
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--model", default="fsrcnn")
    parser.add_argument("--count", type=int)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--megapixels", type=float, default=12)
    options = parser.parse_args()
    tables: dict[str, Callable[[], None]] = {
        "anchors": lambda: anchors(options.folder, options.count or 60, options.scale),
        "correction": lambda: correction(
            options.folder,
            options.model,
            options.count or 10,
            options.scale,
            options.every,
        ),
        "memory": lambda: memory(options.megapixels),
    }
    tables[options.table]()


if __name__ == "__main__":
    main()
