"""Blur kernels: where they lie, how wide they are, and how two make one.

Convention: that of `Kernel`. Positions and widths are in pixels of the sharp picture, in the order
(row, column); covariances in squares of them. Where a kernel lies costs more than how it looks: on
natural pictures at x2, half a pixel costs 1.5 dB and its whole anisotropy 0.5 dB.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.ops.resize import bicubic_kernel as cubic
from superfine.types import Kernel

# Standard deviations to each side that a Gaussian is drawn to; beyond lie 6e-5 of it.
_REACH = 4


def centre_of_mass(values: Float[Tensor, "h w"]) -> Float[Tensor, "2"]:
    """Row and column about which `values` balance; their sum must not be 0. Differentiable."""
    total = values.sum()
    rows, columns = (torch.arange(n).to(values) for n in values.shape)
    return torch.stack(((values.sum(1) * rows).sum(), (values.sum(0) * columns).sum())) / total


def covariance(values: Float[Tensor, "h w"]) -> Float[Tensor, "2 2"]:
    """Second moments of `values` about their centre of mass, (row, column); differentiable.

    The trace tells how wide a kernel is. Of bicubic x2 it is 0: a cubic of Keys' has no second
    moment, its negative lobes take away what its middle brings.
    """
    centre = centre_of_mass(values)
    down = torch.arange(values.shape[0]).to(values) - centre[0]
    right = torch.arange(values.shape[1]).to(values) - centre[1]
    mixed = down @ values @ right
    rows, columns = down.square() @ values.sum(1), right.square() @ values.sum(0)
    return torch.stack((rows, mixed, mixed, columns)).reshape(2, 2) / values.sum()


def ellipse(wide: float, narrow: float, angle: float) -> Float[Tensor, "2 2"]:
    """The covariance with variances `wide` and `narrow` along two axes at right angles.

    Args:
        wide: In HR pixels squared.
        narrow: The same, across.
        angle: From the column axis (to the right) towards the row axis (down) to that of `wide`, in
            radians.
    """
    along = torch.tensor((math.sin(angle), math.cos(angle)), dtype=torch.float64)
    across = torch.tensor((math.cos(angle), -math.sin(angle)), dtype=torch.float64)
    return wide * torch.outer(along, along) + narrow * torch.outer(across, across)


def axes(matrix: Float[Tensor, "2 2"]) -> tuple[float, float, float]:
    """`ellipse` backwards: the larger variance, the smaller one, and the angle on [0, pi)."""
    variances, directions = torch.linalg.eigh(matrix.double())
    row, column = directions[:, 1].tolist()
    # Modulo pi of a tiny negative angle is pi itself in floats.
    angle = math.atan2(row, column) % math.pi % math.pi
    return float(variances[1]), float(variances[0]), angle


def offset(kernel: Kernel) -> tuple[float, float]:
    """How far below and right of its place each LR pixel was measured, in HR pixels.

    (0, 0) for a kernel that moves nothing. A picture degraded by a kernel with (1, 0) and enlarged
    as if nothing had happened lies one pixel too high.
    """
    row, column = centre_of_mass(kernel.values).tolist()
    middle = (kernel.scale - 1) / 2
    return row - kernel.anchor[0] - middle, column - kernel.anchor[1] - middle


def moved(kernel: Kernel, down: float, right: float) -> Kernel:
    """`kernel` with `down` and `right` HR pixels more of `offset`, exact to rounding.

    Whole pixels go into the anchor. The rest is a convolution with the four taps of Keys' cubic
    (a = -1/2) along each axis, which reproduces parabolas: sum, centre and covariance come out
    exact, and nothing is widened. Its lobes are at most 1/16 of a peak one pixel wide, vanish with
    the curvature of the kernel and do not go on: nothing rings. Two linear taps would add f (1 - f)
    to the variance, a quarter at half a pixel. The array grows by 3 along an axis that is moved by
    part of a pixel.
    """
    values, anchor = kernel.values, list(kernel.anchor)
    for axis, by in ((0, down), (1, right)):
        whole = math.floor(by)
        part = by - whole
        anchor[axis] -= whole
        if part > 0:
            taps = cubic(torch.arange(-1, 3, dtype=torch.float64) - part)
            values = _convolved(values, taps, axis)
            anchor[axis] += 1
    return Kernel(values, kernel.scale, (anchor[0], anchor[1]))


def centred(kernel: Kernel) -> Kernel:
    """`kernel` where it moves nothing: `offset` (0, 0), by `moved`, with the covariance it had."""
    down, right = offset(kernel)
    # Dust of rounding is not worth an array that grows.
    return moved(kernel, *(-by if abs(by) > 1e-9 else 0.0 for by in (down, right)))


def _convolved(
    values: Float[Tensor, "h w"], taps: Float[Tensor, " k"], axis: int
) -> Float[Tensor, "m n"]:
    size = list(values.shape)
    size[axis] += len(taps) - 1
    wider = values.new_zeros(size)
    for k, weight in enumerate(taps):
        wider.narrow(axis, k, values.shape[axis]).add_(values, alpha=float(weight))
    return wider


def laid_out(kernel: Kernel, size: int) -> Kernel:
    """The same kernel as a square of `size` rows and columns with its anchor at `size` // 2.

    That is how files hold kernels, and how KernelGAN's are applied.

    Raises:
        ValueError: When values other than 0 do not fit.
    """
    values = kernel.values.new_zeros(size, size)
    taken, placed = [], []
    for n, anchor in zip(kernel.values.shape, kernel.anchor, strict=True):
        first = size // 2 - anchor
        low, high = max(0, -first), min(n, size - first)
        taken.append(slice(low, max(low, high)))
        placed.append(slice(first + low, max(first + low, first + high)))
    values[tuple(placed)] = kernel.values[tuple(taken)]
    if int(values.count_nonzero()) != int(kernel.values.count_nonzero()):
        raise ValueError(f"the kernel does not fit into {size}x{size} values")
    return Kernel(values, kernel.scale, (size // 2, size // 2))


def drawn(
    shape: Callable[[Float[Tensor, "n n 2"]], Float[Tensor, "n n"]], *, size: int, scale: int
) -> Kernel:
    """The function `shape` of the place, sampled at the middles of pixels, as a kernel.

    Args:
        shape: (row, column) in HR pixels from where a kernel that moves nothing has its centre ->
            values, on any scale.
        size: Rows and columns. With the parity of the scale the place of the centre is the middle
            of the array; else one side is cut off a row earlier.
        scale: Of the kernel.
    """
    anchor = size // 2 if (size - scale) % 2 else (size - scale) // 2
    line = torch.arange(size, dtype=torch.float64) - anchor - (scale - 1) / 2
    values = shape(torch.stack(torch.meshgrid(line, line, indexing="ij"), dim=-1))
    return Kernel(values / values.sum(), scale, (anchor, anchor))


def size_for(reach: float, scale: int) -> int:
    """Rows that take at least `reach` HR pixels to each side of the centre, and as many to each."""
    return 2 * math.ceil(reach) + 2 - scale % 2


def gaussian(matrix: Float[Tensor, "2 2"], *, scale: int, size: int | None = None) -> Kernel:
    """A Gaussian of covariance `matrix`, (row, column) in HR pixels squared, that moves nothing.

    Below a standard deviation of half a pixel, samples are too far apart to hold the covariance,
    and the kernel of an even scale does not get narrower than the mean of four pixels.

    Args:
        matrix: Symmetric and positive.
        scale: Of the kernel.
        size: Rows and columns, as `drawn`; None for as many as 4 standard deviations take.

    Raises:
        ValueError: When `matrix` is not positive.
    """
    wide, _, _ = axes(matrix)

    def shape(place: Float[Tensor, "n n 2"]) -> Float[Tensor, "n n"]:
        distance = squared_distance(place, matrix)
        # Measured from the nearest pixel, so that the narrowest of them is not 0 everywhere.
        return torch.exp(-0.5 * (distance - distance.min()))

    if size is None:
        size = size_for(_REACH * math.sqrt(max(0, wide)), scale)
    return drawn(shape, size=size, scale=scale)


def squared_distance(
    place: Float[Tensor, "*shape 2"], matrix: Float[Tensor, "2 2"]
) -> Float[Tensor, "*shape"]:
    """xᵀ `matrix`⁻¹ x of each place: 1 on the ellipse of one standard deviation.

    Raises:
        ValueError: When `matrix` is not positive.
    """
    wide, narrow, _ = axes(matrix)
    if not (narrow > 0 and math.isfinite(wide)):
        raise ValueError("the covariance of a kernel is positive and finite")
    inverse: Tensor = torch.linalg.inv(matrix.double())
    return (place @ inverse * place).sum(dim=-1)


def bicubic_kernel(scale: int) -> Kernel:
    """MATLAB's antialiased bicubic `imresize` to 1 / `scale`, away from the border."""
    reach = torch.arange(-2 * scale, 3 * scale, dtype=torch.float64)
    line = cubic((reach - (scale - 1) / 2) / scale) / scale
    used = line.nonzero()[:, 0]
    line = line[used[0] : used[-1] + 1]
    anchor = 2 * scale - int(used[0])
    line = line / line.sum()
    return Kernel(torch.outer(line, line), scale, (anchor, anchor))


