"""How a sharp picture becomes the one that was taken: blur, sampling, noise, 8 bits.

Convention: that of `Kernel`, which is laid on the picture unflipped; beyond its borders the picture
is mirrored with the edge pixel repeated, and LR has ceil(size / scale) pixels, as with `imresize`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from superfine.ops.border import folded
from superfine.ops.kernels import (
    bicubic_kernel,
    centred,
    composed,
    ellipse,
    gaussian,
    laid_out,
    offset,
    one_after_another,
)
from superfine.types import Kernel

# Values that one call of a convolution may spread out in memory: 128 MiB of float32.
_IN_WORK = 2**25
# The kernels of DIV2KRK at x2: their size, the range of their variances in HR pixels squared, and
# by how much each of their values is off, at most.
_SIZE, _VARIANCE, _OFF = 11, (0.6, 5.0), 0.25
# Narrowest and widest standard deviation of the eight of each scale, in HR pixels.
_GAUSSIAN8 = {2: (0.80, 1.60), 3: (1.35, 2.40), 4: (1.80, 3.20)}


def degrade(sharp: Float[Tensor, "*lead h w"], kernel: Kernel) -> Float[Tensor, "*lead m n"]:
    """`sharp` blurred by `kernel` and every `scale`-th pixel kept; linear and differentiable.

    Any range, in the precision of `sharp`; neither rounded nor clipped.
    """
    size = (sharp.shape[-2], sharp.shape[-1])
    rows, columns = _read(size, kernel, sharp.device)
    weight = kernel.values.to(sharp)[None, None]
    planes = sharp.reshape(-1, 1, *size)[..., columns]
    height = -(-size[0] // kernel.scale)
    width = -(-size[1] // kernel.scale)
    lines = max(1, _IN_WORK // (weight.numel() * width))
    together = max(1, lines // height)
    made = []
    for plane in range(0, len(planes), together):
        some = planes[plane : plane + together]
        # Band by band: a convolution may spread out all it reads.
        bands = []
        for first in range(0, height, lines):
            last = min(first + lines, height)
            start, stop = first * kernel.scale, (last - 1) * kernel.scale + weight.shape[-2]
            bands.append(F.conv2d(some[:, :, rows[start:stop]], weight, stride=kernel.scale))
        made.append(torch.cat(bands, dim=2))
    return torch.cat(made).reshape(*sharp.shape[:-2], height, width)


def degrade_adjoint(
    lr: Float[Tensor, "*lead m n"], kernel: Kernel, size: tuple[int, int]
) -> Float[Tensor, "*lead h w"]:
    """The transpose of `degrade` from pictures of `size`: <degrade(x), y> = <x, this(y)>.

    Raises:
        ValueError: When `degrade` makes no picture like `lr` of one of `size`.
    """
    expected = tuple(-(-side // kernel.scale) for side in size)
    if (lr.shape[-2], lr.shape[-1]) != expected:
        raise ValueError(f"a {size[1]}x{size[0]} picture is degraded to {expected[::-1]} pixels")
    rows, columns = _read(size, kernel, lr.device)
    planes = lr.reshape(-1, 1, lr.shape[-2], lr.shape[-1])
    spread = _spread(planes, kernel)[:, : len(rows), : len(columns)]
    tall = spread.new_zeros(len(spread), size[0], spread.shape[-1])
    tall.index_add_(1, rows, spread)
    whole = spread.new_zeros(len(spread), *size)
    whole.index_add_(2, columns, tall)
    return whole.reshape(*lr.shape[:-2], *size)


def _spread(lr: Float[Tensor, "b 1 m n"], kernel: Kernel) -> Float[Tensor, "b h w"]:
    """Each pixel of `lr` as a copy of the kernel, `scale` apart, and rows and columns of 0 after.

    One convolution for each of the scale² places within an LR pixel: several times as fast here as
    a transposed convolution with one channel.
    """
    scale = kernel.scale
    up = [-n % scale for n in kernel.values.shape]
    weight = F.pad(kernel.values.to(lr), (0, up[1], 0, up[0]))[None, None]
    # (1, 1, s·a, s·b) -> (s², 1, a, b), each turned round, because convolutions here correlate
    phases = F.pixel_unshuffle(weight, scale).transpose(0, 1).flip(2, 3)
    around = (phases.shape[-2] - 1, phases.shape[-1] - 1)
    return F.pixel_shuffle(F.conv2d(lr, phases, padding=around), scale)[:, 0]


def _read(
    size: tuple[int, int], kernel: Kernel, device: torch.device
) -> tuple[Int[Tensor, " r"], Int[Tensor, " c"]]:
    """Which rows and columns of a picture of `size` the kernel meets, in order."""
    rows, columns = (
        folded(
            torch.arange(-anchor, (-(-side // kernel.scale) - 1) * kernel.scale + n - anchor), side
        ).to(device)
        for side, anchor, n in zip(size, kernel.anchor, kernel.values.shape, strict=True)
    )
    return rows, columns


@dataclass(frozen=True)
class Degradation:
    """All that happens to a sharp picture, decided: the same value makes the same LR of it.

    Attributes:
        kernel: Blur and sampling.
        noise_sigma: Standard deviation of Gaussian noise, on [0, 1]; independent in every value.
        noise_seed: Where the noise starts.
        jpeg_quality: 1 to 100, for whoever writes LR to a file; None for one without loss. Not
            applied here, where there is no encoder.
        recipe: What drew it, with its numbers, in words.
    """

    kernel: Kernel
    noise_sigma: float = 0.0
    noise_seed: int = 0
    jpeg_quality: int | None = None
    recipe: str = ""

    def apply(self, sharp: Float[Tensor, "*lead h w"]) -> Float[Tensor, "*lead m n"]:
        """LR of `sharp`, on [0, 1], rounded to the nearest of 256 codes and clipped to them."""
        lr = degrade(sharp, self.kernel)
        if self.noise_sigma > 0:
            draw = torch.Generator().manual_seed(self.noise_seed)
            noise = torch.randn(lr.shape, generator=draw, dtype=torch.float64)
            lr = lr + self.noise_sigma * noise.to(lr)
        return torch.floor(255 * lr + 0.5).clamp(0, 255) / 255


def div2krk(rng: np.random.Generator, scale: int) -> Degradation:
    """The next degradation of the DIV2KRK recipe: an oblong Gaussian, uneven, and nothing else.

    Variances on [0.6, 5] HR pixels squared, an angle on [0, pi), every value of the 11x11 off by
    up to a quarter; then put in place, to a centre of mass of 5.5. At x4 it is that kernel twice,
    31x31 and 16.5. Draws two, one and 121 numbers, in this order, from `rng`.

    Raises:
        ValueError: When `scale` is neither 2 nor 4.

    Source: Bell-Kligler, Shocher, Irani, "Blind super-resolution kernel estimation using an
    internal-GAN", NeurIPS 2019, as its authors explain it (sefibk/KernelGAN issues 59 and 70).
    """
    if scale not in (2, 4):
        raise ValueError(f"DIV2KRK has x2 and x4, not x{scale}")
    first, second = rng.uniform(*_VARIANCE, 2).tolist()
    angle = float(rng.uniform(0, np.pi))
    uneven = 1 + _OFF * torch.from_numpy(rng.uniform(-1, 1, (_SIZE, _SIZE)))
    smooth = gaussian(ellipse(first, second, angle), scale=2, size=_SIZE)
    kernel = Kernel(_shared(smooth.values * uneven), 2, smooth.anchor)
    # What is moved beyond the eleven is cut off, which moves the rest a little.
    while max(map(abs, offset(kernel))) > 1e-6:
        kernel = _cut(centred(kernel), _SIZE)
    return Degradation(
        kernel if scale == 2 else composed(kernel),
        recipe=f"div2krk x{scale}: variances {first:.4f} and {second:.4f}, angle {angle:.4f}",
    )


def gaussian8(number: int, scale: int) -> Degradation:
    """One of the eight round Gaussians of "Gaussian8", then bicubic shrinking, as one kernel.

    Not the protocol of DIV2KRK, which keeps every `scale`-th pixel: figures do not compare.

    Args:
        number: 0 to 7, from the narrowest to the widest: standard deviations evenly from 0.8 to
            1.6 HR pixels at x2, 1.35 to 2.4 at x3, 1.8 to 3.2 at x4, on 21x21 values.
        scale: 2, 3 or 4.

    Raises:
        ValueError: When there is no such kernel.

    Source: Gu et al., "Blind super-resolution with iterative kernel correction", CVPR 2019.
    """
    if scale not in _GAUSSIAN8 or not 0 <= number < 8:
        raise ValueError(f"Gaussian8 has numbers 0 to 7 of x2, x3 and x4, not {number} of x{scale}")
    narrow, wide = _GAUSSIAN8[scale]
    sigma = narrow + (wide - narrow) * number / 7
    blur = gaussian(ellipse(sigma**2, sigma**2, 0.0), scale=1, size=21)
    return Degradation(
        one_after_another(blur, bicubic_kernel(scale)),
        recipe=f"gaussian8 x{scale}: standard deviation {sigma:.4f}, then bicubic",
    )


def _cut(kernel: Kernel, size: int) -> Kernel:
    """What of `kernel` falls into `size` x `size` values with the anchor in the middle."""
    low = [anchor - size // 2 for anchor in kernel.anchor]
    rows, columns = (slice(max(0, first), first + size) for first in low)
    inside = Kernel(
        _shared(kernel.values[rows, columns]),
        kernel.scale,
        (kernel.anchor[0] - rows.start, kernel.anchor[1] - columns.start),
    )
    return laid_out(inside, size)


def _shared(values: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    return values / values.sum()
