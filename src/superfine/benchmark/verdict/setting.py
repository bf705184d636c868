"""Scoring one set of results in many ways at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from jaxtyping import Float, UInt8
from torch import Tensor

from superfine.benchmark.comparison import Comparison
from superfine.benchmark.output import Output
from superfine.benchmark.protocol import Protocol
from superfine.benchmark.resizes import Resize


@dataclass(frozen=True)
class Setting:
    """All that turns the results of a set into one PSNR.

    Attributes:
        comparison: What of two pictures is compared.
        as_pictures: Whether a luma result gets its colours back first, as in `Protocol`.
        scored: What is scored: the results, or the input enlarged by bicubic.
        against: What it is compared with.
        mean: What is averaged over the pictures: their PSNR, or their squared error.
        peak: The largest value PSNR counts with: 255, or the span of codes in each true picture.
        added: What a wrong range adds, in dB.
        resize: What made the LR pictures; None for what the protocol says.
    """

    comparison: Comparison
    as_pictures: bool
    scored: Literal["result", "bicubic"] = "result"
    against: Literal["truth", "input"] = "truth"
    mean: Literal["psnr", "error"] = "psnr"
    peak: Literal["255", "span"] = "255"
    added: float = 0.0
    resize: Resize | None = None

    def with_border_in_pixels(self, scale: int) -> Setting:
        """The same at `scale`, so written that settings which come to the same are equal."""
        edge = self.comparison.edge(scale)
        return replace(self, comparison=replace(self.comparison, shave=0, shave_more=edge))


def setting_of(protocol: Protocol) -> Setting:
    """The right one."""
    return Setting(protocol.comparison, protocol.as_pictures)


@dataclass(frozen=True)
class _Error:
    """Of one picture, in codes: the mean squared error, and the span of the truth."""

    squared: float
    span: float


def scores(
    outputs: Iterable[Output], protocol: Protocol, settings: Sequence[Setting]
) -> Mapping[Setting, float]:
    """The PSNR of a set under each of `settings`, in one pass over it.

    What made the LR pictures is the caller's part. A setting whose border leaves nothing of a
    picture is left out; results that equal the truth score infinity.
    """
    needed = dict.fromkeys(_pixels(setting) for setting in settings)
    errors: dict[Setting, list[_Error]] = {setting: [] for setting in needed}
    count = 0
    for output in outputs:
        count += 1
        views = _Views(output, protocol)
        for setting in needed:
            error = views.error(setting)
            if error is not None:
                errors[setting].append(error)
    return {
        setting: _psnr(setting, found)
        for setting in settings
        if count and len(found := errors[_pixels(setting)]) == count
    }


def _pixels(setting: Setting) -> Setting:
    """What of `setting` needs the pixels; the rest is arithmetic afterwards."""
    return replace(setting, mean="psnr", peak="255", added=0.0, resize=None)


def _psnr(setting: Setting, errors: Sequence[_Error]) -> float:
    if setting.mean == "error":
        return _decibels(sum(e.squared for e in errors) / len(errors), 255.0) + setting.added
    peaks = (e.span if setting.peak == "span" else 255.0 for e in errors)
    total = sum(_decibels(e.squared, peak) for e, peak in zip(errors, peaks, strict=True))
    return total / len(errors) + setting.added


def _decibels(squared_error: float, peak: float) -> float:
    if squared_error == 0 or peak == 0:
        return math.inf
    return 10 * math.log10(peak**2 / squared_error)


@dataclass(frozen=True, eq=False)
class _Views:
    """One result and what several settings make of it, each made once.

    Attributes:
        output: The result.
        protocol: How it was made.
        wholes: Setting without border -> squared errors of the whole picture, span of the truth.
    """

    output: Output
    protocol: Protocol
    wholes: dict[Setting, tuple[Tensor, float]] = field(default_factory=dict)

    def error(self, setting: Setting) -> _Error | None:
        """The error inside the border; None where nothing is inside."""
        edge = setting.comparison.edge(self.output.scale)
        height, width = (side - 2 * edge for side in self.output.hr.shape[-2:])
        if min(height, width) < 1:
            return None
        comparison = replace(setting.comparison, shave=0, shave_more=0)
        whole = replace(setting, comparison=comparison)
        if whole not in self.wholes:
            self.wholes[whole] = self._whole(whole)
        squared, span = self.wholes[whole]
        inner = squared[..., edge : edge + height, edge : edge + width]
        return _Error(float(inner.mean()), span)

    def _whole(self, setting: Setting) -> tuple[Float[Tensor, "k h w"], float]:
        comparison = setting.comparison
        if self.output.hr.shape[0] == 3:
            # A luma result has one channel too, but is not grey.
            comparison = replace(comparison, expands_grey=False)
        truth = self.bicubic if setting.against == "input" else self.output.hr
        if setting.scored == "bicubic":
            sr = self.bicubic_colours if setting.as_pictures else self.bicubic.double() / 255
        elif setting.as_pictures and setting.against == "truth":
            sr = self.colours
        else:
            sr = self.output.sr
        x, y = comparison.planes(sr, truth, self.output.scale)
        return (x - y).square(), float(y.max() - y.min())

    @cached_property
    def bicubic(self) -> UInt8[Tensor, "c h w"]:
        """The input enlarged, in its own channels."""
        return self.protocol.bicubic(self.output.lr, self.output.scale)

    @cached_property
    def bicubic_colours(self) -> Float[Tensor, "c h w"]:
        """The input enlarged, with the channels of the truth."""
        return self._with_colours(replace(self.output, sr=self.bicubic.double() / 255))

    @cached_property
    def colours(self) -> Float[Tensor, "c h w"]:
        """The result with the channels of the truth."""
        return self._with_colours(self.output)

    def _with_colours(self, output: Output) -> Float[Tensor, "c h w"]:
        if output.sr.shape[0] >= output.hr.shape[0]:
            return output.sr
        return output.picture_codes(self.protocol).double() / 255