def one_after_another(first: Kernel, second: Kernel) -> Kernel:
    """What degrading by `first` and then what comes of it by `second` is in one kernel.

    `first`, convolved with `second` spread out by the scale of `first`. Equal but for the borders,
    which are mirrored once instead of twice.
    """
    scale = first.scale
    height, width = first.values.shape
    rows, columns = second.values.shape
    whole = first.values.new_zeros(scale * (rows - 1) + height, scale * (columns - 1) + width)
    for row in range(rows):
        for column in range(columns):
            part = whole[scale * row :, scale * column :][:height, :width]
            part += second.values[row, column] * first.values
    anchor = (
        scale * second.anchor[0] + first.anchor[0],
        scale * second.anchor[1] + first.anchor[1],
    )
    return Kernel(whole, scale * second.scale, anchor)


def composed(kernel: Kernel, times: int = 2) -> Kernel:
    """`kernel` `times` times after another, as one: of one for x2, the kernel for x4.

    n values at x2 become 3n - 2. Where one moves nothing the other does not either: a centre of
    mass of 5.5 in 11x11 values becomes 16.5 in 31x31.

    Source: Bell-Kligler, Shocher, Irani, NeurIPS 2019, for the kernels x4 of DIV2KRK.
    """
    whole = kernel
    for _ in range(times - 1):
        whole = one_after_another(whole, kernel)
    return whole
