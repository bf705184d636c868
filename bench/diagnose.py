"""How well a picture tells what is wrong with it.

    python bench/diagnose.py blur FOLDER [--first N] [--scale 2] [--seed 0]
    python bench/diagnose.py gain FOLDER [--first N] [--scale 2] [--seed 0]
    python bench/diagnose.py refusals FOLDER [--first N]
    python bench/diagnose.py noise FOLDER [--first N]
    python bench/diagnose.py jpeg FOLDER [--first N]
    python bench/diagnose.py resized FOLDER [--first N]
    python bench/diagnose.py speed
    python bench/diagnose.py learn FOLDER

FOLDER holds photos, of which the first N by name are taken. Luma is Y of BT.601; one generator of
numpy with the seed goes through all pictures.

`blur` degrades each by the recipe of DIV2KRK and prints how far the blur that was found is from the
kernel's: the trace and the anisotropy of the covariance; and how many bicubic shrinks are told as
such. Beside it the fit of a power law, |f|^-2.2. `gain` prints the PSNR, border 16, of least
squares with the true kernel, the one that was found, and wider and narrower ones. `refusals` prints
how often other kinds of harm are taken for a Gaussian blur. `noise`, `jpeg` and `resized` add what
they look for to the photos, shrunk to two thirds so that they are clean, and count. `speed` prints
processor seconds of one thread. `learn` prints the belief of superfine/diagnose/natural.py.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image as PillowImage
from torch import Tensor

from superfine.diagnose import Blur, diagnose, spectral_blur
from superfine.diagnose.jpeg import blind_jpeg
from superfine.diagnose.noise import noise_sigma
from superfine.diagnose.resized import resized
from superfine.diagnose.spectrum import EDGES, Rings, frequencies, power, rings
from superfine.io import read
from superfine.ops.codes import to_unit
from superfine.ops.color import luma
from superfine.ops.correction import restore
from superfine.ops.degrade import degrade, div2krk
from superfine.ops.kernels import composed, covariance, ellipse, gaussian
from superfine.ops.resize import imresize
from superfine.types import Image, Kernel

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".bmp"}
Grey = Float[Tensor, "h w"]
METHODS = {
    "bilinear": PillowImage.Resampling.BILINEAR,
    "bicubic": PillowImage.Resampling.BICUBIC,
    "lanczos": PillowImage.Resampling.LANCZOS,
}


def say(line: str) -> None:
    """Prints `line` at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def photos(folder: Path, first: int | None) -> Iterator[Grey]:
    """Y of each photo, on 0..255, float32."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    for path in files[:first]:
        x = to_unit(read(path).pixels)
        yield 255 * (luma(x)[0] if len(x) == 3 else x[0])


def rounded(x: Grey) -> Grey:
    """Codes of 8 bits."""
    return torch.floor(x + 0.5).clamp(0, 255)


def degraded(
    folder: Path, first: int | None, scale: int, seed: int
) -> Iterator[tuple[Grey, Kernel, Grey]]:
    """Photo, kernel and LR."""
    rng = np.random.default_rng(seed)
    for sharp in photos(folder, first):
        kernel = div2krk(rng, scale).kernel
        yield sharp, kernel, rounded(degrade(sharp, kernel))


def power_law(lr: Grey, scale: int, slope: float = 2.2) -> Float[Tensor, "2 2"]:
    """The covariance by one power law for all photos, the rings weighed by 1 / |f|."""
    spectrum, _ = power(lr)
    spectrum = spectrum - 1 / 12
    down, across = frequencies(spectrum.shape[0])
    radius = torch.hypot(down, across)
    used = (radius > 0.03) & (radius < 0.42) & (spectrum > 1 / 3)
    y, x, r = (torch.broadcast_to(v, radius.shape)[used] for v in (down, across, radius))
    minus = -4 * math.pi**2
    terms = torch.stack((torch.ones_like(r), minus * y * y, 2 * minus * x * y, minus * x * x), 1)
    weight = r.rsqrt()
    aim = (spectrum[used].log() + slope * r.log()) * weight
    _, rows, mixed, columns = torch.linalg.lstsq(terms * weight[:, None], aim[:, None])[0][:, 0]
    return scale**2 * torch.stack((rows, mixed, mixed, columns)).reshape(2, 2)


def accuracy(name: str, found: list[Tensor], true: list[Tensor]) -> None:
    """Of covariances: trace and the two numbers of direction."""
    f, t = torch.stack(found), torch.stack(true)
    trace, real = f.diagonal(dim1=1, dim2=2).sum(1), t.diagonal(dim1=1, dim2=2).sum(1)
    bent, really = (torch.cat((x[:, 1, 1] - x[:, 0, 0], 2 * x[:, 0, 1])) for x in (f, t))
    say(
        f"{name:10} trace: correlation {torch.corrcoef(torch.stack((trace, real)))[0, 1]:.3f}, "
        f"bias {(trace - real).mean():+.2f}, mean error {(trace - real).abs().mean():.2f}; "
        f"direction: correlation {torch.corrcoef(torch.stack((bent, really)))[0, 1]:.3f}"
    )


def blur(folder: Path, first: int | None, scale: int, seed: int) -> None:
    """Accuracy of the covariance, HR pixels squared."""
    found, law, true, plain = [], [], [], []
    for sharp, kernel, lr in degraded(folder, first, scale, seed):
        found.append(spectral_blur(lr, scale=scale))
        law.append(power_law(lr, scale))
        true.append(covariance(kernel.values))
        plain.append(spectral_blur(rounded(imresize(sharp, scale=1 / scale)), scale=scale))
    accuracy("belief", [torch.tensor(x.covariance).double() for x in found], true)
    accuracy("power law", law, true)
    count = len(found)
    say(
        f"{count} pictures: {sum(not x.trusted for x in found)} refused, "
        f"{sum(x.bicubic for x in found)} taken for bicubic; of the bicubic shrinks "
        f"{sum(x.bicubic for x in plain)} told, {sum(not x.trusted for x in plain)} refused"
    )


def gain(folder: Path, first: int | None, scale: int, seed: int) -> None:
    """PSNR of least squares by the kernel that was believed in."""
    total: dict[str, list[float]] = {}
    for sharp, kernel, lr in degraded(folder, first, scale, seed):
        seen = torch.tensor(spectral_blur(lr, scale=scale).covariance, dtype=torch.float64)
        size = (sharp.shape[-2], sharp.shape[-1])
        kernels = {"true kernel": kernel, "power law": positive(power_law(lr, scale), scale)}
        kernels |= {
            f"belief, width x{width:.2f}": gaussian(width**2 * seen, scale=scale)
            for width in (0.85, 0.92, 1.0, 1.08, 1.15)
        }
        results = {"bicubic": imresize(lr, size=size)}
        results |= {name: restore(lr, k, size=size) for name, k in kernels.items()}
        for name, sr in results.items():
            total.setdefault(name, []).append(psnr(rounded(sr), sharp))
    for name, values in total.items():
        say(f"{name:22} {sum(values) / len(values):.2f} dB")


def positive(matrix: Float[Tensor, "2 2"], scale: int) -> Kernel:
    """The Gaussian of `matrix`, no narrower than 0.3 HR pixels squared."""
    values, directions = torch.linalg.eigh(matrix)
    return gaussian(directions * values.clamp(min=0.3) @ directions.T, scale=scale)


def psnr(sr: Grey, sharp: Grey) -> float:
    """Inside a border of 16 pixels."""
    apart = (sr - sharp)[16:-16, 16:-16].double().square().mean()
    return float(10 * torch.log10(255**2 / apart))


def motion(length: float, angle: float) -> Kernel:
    """A straight line at even speed, x2."""
    line = torch.linspace(-length / 2, length / 2, 401, dtype=torch.float64)
    size = 2 * math.ceil(length / 2) + 4
    places = torch.stack((line * math.sin(angle), line * math.cos(angle))) + (size - 1) / 2
    values = torch.zeros(size, size, dtype=torch.float64)
    row, column = places.floor().long()
    down, right = places - places.floor()
    for i, a in ((0, 1 - down), (1, down)):
        for j, b in ((0, 1 - right), (1, right)):
            values.index_put_((row + i, column + j), a * b, accumulate=True)
    return Kernel(values / values.sum(), 2, (size // 2 - 1, size // 2 - 1))


def jpeg_of(x: Float[Tensor, "h w"], quality: int) -> Grey:
    """`x` through a JPEG."""
    file = io.BytesIO()
    PillowImage.fromarray(rounded(x).byte().numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(PillowImage.open(file))).float()


def enlarged(x: Grey, factor: float, method: PillowImage.Resampling) -> Grey:
    """`x` by Pillow, as a tool would have done it, in 8 bits."""
    size = (round(x.shape[1] * factor), round(x.shape[0] * factor))
    return torch.from_numpy(
        np.array(PillowImage.fromarray(rounded(x).byte().numpy()).resize(size, method))
    ).float()


def refusals(folder: Path, first: int | None) -> None:
    """How often each kind of harm is refused as no Gaussian blur."""
    rng = np.random.default_rng(0)
    round_blur = gaussian(ellipse(2.0, 2.0, 0.0), scale=2)
    bicubic = METHODS["bicubic"]
    harms: dict[str, Callable[[Grey], Grey]] = {
        "Gaussian": lambda x: degrade(x, round_blur),
        "motion of 10 pixels": lambda x: degrade(x, motion(10, rng.uniform(0, np.pi))),
        "motion of 20 pixels": lambda x: degrade(x, motion(20, rng.uniform(0, np.pi))),
        "enlarged x2": lambda x: enlarged(degrade(x, round_blur), 2, bicubic),
        "enlarged x3": lambda x: enlarged(degrade(x, round_blur), 3, bicubic),
        "JPEG 50": lambda x: jpeg_of(degrade(x, round_blur), 50),
        "noise 3": lambda x: noisy(degrade(x, round_blur), 3, rng),
        "noise 12": lambda x: noisy(degrade(x, round_blur), 12, rng),
        "noise 25": lambda x: noisy(degrade(x, round_blur), 25, rng),
    }
    sharp = list(photos(folder, first))
    for name, harm in harms.items():
        found = [whole(rounded(harm(x))) for x in sharp]
        widths = sorted(x.wide for x in found if x.trusted)
        middle = f", median width of the rest {widths[len(widths) // 2]:.2f}" if widths else ""
        say(f"{name:20} refused {sum(not x.trusted for x in found)} of {len(found)}{middle}")


def whole(x: Grey) -> Blur:
    """The blur as the whole diagnosis has it."""
    return diagnose(Image(x.byte()[None])).blur


def noisy(x: Grey, sigma: float, rng: np.random.Generator) -> Grey:
    """With white noise of `sigma`."""
    return x + torch.from_numpy(rng.normal(0, sigma, tuple(x.shape))).float()


def clean(folder: Path, first: int | None) -> list[Grey]:
    """Photos shrunk to two thirds, so that little of their own noise and blocks is left."""
    return [rounded(imresize(x, scale=2 / 3)) for x in photos(folder, first)]


def noise(folder: Path, first: int | None) -> None:
    """What is told against what was added."""
    pictures = clean(folder, first)
    rng = np.random.default_rng(0)
    for sigma in (0, 0.5, 1, 2, 3, 5, 10, 20, 30):
        told = [noise_sigma(rounded(noisy(x, sigma, rng))) for x in pictures]
        found = sorted(x for x in told if x is not None)
        apart = sum(abs(x - sigma) for x in found) / len(found)
        tenth, middle, last = (found[int(q * (len(found) - 1))] for q in (0.1, 0.5, 0.9))
        say(
            f"added {sigma:4}: told {middle:5.2f} (a tenth below {tenth:.2f}, a tenth above "
            f"{last:.2f}), mean error {apart:.2f}, {len(pictures) - len(found)} not told"
        )


def jpeg(folder: Path, first: int | None) -> None:
    """Hits by quality, and false alarms."""
    pictures = clean(folder, first)
    alarms = sum(blind_jpeg(x) is not None for x in pictures)
    say(f"clean: {alarms} of {len(pictures)} taken for a JPEG")
    for quality in (98, 95, 92, 90, 85, 75, 60, 40, 20, 10):
        told = [blind_jpeg(jpeg_of(x, quality)[3:, 5:]) for x in pictures]
        found = [x for x in told if x is not None]
        grid = sum((x.row, x.column) == (5, 3) for x in found)
        near = sum(abs(x.quality - quality) <= 1 for x in found)
        say(
            f"quality {quality:2}: {len(found)} of {len(told)} seen, {near} to within 1 of the "
            f"quality, {grid} with the right grid"
        )


def enlargements(folder: Path, first: int | None) -> None:
    """Hits by factor and method, and false alarms."""
    sharp = list(photos(folder, first))
    alarms = sum(resized(x, blocks=False) is not None for x in sharp)
    say(f"native: {alarms} of {len(sharp)} taken for enlarged")
    shrunk = sum(resized(x, blocks=False) is not None for x in clean(folder, first))
    say(f"shrunk to two thirds: {shrunk} of {len(sharp)} taken for enlarged")
    for factor in (1.25, 1.5, 2.0, 2.5, 3.0, 4.0):
        for name, method in METHODS.items():
            told = [resized(enlarged(x, factor, method), blocks=False) for x in sharp]
            found = [x for x in told if x is not None]
            right = sum(abs(x.factor / factor - 1) < 0.02 for x in found)
            say(f"x{factor:<4} {name:8}: {len(found)} of {len(told)} seen, {right} by its factor")


def speed() -> None:
    """Processor seconds of one thread on noise, after one turn to warm up."""
    draw = torch.Generator().manual_seed(0)
    for height, width in ((120, 160), (320, 480), (1080, 1920), (3000, 4000)):
        codes = torch.randint(0, 256, (3, height, width), generator=draw, dtype=torch.int32)
        picture = Image(codes.to(torch.uint8))
        grey = picture.pixels[0].float()
        taken = []
        for work in (lambda g=grey: spectral_blur(g, scale=2), lambda p=picture: diagnose(p)):
            work()
            started = time.process_time()
            work()
            taken.append(time.process_time() - started)
        say(f"{width}x{height}: blur {taken[0]:.3f} s, all {taken[1]:.3f} s")


def learn(folder: Path) -> None:
    """The belief, from photos under known blurs: three at x2, the first of them at x4 too."""
    rng = np.random.default_rng(7)
    seen: list[tuple[Rings, Tensor]] = []
    for sharp in photos(folder, None):
        for turn in range(3):
            once = div2krk(rng, 2).kernel
            for kernel in (once, composed(once))[: 2 if turn == 0 else 1]:
                lr = rounded(degrade(sharp, kernel))
                matrix = covariance(kernel.values) / kernel.scale**2
                seen.append((rings(lr, least_floor=1 / 12), matrix))
    seen = [x for x in seen if bool(x[0].known.all())]
    levels = torch.stack([x.level - x.level.mean() for x, _ in seen])
    matrices = torch.stack([s for _, s in seen])
    trace = matrices.diagonal(dim1=1, dim2=2).sum(1)
    chance = torch.diag(torch.stack([x.chance for x, _ in seen]).mean(0))
    terms = torch.stack((torch.ones_like(trace), trace), 1)
    level, slope = torch.linalg.lstsq(terms, levels)[0]
    rest = levels - terms @ torch.stack((level, slope))
    across = torch.stack([x.across for x, _ in seen])
    mean = across.mean(0)
    bent = torch.cat((across - mean, torch.stack([x.aslant for x, _ in seen])))
    turned = torch.cat((matrices[:, 1, 1] - matrices[:, 0, 0], 2 * matrices[:, 0, 1]))
    slope_across = turned @ bent / turned.square().sum()
    left = bent - turned[:, None] * slope_across
    say(f"# {len(seen)} pictures, rings {EDGES}")
    say(f"level={numbers(level)},\nslope={numbers(slope)},")
    say(f"spread={table(rest.T @ rest / len(rest) - chance)},")
    say(f"across={numbers(mean)},\nslope_across={numbers(slope_across)},")
    say(f"spread_across={table(left.T @ left / len(left) - 2 * chance)},")


def numbers(x: Tensor) -> str:
    """As Python writes a tuple, with three places."""
    return "(" + ", ".join(f"{v:.3f}" for v in x.tolist()) + ")"


def table(matrix: Float[Tensor, "n n"]) -> str:
    """A covariance, with no direction of a variance below 0.002."""
    values, directions = torch.linalg.eigh(matrix)
    whole = directions * values.clamp(min=0.002) @ directions.T
    return "(\n" + "".join(f"    {numbers(row)},\n" for row in whole) + ")"


def main() -> None:
    """Runs the work that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    works = parser.add_subparsers(dest="work", required=True)
    for name in ("blur", "gain", "refusals", "noise", "jpeg", "resized", "speed", "learn"):
        work = works.add_parser(name)
        if name != "speed":
            work.add_argument("folder", type=Path)
        if name not in ("speed", "learn"):
            work.add_argument("--first", type=int)
        if name in ("blur", "gain"):
            work.add_argument("--scale", type=int, default=2)
            work.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.work == "speed":
        speed()
    elif asked.work == "learn":
        learn(asked.folder)
    elif asked.work in ("blur", "gain"):
        (blur if asked.work == "blur" else gain)(asked.folder, asked.first, asked.scale, asked.seed)
    else:
        works_of = {"refusals": refusals, "noise": noise, "jpeg": jpeg, "resized": enlargements}
        works_of[asked.work](asked.folder, asked.first)


if __name__ == "__main__":
    main()
