"""Two pictures, or two folders of them, set against each other, with or without the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float64
from torch import Tensor

from superfine.benchmark.metric import METRICS, USUAL, find_metric
from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.run import values_of
from superfine.data.listing import pictures_in
from superfine.data.pairs import read_named
from superfine.errors import PictureError, SizeMismatchError, UsageError
from superfine.metrics import ms_ssim, psnr, ssim
from superfine.metrics.ms_ssim import scales_that_fit
from superfine.metrics.ssim import WINDOW
from superfine.ops.codes import to_unit
from superfine.types import LARGEST_CODE, Image

# Sides that differ by less are taken for cut to multiples of a scale.
_MOST_CUT = 8
_STORED = ("psnr", "ssim", "ms-ssim")

Planes = Float64[Tensor, "c h w"]


@dataclass(frozen=True)
class Difference:
    """How the samples of two pictures differ.

    Attributes:
        identical: Size, type, colours and transparency, every sample.
        largest: The largest difference of two colour samples, in codes of the deeper picture.
        largest_code: What white is there: 255, 65535, or 1 for floats.
        at: Column and row of it, the first of equals.
        pixels: How many differ in some colour.
    """

    identical: bool
    largest: float
    largest_code: float
    at: tuple[int, int]
    pixels: int


@dataclass(frozen=True, eq=False)
class PairOfPictures:
    """What came of comparing two pictures.

    Attributes:
        name: Of both, where folders are compared; else of the first.
        facts: Size, bits, colours and transparency of A, B and the truth, in words.
        remarks: What differs beside the samples, and what was cut, in sentences.
        size: Columns and rows that were compared.
        pictures: A, B and the truth as they are compared: float64 on [0, 1], as many channels each.
        difference: Of A and B.
        mutual: Metric -> A against B.
        scores: Metric -> A and B against the truth; empty without one.
    """

    name: str
    facts: tuple[str, ...]
    remarks: tuple[str, ...]
    size: tuple[int, int]
    pictures: tuple[Planes, ...]
    difference: Difference
    mutual: Mapping[str, float]
    scores: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Tally:
    """How often one folder beats the other by a metric, and by how much.

    Attributes:
        metric: Its name.
        means: Over the pictures, of A and of B.
        wins: Pictures on which A is better, and on which B is.
        gain: Mean of B less A; pictures where both equal the truth count as 0.
        error: Standard error of `gain`; NaN for fewer than two pictures.
    """

    metric: str
    means: tuple[float, float]
    wins: tuple[int, int]
    gain: float
    error: float


def compare_pictures(
    a: Path, b: Path, truth: Path | None = None, *, scale: int | None, protocol: Protocol | None
) -> PairOfPictures:
    """A against B, and both against the truth where there is one.

    Without a protocol all samples count as they are stored, nothing is shaved or rounded, and 16
    bits stay 16: both pictures are brought to [0, 1], a grey one to three equal channels. With a
    protocol they are scored as a benchmark scores results.

    Args:
        a: A picture.
        b: Another.
        truth: What both should be.
        scale: HR pixels per LR pixel; needed by a protocol, which shaves by it.
        protocol: How they are scored.

    Raises:
        SizeMismatchError: Sizes that differ by more than what cutting to multiples explains.
        PictureError: A file that is no picture, or not of 8 bits where a protocol wants them.
    """
    images = [read_named(path) for path in (a, b, *((truth,) if truth else ()))]
    letters = ("A", "B", "the truth")[: len(images)]
    remarks = _remarks(images)
    cut, note = _cut(images, letters, scale)
    planes = _planes(cut)
    difference = _difference(images, cut, planes)
    if protocol is None or scale is None:
        mutual = _as_stored(*planes[:2], metrics=USUAL)
        each = [_as_stored(x, planes[2], metrics=_STORED) for x in planes[:2]] if truth else []
    else:
        _require_8_bits(images, letters, protocol)
        mutual = _scored(cut[0], cut[1], scale, protocol, metrics=USUAL)
        every = [metric.name for metric in METRICS]
        each = (
            [_scored(x, cut[2], scale, protocol, metrics=every) for x in cut[:2]] if truth else []
        )
    return PairOfPictures(
        name=a.name,
        facts=tuple(map(_facts, images)),
        remarks=(*remarks, *note),
        size=(cut[0].width, cut[0].height),
        pictures=planes,
        difference=difference,
        mutual=mutual,
        scores={name: (each[0][name], each[1][name]) for name in each[0]} if each else {},
    )


def matched(a: Path, b: Path, truth: Path | None) -> tuple[list[tuple[Path, ...]], list[str]]:
    """The pictures that all folders hold, by their names without the endings, and what is left.

    Raises:
        UsageError: When a folder holds no picture, or nothing is in all of them.
    """
    folders = [a, b, *((truth,) if truth else ())]
    held = [{path.stem: path for path in pictures_in(folder)} for folder in folders]
    common = [stem for stem in held[0] if all(stem in other for other in held)]
    if not common:
        raise UsageError(
            f"{' and '.join(map(str, folders))} have no name in common.",
            hint="Results are found by the name of their picture, whatever its ending.",
        )
    alone = sorted({str(path) for one in held for stem, path in one.items() if stem not in common})
    return [tuple(one[stem] for one in held) for stem in common], alone


def tally(metric: str, scores: Sequence[tuple[float, float]]) -> Tally:
    """The sum of the scores by `metric` of A and of B, at least of one picture."""
    gains = [0.0 if a == b else b - a for a, b in scores]
    sign = 1 if find_metric(metric).higher_is_better else -1
    count = len(gains)
    mean = sum(gains) / count
    spread = sum((gain - mean) ** 2 for gain in gains) / (count - 1) if count > 1 else math.nan
    return Tally(
        metric=metric,
        means=(sum(a for a, _ in scores) / count, sum(b for _, b in scores) / count),
        wins=(sum(sign * gain < 0 for gain in gains), sum(sign * gain > 0 for gain in gains)),
        gain=mean,
        error=math.sqrt(spread / count) if math.isfinite(mean) else math.nan,
    )


def _facts(image: Image) -> str:
    bits = "float" if image.bit_depth == 32 else f"{image.bit_depth} bits"
    alpha = ", transparency" if image.alpha is not None else ""
    return f"{image.width}x{image.height}, {bits}, {_colours(image)}{alpha}"


def _colours(image: Image) -> str:
    return "grey" if image.grey else "colour"


def _remarks(images: Sequence[Image]) -> list[str]:
    first, second = images[0], images[1]
    said = []
    if first.bit_depth != second.bit_depth:
        said.append(f"A has {first.bit_depth} bits a sample, B has {second.bit_depth}.")
    if first.grey != second.grey:
        said.append(f"A is {_colours(first)}, B is {_colours(second)}.")
    if (first.alpha is None) != (second.alpha is None):
        said.append(f"Only {'B' if first.alpha is None else 'A'} has transparency.")
    elif first.alpha is not None and second.alpha is not None:
        same = first.alpha.shape == second.alpha.shape
        if same and not bool((to_unit(first.alpha) == to_unit(second.alpha)).all()):
            said.append("Their transparency differs.")
    if any(image.alpha is not None for image in images):
        said.append("Transparency is not compared.")
    if first.profile != second.profile:
        said.append("Their colour profiles differ; codes are compared as they stand.")
    return said


def _cut(
    images: Sequence[Image], letters: Sequence[str], scale: int | None
) -> tuple[list[Image], list[str]]:
    """The pictures at the size they have in common, from the upper left, and a sentence of that."""
    height = min(image.height for image in images)
    width = min(image.width for image in images)
    missing = max(max(each.height - height, each.width - width) for each in images)
    if missing >= (scale or _MOST_CUT):
        sizes = ", ".join(
            f"{letter} is {each.width}x{each.height}"
            for letter, each in zip(letters, images, strict=True)
        )
        raise SizeMismatchError(
            f"The sizes differ: {sizes}.",
            hint="Compare pictures of one size; only what cutting to multiples of a scale takes "
            "off may be missing.",
        )
    if scale is not None:
        height, width = height // scale * scale, width // scale * scale
    if all((image.height, image.width) == (height, width) for image in images):
        return [*images], []
    cut = [
        replace(
            image,
            pixels=image.pixels[:, :height, :width],
            alpha=None if image.alpha is None else image.alpha[:, :height, :width],
        )
        for image in images
    ]
    return cut, [f"Only the {width}x{height} pixels from the upper left were compared."]


def _planes(images: Sequence[Image]) -> tuple[Planes, ...]:
    channels = max(image.pixels.shape[0] for image in images)
    return tuple(
        to_unit(image.pixels, dtype=torch.float64).expand(channels, -1, -1) for image in images
    )


def _difference(
    images: Sequence[Image], cut: Sequence[Image], planes: Sequence[Planes]
) -> Difference:
    apart = (planes[0] - planes[1]).abs().amax(dim=0)
    largest_code = max(LARGEST_CODE[image.pixels.dtype] for image in cut[:2])
    if any(image.bit_depth == 32 for image in cut[:2]):
        largest_code = 1.0
    row, column = divmod(int(apart.numpy().argmax()), apart.shape[1])
    return Difference(
        identical=_identical(images[0], images[1]),
        largest=float(apart[row, column]) * largest_code,
        largest_code=largest_code,
        at=(column, row),
        pixels=int((apart > 0).sum()),
    )


def _identical(a: Image, b: Image) -> bool:
    if (a.alpha is None) != (b.alpha is None):
        return False
    alike = a.pixels.dtype == b.pixels.dtype and torch.equal(a.pixels, b.pixels)
    return alike and (a.alpha is None or b.alpha is None or torch.equal(a.alpha, b.alpha))


def _as_stored(x: Planes, y: Planes, *, metrics: Sequence[str]) -> Mapping[str, float]:
    side = min(x.shape[-2:])
    values = {"psnr": float(psnr(x, y, data_range=1.0))}
    if side >= WINDOW:
        values["ssim"] = float(ssim(x, y, data_range=1.0))
    if scales_that_fit(side) == 5:
        values["ms-ssim"] = float(ms_ssim(x, y, data_range=1.0))
    return {name: value for name, value in values.items() if name in metrics}


def _require_8_bits(images: Sequence[Image], letters: Sequence[str], protocol: Protocol) -> None:
    for letter, image in zip(letters, images, strict=True):
        if image.pixels.dtype != torch.uint8:
            raise PictureError(
                f"{protocol.name} compares pictures of 8 bits; {letter} has {image.bit_depth}.",
                hint="Leave out --scale and --protocol: samples are then compared as stored.",
            )


def _scored(
    result: Image, truth: Image, scale: int, protocol: Protocol, *, metrics: Sequence[str]
) -> Mapping[str, float]:
    hr, sr = truth.pixels, result.pixels
    if hr.shape[0] == 1 and sr.shape[0] == 3 and bool((sr == sr[:1]).all()):
        sr = sr[:1]  # grey, stored in colour: luma of it would have another range
    lr = protocol.lr(hr, scale, colour=hr.shape[0] == 3)
    output = Output("", scale, lr, sr.double() / 255, hr)
    return values_of(output, protocol, [find_metric(name) for name in metrics])
