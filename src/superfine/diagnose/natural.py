"""What the spectra of photos are like: the belief that the blur is found against.

Learned from the 200 photos of BSDS200, each blurred by three kernels of the DIV2KRK recipe and
shrunk to half, and by one of them twice, to a quarter: 800 pictures with a known blur. Nothing else
was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Belief:
    """Mean and covariance of the rings of `spectrum.Rings` for photos, and what blur makes of them.

    A blur of covariance S, in LR pixels squared, has trace t = rows + columns, and the direction
    d = (columns - rows, 2 mixed). Then (level - its mean) = level + slope t, give or take `spread`,
    across = across + slope_across d[0] and aslant = slope_across d[1], give or take
    `spread_across`. Without sampling the slopes would be those of -2 pi^2 f^2.

    Attributes:
        level: For each ring, unblurred, less their mean.
        slope: The same per unit of t.
        spread: Covariance of the rings among photos under the same blur.
        across: Photos are rougher up and down than along their rows: less than 0.
        slope_across: Per unit of d.
        spread_across: As `spread`.
    """

    level: tuple[float, ...]
    slope: tuple[float, ...]
    spread: tuple[tuple[float, ...], ...]
    across: tuple[float, ...]
    slope_across: tuple[float, ...]
    spread_across: tuple[tuple[float, ...], ...]


BELIEF = Belief(
    level=(3.527, 1.836, 0.936, 0.321, -0.197, -0.683, -1.065, -1.342, -1.567, -1.766),
    slope=(0.933, 0.918, 0.865, 0.724, 0.472, 0.150, -0.235, -0.698, -1.260, -1.869),
    spread=(
        (0.254, 0.148, 0.073, 0.025, -0.018, -0.061, -0.086, -0.104, -0.115, -0.123),
        (0.148, 0.125, 0.076, 0.032, -0.005, -0.041, -0.063, -0.079, -0.093, -0.103),
        (0.073, 0.076, 0.061, 0.033, 0.004, -0.022, -0.039, -0.052, -0.063, -0.072),
        (0.025, 0.032, 0.033, 0.029, 0.010, -0.007, -0.018, -0.027, -0.035, -0.042),
        (-0.018, -0.005, 0.004, 0.010, 0.017, 0.010, 0.002, -0.001, -0.006, -0.010),
        (-0.061, -0.041, -0.022, -0.007, 0.010, 0.027, 0.026, 0.025, 0.023, 0.023),
        (-0.086, -0.063, -0.039, -0.018, 0.002, 0.026, 0.042, 0.044, 0.047, 0.047),
        (-0.104, -0.079, -0.052, -0.027, -0.001, 0.025, 0.044, 0.059, 0.067, 0.071),
        (-0.115, -0.093, -0.063, -0.035, -0.006, 0.023, 0.047, 0.067, 0.085, 0.094),
        (-0.123, -0.103, -0.072, -0.042, -0.010, 0.023, 0.047, 0.071, 0.094, 0.119),
    ),
    across=(-0.160, -0.129, -0.121, -0.109, -0.093, -0.088, -0.080, -0.067, -0.045, -0.041),
    slope_across=(-0.023, -0.052, -0.108, -0.249, -0.461, -0.765, -1.164, -1.638, -2.200, -2.772),
    spread_across=(
        (0.207, 0.178, 0.135, 0.110, 0.115, 0.098, 0.093, 0.095, 0.089, 0.084),
        (0.178, 0.188, 0.158, 0.129, 0.128, 0.114, 0.106, 0.106, 0.099, 0.095),
        (0.135, 0.158, 0.151, 0.132, 0.126, 0.114, 0.106, 0.106, 0.100, 0.095),
        (0.110, 0.129, 0.132, 0.134, 0.127, 0.114, 0.105, 0.105, 0.099, 0.095),
        (0.115, 0.128, 0.126, 0.127, 0.141, 0.127, 0.115, 0.114, 0.107, 0.105),
        (0.098, 0.114, 0.114, 0.114, 0.127, 0.131, 0.118, 0.117, 0.110, 0.110),
        (0.093, 0.106, 0.106, 0.105, 0.115, 0.118, 0.120, 0.118, 0.110, 0.109),
        (0.095, 0.106, 0.106, 0.105, 0.114, 0.117, 0.118, 0.128, 0.120, 0.118),
        (0.089, 0.099, 0.100, 0.099, 0.107, 0.110, 0.110, 0.120, 0.125, 0.125),
        (0.084, 0.095, 0.095, 0.095, 0.105, 0.110, 0.109, 0.118, 0.125, 0.145),
    ),
)
