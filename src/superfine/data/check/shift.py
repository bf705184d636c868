"""How far an LR picture lies beside its HR one, to a fraction of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.ops.resize import imresize

_FINENESS = 20  # steps per LR pixel of the second search
_BAND = 0.12  # cycles per LR pixel: standard deviation of what is listened to
_REACH = 1.5  # LR pixels around the first peak that the second search covers
_SMALLEST = 24  # LR pixels on a side
_FLAT = 2.0  # codes, standard deviation


@dataclass(frozen=True)
class Shift:
    """Where the content of an LR picture lies.

    Attributes:
        right: Of where that of HR lies, in HR pixels; negative is left.
        down: The same downwards.
        agreement: 1 when LR is nothing but HR shrunk and shifted, near 0 for unlike pictures.
    """

    right: float
    down: float
    agreement: float


def shift_of(lr: Float[Tensor, "m n"], hr: Float[Tensor, "h w"], *, scale: int) -> Shift | None:
    """How far `lr` is shifted; None for pictures too small or too flat to tell.

    Args:
        lr: Luma codes.
        hr: Luma codes, exactly `scale` times larger.

    Source: whole pixels by phase correlation (Kuglin and Hines 1975), fractions by evaluating the
    correlation finely around its peak (Guizar-Sicairos, Thurman, Fienup, Optics Letters 2008).
    """
    if min(lr.shape) < _SMALLEST:
        return None
    expected = imresize(hr.double(), scale=1 / scale)
    seen = lr.double()
    if min(float(expected.std()), float(seen.std())) < _FLAT:
        return None
    window = _window(lr.shape[0])[:, None] * _window(lr.shape[1])
    spectrum = torch.fft.fft2((seen - seen.mean()) * window) * torch.conj(
        torch.fft.fft2((expected - expected.mean()) * window)
    )
    strength = spectrum.abs()
    # Fine detail is where a crude resize has aliased: it says where things are not.
    low = torch.exp(-_frequency(lr.shape) / (2 * _BAND**2))
    phase = low * spectrum / strength.clamp(min=1e-12 * float(strength.max()))
    down, right, height = _fine(phase, _peak(phase))
    return Shift(right * scale, down * scale, height / float(low.sum()))


def _frequency(shape: torch.Size) -> Float[Tensor, "m n"]:
    """Squared distance from frequency 0, in cycles per LR pixel."""
    rows, columns = (_frequencies(count) for count in shape)
    distance: Tensor = rows[:, None] ** 2 + columns**2
    return distance


def _frequencies(count: int) -> Float[Tensor, " n"]:
    frequencies: Tensor = torch.fft.fftfreq(count, dtype=torch.float64)
    return frequencies


def _window(count: int) -> Float[Tensor, " n"]:
    return torch.hann_window(count, periodic=False, dtype=torch.float64)


def _peak(phase: Tensor) -> tuple[float, float]:
    correlation = torch.fft.ifft2(phase).real
    place = int(correlation.argmax())
    row, column = divmod(place, phase.shape[1])
    return _signed(row, phase.shape[0]), _signed(column, phase.shape[1])


def _signed(place: int, count: int) -> float:
    return float(place if place <= count // 2 else place - count)


def _fine(phase: Tensor, near: tuple[float, float]) -> tuple[float, float, float]:
    """Row, column and height of the highest point near a whole one."""
    steps = torch.arange(-_REACH, _REACH + 1e-9, 1 / _FINENESS, dtype=torch.float64)
    rows, columns = (
        torch.exp(2j * math.pi * torch.outer(middle + steps, _frequencies(count)))
        for middle, count in zip(near, phase.shape, strict=True)
    )
    correlation = (rows @ phase @ columns.T).real
    row, column = divmod(int(correlation.argmax()), len(steps))
    height = float(correlation[row, column])
    return near[0] + float(steps[row]), near[1] + float(steps[column]), height
