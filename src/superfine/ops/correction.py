"""A picture taken through a known blur, made into what bicubic shrinking would have given.

Networks are trained on LR that MATLAB's bicubic made, and undo that alone. One filter of LR, in
closed form, turns the blur that was there into the one they know. `restore` is least squares, the
answer without any network.

Source: Abu Hussein, Tirer, Giryes, "Correction filter for single image super-resolution", CVPR
2020. Differs from the paper: they take the sharp picture for a sum of bicubic kernels, which makes
the filter (r*r) / (s*r), and choose a constant that keeps it finite. Here the sharp picture has the
spectrum of natural ones, |f|^-2.2 in power, and LR the noise of its codes, at every scale; the
filter is that of LR with the least expected square error, and the same numbers serve x2 and x4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from superfine.ops.border import folded
from superfine.ops.degrade import degrade, degrade_adjoint
from superfine.ops.kernels import bicubic_kernel
from superfine.ops.resize import imresize
from superfine.types import Kernel

# Of the power spectrum of sharp pictures; 2.0 to 2.4 make no difference.
_FALL = 2.2
# Power per square of cycles per HR pixel, on [0, 1]: a standard deviation of 50 codes.
_POWER = 42 / 255**2
# Half a code: rounding alone has 0.29, and no kernel is known exactly. On 16 pictures, a quarter
# costs the network behind it 0.12 dB at x2 and 0.25 at x4, a whole code 0.18 and 0.15.
_LEAST_NOISE = 0.5 / 255
# LR pixels the filter reaches to each side, and frequencies it is computed at.
_REACH, _FREQUENCIES = 32, 128
# LR pixels on a side that are filtered at once: with the reach, a length that FFTs are fast at.
_TILE = 512


def correction_filter(
    kernel: Kernel, *, noise_sigma: float = 0.0, target: Kernel | None = None
) -> Float[Tensor, "65 65"]:
    """The filter that `correct` lays on LR, in LR pixels, unflipped; its sum is 1.

    At each frequency of LR it is the sum, over the scale² frequencies of the sharp picture that
    fall on it, of b s* k̄, over that of |k|² s* plus the noise: k and b are what the two kernels
    make of them, s* the power of natural pictures. An `offset` of the kernel is undone too.

    Args:
        kernel: What made LR.
        noise_sigma: Standard deviation of noise in LR, on [0, 1], beside that of 8-bit codes.
        target: What ought to have made LR; None for MATLAB's bicubic.
    """
    scale = kernel.scale
    aim = target or bicubic_kernel(scale)
    if aim.scale != scale:
        raise ValueError(f"a kernel for x{scale} cannot be corrected to one for x{aim.scale}")
    size = scale * _FREQUENCIES
    made, wanted = _response(kernel, size), _response(aim, size)
    cycles = torch.fft.fftfreq(size, dtype=torch.float64)
    # Pictures have an end: below a cycle in 512 pixels nothing more is added.
    distance = cycles.square()[:, None] + cycles.square() + 512**-2
    power = _POWER * distance ** (-_FALL / 2)
    # A LR pixel stands for scale² of the sharp picture, whose powers add up in its frequencies.
    noise = scale**2 * (noise_sigma**2 + _LEAST_NOISE**2)
    gain = _aliased(wanted * power * made.conj(), scale) / (
        _aliased(made.abs().square() * power, scale) + noise
    )
    # (0, 0) of the transform lies in the middle of the array from here on.
    whole: Tensor = torch.fft.fftshift(torch.fft.ifft2(gain).real)
    middle = _FREQUENCIES // 2
    taps = whole[middle - _REACH : middle + _REACH + 1, middle - _REACH : middle + _REACH + 1]
    # Turned round, because the transform is of a convolution.
    return (taps / taps.sum()).flip(0, 1)


def correct(
    lr: Float[Tensor, "*lead m n"],
    kernel: Kernel,
    *,
    noise_sigma: float = 0.0,
) -> Float[Tensor, "*lead m n"]:
    """`lr` as bicubic would have made it of the same sharp picture.

    Mirrored at its borders, and not clipped: what lies beyond black and white is edges that the
    network needs. A kernel that is bicubic changes nothing. Peak memory is about that of three
    pictures like `lr`, whatever its size.

    Args:
        lr: On [0, 1], any size; each colour for itself.
        kernel: What made it.
        noise_sigma: Standard deviation of noise in `lr`, on [0, 1], beside that of 8-bit codes.
    """
    return _filtered(lr, correction_filter(kernel, noise_sigma=noise_sigma))


def correct_regions(
    lr: Float[Tensor, "*lead m n"],
    kernels: Sequence[Kernel],
    regions: Int[Tensor, "m n"],
    *,
    noise_sigma: float = 0.0,
    blend: int = 16,
) -> Float[Tensor, "*lead m n"]:
    """`correct` with a kernel for each region, passing smoothly from one to the next.

    Args:
        lr: As of `correct`.
        kernels: All of one scale.
        regions: Which kernel made each pixel, 0 to len(`kernels`) - 1.
        noise_sigma: As of `correct`.
        blend: Half the width of the passage in LR pixels, about; 0 for none.

    Raises:
        ValueError: When `regions` names a kernel that is not there.
    """
    if int(regions.min()) < 0 or int(regions.max()) >= len(kernels):
        raise ValueError(f"regions are numbered 0 to {len(kernels) - 1}")
    whole = torch.zeros_like(lr)
    size = (regions.shape[0], regions.shape[1])
    for number, kernel in enumerate(kernels):
        inside = regions == number
        if not bool(inside.any()):
            continue
        rows, columns = (
            _stretch(inside.any(dim=1 - axis), 2 * blend, size[axis]) for axis in (0, 1)
        )
        share = _share(inside, rows, columns, blend).to(lr)
        taps = correction_filter(kernel, noise_sigma=noise_sigma)
        # With what the filter reads beside it, so that it sees the picture and no mirror.
        top, left = max(0, rows.start - _REACH), max(0, columns.start - _REACH)
        around = lr[..., top : rows.stop + _REACH, left : columns.stop + _REACH]
        part = _filtered(around, taps)
        part = part[..., rows.start - top :, columns.start - left :]
        part = part[..., : share.shape[0], : share.shape[1]]
        whole[..., rows, columns] += share * part
    return whole


def restore(
    lr: Float[Tensor, "*lead m n"],
    kernel: Kernel,
    *,
    size: tuple[int, int] | None = None,
    steps: int = 40,
    smoothness: float = 2e-3,
) -> Float[Tensor, "*lead h w"]:
    """The sharp picture that `kernel` made `lr` of, by least squares, without a network.

    Minimises |degrade(x) - lr|² + `smoothness` |gradient of x|² by conjugate gradients, from `lr`
    enlarged by bicubic. Any range.

    Args:
        lr: What was taken.
        kernel: What made it.
        size: Rows and columns of the sharp picture; None for `scale` times those of `lr`.
        steps: Of conjugate gradients; few leave the picture smoother.
        smoothness: 0 follows the noise.
    """
    scale = kernel.scale
    wanted = size or (scale * lr.shape[-2], scale * lr.shape[-1])

    def normal(x: Tensor) -> Tensor:
        again = degrade_adjoint(degrade(x, kernel), kernel, wanted)
        return again - smoothness * _laplacian(x)

    x = imresize(lr, scale=scale)[..., : wanted[0], : wanted[1]]
    apart = degrade_adjoint(lr, kernel, wanted) - normal(x)
    direction, length = apart, _square(apart)
    for _ in range(steps):
        changed = normal(direction)
        step = length / (direction * changed).sum(dim=(-2, -1), keepdim=True).clamp(min=1e-30)
        x = x + step * direction
        apart = apart - step * changed
        before, length = length, _square(apart)
        direction = apart + length / before.clamp(min=1e-30) * direction
    return x


def _response(kernel: Kernel, size: int) -> Complex[Tensor, "f f"]:
    """What `kernel` makes of waves with 0 to `size` - 1 cycles in `size` pixels, each way."""
    wrapped = kernel.values.new_zeros(size, size)
    rows, columns = (
        (torch.arange(n) - anchor) % size
        for n, anchor in zip(kernel.values.shape, kernel.anchor, strict=True)
    )
    down, right = torch.meshgrid(rows, columns, indexing="ij")
    wrapped.index_put_((down, right), kernel.values, accumulate=True)
    spectrum: Tensor = torch.fft.fft2(wrapped)
    # Kernels are laid on unflipped.
    return spectrum.conj()


def _aliased(spectrum: Tensor, scale: int) -> Tensor:
    """The sums over the frequencies that are one when every `scale`-th pixel is kept."""
    size = spectrum.shape[0] // scale
    # (s·n, s·n) -> (s, n, s, n) -> (n, n)
    return spectrum.reshape(scale, size, scale, size).sum(dim=(0, 2))


def _filtered(
    x: Float[Tensor, "*lead m n"], taps: Float[Tensor, "k k"]
) -> Float[Tensor, "*lead m n"]:
    """`x`, mirrored beyond its borders, under `taps`: by FFT, tile by tile."""
    height, width = x.shape[-2:]
    sides = [min(_TILE, _TILE // 8 * -(-n // (_TILE // 8))) + 2 * _REACH for n in (height, width)]
    # A correlation, whose values come out from the first one that reads no mirror of the tile.
    gain = torch.fft.rfft2(taps.to(x), s=sides).conj()
    rows, columns = (folded(torch.arange(-_REACH, n + _REACH), n) for n in (height, width))
    made = torch.empty_like(x)
    steps = [side - 2 * _REACH for side in sides]
    for top in range(0, height, steps[0]):
        for left in range(0, width, steps[1]):
            tile = x[..., rows[top : top + sides[0]], :][..., columns[left : left + sides[1]]]
            result = torch.fft.irfft2(torch.fft.rfft2(tile, s=sides) * gain, s=sides)
            there = made[..., top : top + steps[0], left : left + steps[1]]
            there.copy_(result[..., : there.shape[-2], : there.shape[-1]])
    return made


def _stretch(there: Bool[Tensor, " n"], more: int, size: int) -> slice:
    """From the first True to the last, and `more` to each side inside of the picture."""
    found = there.nonzero()[:, 0]
    return slice(max(0, int(found[0]) - more), min(size, int(found[-1]) + 1 + more))


def _share(
    inside: Bool[Tensor, "m n"], rows: slice, columns: slice, blend: int
) -> Float[Tensor, "a b"]:
    """How much of a tent around each pixel lies inside: of all regions together, 1."""
    down, right = (
        folded(torch.arange(part.start - 2 * blend, part.stop + 2 * blend), size)
        for part, size in zip((rows, columns), inside.shape, strict=True)
    )
    share = inside[down][:, right].float()[None]
    # A tent is a box twice.
    for window in 2 * ((2 * blend + 1, 1), (1, 2 * blend + 1)):
        share = F.avg_pool2d(share, window, stride=1)
    return share[0]


def _laplacian(x: Float[Tensor, "*lead h w"]) -> Float[Tensor, "*lead h w"]:
    """The sum of the four neighbours less four times the pixel, mirrored at the borders."""
    total = torch.zeros_like(x)
    for axis in (-2, -1):
        step = x.diff(dim=axis)
        total.narrow(axis, 0, x.shape[axis] - 1).add_(step)
        total.narrow(axis, 1, x.shape[axis] - 1).sub_(step)
    return total


def _square(x: Float[Tensor, "*lead h w"]) -> Float[Tensor, "*lead 1 1"]:
    return x.square().sum(dim=(-2, -1), keepdim=True)
