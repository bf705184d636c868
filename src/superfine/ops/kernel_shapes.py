"""Shapes of blur that cameras and programs make, as kernels that move nothing.

The Gaussians are in `kernels`: `gaussian(ellipse(...))`. Of a scale above 1, each is the blur of
the sharp picture, sampled at the middles of its pixels.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.ops.kernels import centred, drawn, ellipse, gaussian, size_for, squared_distance
from superfine.types import Kernel

# Points of a path per HR pixel: their steps do not show in a kernel.
_POINTS = 16


def isotropic(sigma: float, *, scale: int) -> Kernel:
    """A round Gaussian with standard deviation `sigma`, in HR pixels; errors as `gaussian`."""
    return gaussian(ellipse(sigma**2, sigma**2, 0.0), scale=scale)


def anisotropic(wide: float, narrow: float, angle: float, *, scale: int) -> Kernel:
    """An oblong Gaussian.

    Args:
        wide: Standard deviation along `angle`, in HR pixels.
        narrow: The same, across.
        angle: From the column axis towards the row axis, in radians.
        scale: Of the kernel.

    Raises:
        ValueError: When a standard deviation is not positive.
    """
    return gaussian(ellipse(wide**2, narrow**2, angle), scale=scale)


def plateau(matrix: Float[Tensor, "2 2"], beta: float, *, scale: int, reach: float) -> Kernel:
    """1 / (1 + (xᵀ `matrix`⁻¹ x)^`beta`): flat in the middle, with steeper sides as `beta` grows.

    Args:
        matrix: Sets the size of the plateau; not the covariance.
        beta: Real-ESRGAN draws it on [1, 2].
        scale: Of the kernel.
        reach: HR pixels to each side; the tails have no end.

    Raises:
        ValueError: When `matrix` is not positive.

    Source: Wang et al., "Real-ESRGAN", ICCVW 2021, section 3.1.
    """
    return drawn(
        lambda place: 1 / (1 + squared_distance(place, matrix) ** beta),
        size=size_for(reach, scale),
        scale=scale,
    )


def sinc(cutoff: float, *, scale: int, reach: float) -> Kernel:
    """The ideal low-pass filter, which rings: `cutoff` J1(`cutoff` r) / (2 pi r).

    Args:
        cutoff: Radians per HR pixel, on (0, pi]; Real-ESRGAN draws it on [pi/3, pi].
        scale: Of the kernel.
        reach: HR pixels to each side, where it is cut off.

    Raises:
        ValueError: When `cutoff` is not on (0, pi].

    Source: Wang et al., "Real-ESRGAN", ICCVW 2021, eq. 6.
    """
    if not 0 < cutoff <= math.pi:
        raise ValueError(f"a cutoff lies on (0, pi], not at {cutoff:g}")

    def shape(place: Float[Tensor, "n n 2"]) -> Float[Tensor, "n n"]:
        # The limit at 0 is cutoff / 2, which 1e-9 has to all its digits.
        radius = place.square().sum(dim=-1).sqrt().clamp(min=1e-9)
        waves: Tensor = torch.special.bessel_j1(cutoff * radius)
        return waves / radius

    return drawn(shape, size=size_for(reach, scale), scale=scale)


def motion(length: float, angle: float, *, scale: int) -> Kernel:
    """A picture that moved along a straight line at one speed while it was taken.

    Args:
        length: Of the line, in HR pixels, at least 0.
        angle: From the column axis towards the row axis, in radians.
        scale: Of the kernel.
    """
    along = torch.linspace(-length / 2, length / 2, _count(length), dtype=torch.float64)
    direction = torch.tensor((math.sin(angle), math.cos(angle)), dtype=torch.float64)
    return along_path(along[:, None] * direction, scale=scale)


def shake(length: float, *, scale: int, draw: torch.Generator, bend: float = 0.5) -> Kernel:
    """A camera that was shaken: a path of one speed whose direction wanders.

    Args:
        length: Of the path, in HR pixels, at least 0.
        scale: Of the kernel.
        draw: The same state draws the same path.
        bend: Standard deviation of the change of direction over one HR pixel, in radians; it grows
            with the root of the way. 0 is a line in some direction.
    """
    count = _count(length)
    start = 2 * math.pi * torch.rand((), generator=draw, dtype=torch.float64)
    turns = torch.randn(count - 1, generator=draw, dtype=torch.float64)
    step = length / max(1, count - 1)
    direction = start + bend * math.sqrt(step) * turns.cumsum(0)
    steps = step * torch.stack((direction.sin(), direction.cos()), dim=1)
    return along_path(torch.cat((steps.new_zeros(1, 2), steps.cumsum(0))), scale=scale)


def along_path(path: Float[Tensor, "n 2"], *, scale: int) -> Kernel:
    """The kernel of a picture that spent the same time at each of the places of `path`.

    Args:
        path: (row, column) in HR pixels from anywhere: the kernel is centred. A place between
            pixels is shared linearly among four, which keeps it in place and adds f (1 - f), at
            most 1/4, to the variance along an axis on which it lies f off a pixel.
        scale: Of the kernel.
    """
    path = path - path.mean(dim=0)
    size = size_for(float(path.abs().max()) + 1, scale)
    anchor = (size - scale) // 2
    place = path + anchor + (scale - 1) / 2
    first = place.floor()
    part = place - first
    values = path.new_zeros(size, size)
    for down in (0, 1):
        for right in (0, 1):
            weight = (part[:, 0] if down else 1 - part[:, 0]) * (
                part[:, 1] if right else 1 - part[:, 1]
            )
            row, column = first.long().unbind(dim=1)
            values.index_put_((row + down, column + right), weight, accumulate=True)
    return centred(Kernel(values / values.sum(), scale, (anchor, anchor)))


def _count(length: float) -> int:
    if not 0 <= length < math.inf:
        raise ValueError(f"the length of a path is at least 0, not {length:g}")
    return math.ceil(_POINTS * length) + 1
