"""What KernelGAN and DARSR gain without truth, and what their steps cost.

    python bench/blind_methods.py quality FOLDER --model FILE [--scale 2] [--count 4] [--every 1]
        [--size 0] [--steps N] [--seeds 1] [--bicubic]
    python bench/blind_methods.py speed --model FILE [--scale 2] [--size 256] [--seed-steps 1]

`quality` degrades the pictures of FOLDER, in the order of their names, by the DIV2KRK recipe (seed
0), or by bicubic alone with `--bicubic`, and prints PSNR of luma, a border of 8 pixels left out:
the network of FILE alone, with the true kernel, with the spectral fit, with KernelGAN from the fit,
and with DARSR; behind DARSR the held-out error before and after, in codes. The last line is the
mean, and which share of the true kernel's gain each has.

`speed` prints steps, processor seconds and peak memory of a picture of noise: KernelGAN and DARSR
at their defaults, measured, and the public code's own schedule, estimated from `--seed-steps`
steps. Processor seconds of one thread are, on an idle machine, seconds.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from superfine import load_model
from superfine.blind.correction import PairPlan
from superfine.blind.darsr import darsr
from superfine.blind.joint import JointPlan
from superfine.blind.kernelgan import kernelgan
from superfine.blind.mends import AS_THE_SEED
from superfine.blind.spread import spread_of
from superfine.checkpoints import LoadedModel
from superfine.diagnose.spectral import spectral_blur
from superfine.io import read
from superfine.ops.codes import to_unit
from superfine.ops.color import luma
from superfine.ops.correction import correct
from superfine.ops.degrade import Degradation, div2krk
from superfine.ops.kernels import bicubic_kernel, gaussian

BORDER = 8
PLANNED = 3000

Picture = Float[Tensor, "c h w"]


def say(line: str) -> None:
    """Prints `line` at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def enlarged(model: LoadedModel, lr: Picture) -> Picture:
    """By the network alone, colours only."""
    with torch.inference_mode():
        return model.network.eval()(lr[None])[0]


def psnr(one: Picture, other: Picture) -> float:
    """Of luma, in dB."""
    apart = (luma(one.clamp(0, 1)) - luma(other))[..., BORDER:-BORDER, BORDER:-BORDER]
    return float(-10 * torch.log10(apart.square().mean()))


def quality(options: argparse.Namespace) -> None:
    """One line for each picture, and the mean."""
    scale, rng = options.scale, np.random.default_rng(0)
    model = load_model(options.model, scale=scale)
    files = sorted(f for f in options.folder.iterdir() if f.suffix in {".png", ".jpg", ".bmp"})
    say("picture alone true spectral kernelgan darsr | held out before, after | seconds")
    rows = []
    for file in files[:: options.every][: options.count]:
        sharp = to_unit(read(file).pixels).expand(3, -1, -1)
        sharp = sharp[:, : options.size or None, : options.size or None]
        height, width = (n // 4 * 4 for n in sharp.shape[-2:])
        sharp = sharp[:, :height, :width].contiguous()
        kernel = bicubic_kernel(scale) if options.bicubic else div2krk(rng, scale).kernel
        lr = Degradation(kernel).apply(sharp)
        blur = spectral_blur(luma(lr)[0] * 255, scale=scale)
        start = torch.tensor(blur.covariance, dtype=torch.float64)
        found = kernelgan(lr, scale=scale, start=start)
        began = time.process_time()
        plan = PairPlan() if options.steps is None else PairPlan(steps=options.steps)
        made = [
            darsr(lr, model.network, model.spec, scale=scale, start=start, plan=plan, seed=seed)
            for seed in range(options.seeds)
        ]
        seconds = (time.process_time() - began) / options.seeds
        pictures = (
            lr,
            correct(lr, kernel),
            correct(lr, gaussian(start, scale=scale)),
            correct(lr, found),
            made[0].picture,
        )
        rows.append([psnr(enlarged(model, picture), sharp) for picture in pictures])
        before, after = made[0].held_out or (0.0, 0.0)
        line = " ".join(f"{value:.2f}" for value in rows[-1])
        say(f"{file.stem} {line} | {255 * before:.3f} {255 * after:.3f} | {seconds:.0f}")
        if options.seeds > 1:
            spread = spread_of([m.picture for m in made], [m.kernel for m in made])
            say(f"  over {options.seeds} seeds: {255 * spread.picture:.3f} codes")
    mean = np.mean(rows, axis=0)
    gains = (mean - mean[0]) / max(1e-9, mean[1] - mean[0])
    say("mean " + " ".join(f"{value:.2f}" for value in mean))
    say("share of the true kernel's gain " + " ".join(f"{value:.2f}" for value in gains))


def speed(options: argparse.Namespace) -> None:
    """Steps, processor seconds and peak memory."""
    scale = options.scale
    model = load_model(options.model, scale=scale)
    side = options.size or 256
    lr = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    start = torch.eye(2, dtype=torch.float64) * 2 * (scale // 2) ** 2
    few = JointPlan(score_steps=0, steps=options.seed_steps)
    scores = replace(few, score_steps=options.seed_steps, steps=0)
    began = time.process_time()
    kernelgan(lr, scale=scale, start=start)
    say(f"kernelgan, default: {time.process_time() - began:.1f} s, {memory():.2f} GiB")
    began = time.process_time()
    made = darsr(lr, model.network, model.spec, scale=scale, start=start)
    seconds = time.process_time() - began
    say(f"darsr, default, {made.steps} steps: {seconds:.1f} s, {memory():.2f} GiB")
    began = time.process_time()
    nothing = replace(few, steps=0)
    darsr(lr, model.network, model.spec, scale=scale, plan=nothing, mends=AS_THE_SEED)
    around = time.process_time() - began
    total = around
    for plan in (scores, few):
        began = time.process_time()
        darsr(lr, model.network, model.spec, scale=scale, plan=plan, mends=AS_THE_SEED)
        total += PLANNED * (time.process_time() - began - around) / options.seed_steps
    say(f"darsr, as the seed, {PLANNED} + {PLANNED} steps: {total:.0f} s, {memory():.2f} GiB")


def memory() -> float:
    """The most this process has held so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("quality", "speed"))
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--bicubic", action="store_true")
    parser.add_argument("--seed-steps", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    (quality if options.what == "quality" else speed)(options)


if __name__ == "__main__":
    main()
