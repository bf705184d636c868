"""All that is wrong with a picture, as far as it shows, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from superfine.diagnose.jpeg import Jpeg, blind_jpeg, grid_strength, quality_of
from superfine.diagnose.noise import noise_sigma
from superfine.diagnose.resized import Resized, resized
from superfine.diagnose.spectral import Blur, spectral_blur
from superfine.ops.codes import to_unit
from superfine.ops.phase import Phase, estimated_phase, phase_evidence
from superfine.types import LARGEST_CODE, Image

# What to do next, for programs; `Step.value` holds its number or the kernel of `correct-blur`.
Action = Literal[
    "shrink-first", "undo-jpeg", "denoise", "correct-blur", "bicubic-is-fine", "blur-unknown"
]
# Weights of luma as JFIF has it, on the full range.
_LUMA = (0.299, 0.587, 0.114)
# JPEG below takes so much of the upper spectrum that the blur looks narrower than it is.
_BLUR_SURVIVES = 90
# JPEG below is worth undoing.
_GOOD_JPEG = 85
# Noise from here on is made visible by sharpening; photos have about 1 in what is taken for flat.
_VISIBLE_NOISE = 3.0
# Pixels of a picture whose offset to its reference is looked for.
_MOST_PHASE = 1_500_000


@dataclass(frozen=True)
class Step:
    """One step of the plan.

    Attributes:
        action: The word for programs.
        sentence: The same for people.
        value: The factor to shrink by, the quality, the noise in grey levels, or the kernel as
            `--kernel` takes it; empty where there is nothing to say.
    """

    action: Action
    sentence: str
    value: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found.

    Attributes:
        width: Columns of the picture.
        height: Rows.
        scale: The enlargement that the blur was told for.
        blur: See `Blur`; its `trusted` is False where JPEG or an enlargement hides the blur too.
        noise_sigma: Standard deviation of white noise per channel, grey levels of 255; None where
            black or white is everywhere.
        jpeg: None where no trace of JPEG is seen.
        resized: None where no trace of an enlargement is seen.
        phase: Where the picture was sampled against a reference, HR pixels; None without one.
        plan: What to do, in this order; never empty.
    """

    width: int
    height: int
    scale: int
    blur: Blur
    noise_sigma: float | None
    jpeg: Jpeg | None
    resized: Resized | None
    phase: Phase | None
    plan: tuple[Step, ...]

    def as_json(self) -> dict[str, object]:
        """Plain dictionaries, lists, numbers and words, ready for JSON."""
        return asdict(self)

    def in_words(self) -> tuple[str, ...]:
        """Lines for people: what was measured, then the plan."""
        found = (
            f"{self.width}x{self.height} pixels, for x{self.scale}",
            f"blur: {_blur_in_words(self.blur)}",
            f"noise: {_noise_in_words(self.noise_sigma)}",
            f"JPEG: {_jpeg_in_words(self.jpeg)}",
            f"enlarged before: {_resized_in_words(self.resized)}",
            f"sampling: {_phase_in_words(self.phase)}",
        )
        return found + tuple(f"{i}. {step.sentence}" for i, step in enumerate(self.plan, 1))


def diagnose(
    image: Image,
    *,
    scale: int = 2,
    jpeg_tables: Sequence[tuple[int, ...]] = (),
    reference: Image | None = None,
) -> Diagnosis:
    """What blur, noise, JPEG and enlarging did to `image`.

    Any size, grey or RGB, of 8 or 16 bits or float; transparency is not looked at. A picture too
    small to tell anything gets a diagnosis that says so.

    Args:
        image: The picture.
        scale: How many times it is to be enlarged: the blur is told in pixels of the result.
        jpeg_tables: Those of the file where it is a JPEG (`quantisation_tables`), luma first.
        reference: The same scene with `scale` times the pixels, if there is one: only against it
            can be told where the samples lie. One picture alone does not show that its kernel is
            off centre, because the same scene, moved, has the same spectrum.
    """
    planes = 255 * to_unit(image.pixels)
    luma = _luma(planes)
    step = 0.0 if image.bit_depth == 32 else 255 / LARGEST_CODE[image.pixels.dtype]
    blur = spectral_blur(luma, scale=scale, least_floor=max(step**2 / 12, 1e-4))
    jpeg = _from_file(jpeg_tables, luma) if jpeg_tables else blind_jpeg(luma)
    before = resized(luma, blocks=jpeg is not None)
    blur = _hidden(blur, jpeg, before)
    noise = _noise(planes, step)
    return Diagnosis(
        width=image.width,
        height=image.height,
        scale=scale,
        blur=blur,
        noise_sigma=noise,
        jpeg=jpeg,
        resized=before,
        phase=None if reference is None else _phase(luma, reference),
        plan=_plan(blur, noise, jpeg, before),
    )


