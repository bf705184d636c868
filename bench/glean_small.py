"""A small GLEAN from nothing, with the figures of docs/glean.md.

    OMP_NUM_THREADS=1 python bench/glean_small.py DATA OUT

DATA holds train/BSDS200 and testsets/B100; OUT is made. In turn: squares of 64x64 pixels full of
texture are cut from the photos at half size; a StyleGAN2 learns to draw such squares; `glean-8-64`
learns from `recipe:glean-8-64`, with that generator as its bank and the generator's discriminator
as its own; and squares of other photos are enlarged from 8x8 pixels and measured beside bicubic.

The features of the perceptual loss are those of a VGG16 with random weights, for no trained ones
may be taken along; those of the last figure are of the generator's discriminator as it was before
GLEAN, which GLEAN never sees.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from PIL import Image as PillowImage
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

import superfine
from superfine.benchmark.protocol import find_protocol
from superfine.data.folders import pictures_in, read_all, read_uint8
from superfine.metrics import psnr
from superfine.metrics.sliced_wasserstein import sliced_wasserstein
from superfine.models.discriminators import StyleGAN2Discriminator
from superfine.ops.codes import to_codes, to_unit
from superfine.ops.resize import imresize_uint8
from superfine.training.generator import (
    GeneratorRecipe,
    crops_of,
    save_weights,
    train_generator,
)
from superfine.training.recipe.text import find_recipe, with_data_root

SIDE, SCALE = 64, 8
BANK = GeneratorRecipe(
    size=SIDE, steps=1000, channels=32, batch=8, learning_rate=2.5e-3, r1=0.3, half_life=2000.0
)
TRAINING, TESTING = Path("train/textures-64"), Path("testsets/textures-64")


@dataclass(frozen=True)
class Figures:
    """How near a set of results is to the truth; all but PSNR: lower is nearer.

    Attributes:
        psnr: Over RGB, in dB, the mean of the pictures.
        patches: Sliced Wasserstein distance for each level of the pyramid.
        features: Distance of the discriminator's features, the mean of the pictures.
    """

    psnr: float
    patches: Mapping[int, float]
    features: float

    def line(self, name: str) -> str:
        """One row of the table."""
        levels = " | ".join(f"{value:.1f}" for value in self.patches.values())
        return f"| {name} | {self.psnr:.2f} | {levels} | {self.features:.4f} |"


def cut(photos: Path, out: Path, *, step: int, least: float) -> int:
    """Writes the squares of the photos, halved, that are full of texture; returns how many.

    Args:
        photos: A folder.
        out: A folder, made if missing.
        step: Pixels from one square to the next.
        least: Mean change from pixel to pixel, of 255, that a square must have in each direction.
    """
    out.mkdir(parents=True)
    count = 0
    for path in pictures_in(photos):
        for square in squares(imresize_uint8(read_uint8(path), scale=0.5), step):
            grey = square.float().mean(dim=0)
            changes = [grey.diff(dim=axis).abs().mean() for axis in (0, 1)]
            if min(changes) >= least:
                codes = square.permute(1, 2, 0).contiguous().numpy()
                PillowImage.fromarray(codes).save(out / f"{count:05}.png")
                count += 1
    return count


def squares(photo: UInt8[Tensor, "3 h w"], step: int) -> Iterator[UInt8[Tensor, "3 64 64"]]:
    """Squares of `photo` in rows, `step` pixels apart."""
    for top in range(0, photo.shape[1] - SIDE + 1, step):
        for left in range(0, photo.shape[2] - SIDE + 1, step):
            yield photo[:, top : top + SIDE, left : left + SIDE]


def write_random_vgg(path: Path) -> None:
    """The first six convolutions' worth of a VGG16 with random weights, in torchvision's names."""
    draw = torch.Generator().manual_seed(0)
    tensors = {}
    for index, inputs, outputs in ((0, 3, 64), (2, 64, 64), (5, 64, 128)):
        deviation = (2 / (9 * inputs)) ** 0.5
        weight = torch.randn(outputs, inputs, 3, 3, generator=draw) * deviation
        tensors[f"features.{index}.weight"] = weight
        tensors[f"features.{index}.bias"] = torch.zeros(outputs)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def feature_distance(
    seen_by: StyleGAN2Discriminator,
) -> Callable[[Float[Tensor, "n 3 h w"], Float[Tensor, "n 3 h w"]], float]:
    """Distance of what a discriminator sees in two pictures, as LPIPS takes it but unweighted.

    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
    CVPR 2018, equation 1, with the results of every block and all weights 1.
    """
    found: list[Tensor] = []
    for block in seen_by.blocks:
        block.register_forward_hook(lambda _, __, result: found.append(F.normalize(result, dim=1)))

    def directions(pictures: Tensor) -> list[Tensor]:
        found.clear()
        seen_by(pictures)
        return list(found)

    @torch.no_grad()
    def distance(results: Tensor, truth: Tensor) -> float:
        pairs = zip(directions(results), directions(truth), strict=True)
        levels = [(a - b).square().sum(dim=1).mean() for a, b in pairs]
        return float(torch.stack(levels).mean())

    return distance


def train_bank(data: Path, out: Path, say: Callable[[str], None]) -> None:
    """Trains the generator on the squares and leaves it and its discriminator under `out`."""
    begun = time.process_time()

    def told(step: int, losses: Mapping[str, float]) -> None:
        if step % 100 == 0:
            parts = ", ".join(f"{name} {value:.2f}" for name, value in losses.items())
            say(f"bank: step {step}, {time.process_time() - begun:.0f} s, {parts}")

    source = crops_of(read_all([data / TRAINING]), size=SIDE, upright=False)
    learner = train_generator(source, BANK, on_step=told)
    save_weights(learner.averaged, out / "generator.safetensors")
    save_weights(learner.discriminator, out / "discriminator.safetensors")
    z = torch.randn(64, 512, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        write_sheet((learner.averaged(z) + 1) / 2, out / "drawn.png")


def train_glean(data: Path, out: Path, *overrides: str) -> Path:
    """Trains the recipe as `superfine train` does; returns the weights."""
    given = (f"adversarial.start_from={data / 'weights' / 'discriminator.safetensors'}", *overrides)
    recipe = superfine.load_recipe(find_recipe("recipe:glean-8-64"), given)
    return superfine.train(with_data_root(recipe, data), out).weights


def measured(
    results: Float[Tensor, "n 3 h w"],
    truth: Float[Tensor, "n 3 h w"],
    distance: Callable[[Tensor, Tensor], float],
) -> Figures:
    """The figures of `results`, on [0, 1]."""
    each = [psnr(a, b, data_range=1.0) for a, b in zip(results, truth, strict=True)]
    return Figures(
        psnr=float(torch.stack(each).mean()),
        patches=sliced_wasserstein(results, truth),
        features=distance(results, truth),
    )


def compare(data: Path, weights: Path, say: Callable[[str], None]) -> dict[str, Figures]:
    """The figures of bicubic and of GLEAN on the squares it was not trained on."""
    protocol = find_protocol("y-matlab")
    codes = torch.stack(list(read_all([data / TESTING])))
    lr = torch.stack([protocol.lr(square, SCALE, colour=True) for square in codes]).float()
    truth = to_unit(codes)
    enlarged = torch.stack([protocol.bicubic(square, SCALE) for square in lr])
    glean = superfine.load_model(weights, scale=SCALE).network
    with torch.no_grad():
        restored = torch.cat([glean(some) for some in lr.split(32)])
    restored = to_unit(to_codes(restored.double(), torch.uint8))
    judge = StyleGAN2Discriminator(SIDE, channels=BANK.channels).eval()
    judge.load_state_dict(load_file(data / "weights" / "discriminator.safetensors"))
    distance = feature_distance(judge)
    found = {
        "bicubic": measured(to_unit(enlarged), truth, distance),
        "glean-8-64": measured(restored, truth, distance),
    }
    half = len(truth) // 2
    floor = sliced_wasserstein(truth[:half], truth[half : 2 * half])
    say("two halves of the truth: " + ", ".join(f"{s}: {v:.1f}" for s, v in floor.items()))
    shown = torch.stack((to_unit(enlarged), restored, truth), dim=1)[:: max(1, len(truth) // 24)]
    write_sheet(shown[:24].flatten(0, 1), data.parent / "results.png")
    return found


def write_sheet(pictures: Float[Tensor, "n 3 h w"], path: Path) -> None:
    """`pictures` in rows of twelve, or eight where twelve do not fill them."""
    row = 12 if len(pictures) % 12 == 0 else 8
    rows = [torch.cat(list(some), dim=2) for some in pictures.split(row) if len(some) == row]
    sheet = to_codes(torch.cat(rows, dim=1).double(), torch.uint8)
    PillowImage.fromarray(sheet.permute(1, 2, 0).contiguous().numpy()).save(path)


def main() -> None:
    """Runs everything and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    data = arguments.out / "data"
    say = print
    for photos, out, step in (("train/BSDS200", TRAINING, 32), ("testsets/B100", TESTING, SIDE)):
        say(f"{out}: {cut(arguments.data / photos, data / out, step=step, least=8.0)} squares")
    write_random_vgg(data / "weights" / "random-vgg16.safetensors")
    train_bank(data, data / "weights", say)
    begun = time.process_time()
    weights = train_glean(data, arguments.out / "run")
    say(f"glean: {time.process_time() - begun:.0f} s")
    for name, figures in compare(data, weights, say).items():
        say(figures.line(name))


if __name__ == "__main__":
    main()