def _luma(planes: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    if len(planes) == 1:
        return planes[0]
    luma = _LUMA[0] * planes[0]
    for weight, plane in zip(_LUMA[1:], planes[1:], strict=True):
        luma += weight * plane
    return luma


def _noise(planes: Float[Tensor, "c h w"], step: float) -> float | None:
    """Root mean square over the channels that show any."""
    found = [noise_sigma(plane, step=step) for plane in planes]
    told = [sigma**2 for sigma in found if sigma is not None]
    return math.sqrt(sum(told) / len(told)) if told else None


def _from_file(tables: Sequence[tuple[int, ...]], luma: Float[Tensor, "h w"]) -> Jpeg:
    """A JPEG that was decoded as it is has its grid at the upper left."""
    *_, strength = grid_strength(luma)
    return Jpeg(quality_of(tables[0]), 0, 0, strength, from_file=True)


def _hidden(blur: Blur, jpeg: Jpeg | None, before: Resized | None) -> Blur:
    """`blur`, not to be trusted where something else shaped the spectrum."""
    if before is not None:
        why = "the picture was enlarged before, and its upper spectrum is empty"
    elif jpeg is not None and jpeg.quality < _BLUR_SURVIVES:
        why = f"JPEG of quality {jpeg.quality} took the frequencies that show the blur"
    else:
        return blur
    return replace(blur, trusted=False, bicubic=False, why=blur.why or why)


def _phase(luma: Float[Tensor, "h w"], reference: Image) -> Phase:
    """Of the middle of both, where they are large."""
    whole = _luma(255 * to_unit(reference.pixels)) / 255
    rows, columns = luma.shape
    ratios = whole.shape[0] / rows, whole.shape[1] / columns
    side = max(1, int(math.sqrt(_MOST_PHASE / (ratios[0] * ratios[1]))))
    top, left = max(0, (rows - side) // 2), max(0, (columns - side) // 2)
    if ratios[0] != int(ratios[0]) or ratios[1] != int(ratios[1]):
        top, left, side = 0, 0, max(rows, columns)
    lr = luma[top : top + side, left : left + side]
    first = round(top * ratios[0]), round(left * ratios[1])
    guide = whole[
        first[0] : first[0] + round(lr.shape[0] * ratios[0]),
        first[1] : first[1] + round(lr.shape[1] * ratios[1]),
    ]
    return estimated_phase([phase_evidence(lr[None] / 255, guide[None])])


def _plan(
    blur: Blur, noise: float | None, jpeg: Jpeg | None, before: Resized | None
) -> tuple[Step, ...]:
    """In the order in which the harm was done, backwards."""
    steps = []
    if jpeg is not None and jpeg.quality < _GOOD_JPEG:
        steps.append(
            Step("undo-jpeg", f"Undo the JPEG of quality {jpeg.quality}.", str(jpeg.quality))
        )
    if before is not None:
        factor = f"{before.factor:.2f}"
        steps.append(
            Step("shrink-first", f"Shrink it {factor} times first: nothing is lost.", factor)
        )
    if noise is not None and noise >= _VISIBLE_NOISE:
        steps.append(Step("denoise", f"Take off noise of {noise:.1f} grey levels.", f"{noise:.1f}"))
    if not blur.trusted:
        steps.append(Step("blur-unknown", f"Leave the blur alone: {blur.why}."))
    elif blur.bicubic:
        steps.append(Step("bicubic-is-fine", "Bicubic is fine here: there is no blur to correct."))
    else:
        kernel = f"gauss:{blur.wide:.2f},{blur.narrow:.2f},{math.degrees(blur.angle):.0f}"
        steps.append(Step("correct-blur", f"Correct the blur first: --kernel {kernel}.", kernel))
    return tuple(steps)


def _blur_in_words(blur: Blur) -> str:
    if not blur.trusted:
        return f"not told: {blur.why}"
    if blur.bicubic:
        return "none beyond that of a bicubic shrink"
    sides = f"{blur.wide:.2f} x {blur.narrow:.2f} pixels of the result (standard deviations)"
    angle = f"the wider axis {math.degrees(blur.angle):.0f} degrees from the rows"
    return f"{sides}, {angle}; fit {blur.residual:.2f}, of {blur.used:.0%} of the spectrum"


def _noise_in_words(sigma: float | None) -> str:
    if sigma is None:
        return "not told: nowhere between black and white"
    return f"standard deviation {sigma:.1f} of 255"


def _jpeg_in_words(jpeg: Jpeg | None) -> str:
    if jpeg is None:
        return "no trace"
    told = "by the file" if jpeg.from_file else "by its pixels"
    return (
        f"quality {jpeg.quality} {told}, blocks from row {jpeg.row}, column {jpeg.column}, "
        f"steps between them {jpeg.strength:.2f} times the usual"
    )


def _resized_in_words(before: Resized | None) -> str:
    return "no trace" if before is None else f"{before.factor:.2f} times"


def _phase_in_words(phase: Phase | None) -> str:
    if phase is None:
        return "not told by one picture; give a reference"
    return (
        f"{phase.rows:+.2f} rows, {phase.columns:+.2f} columns of the result "
        f"(confidence {phase.confidence:.2f})"
    )
