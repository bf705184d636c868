"""How LR depth is made from HR depth, and put back: the operators of the literature, by name.

Two families of tables exist and cannot be compared. The newer ones shrink properly, so that LR
and HR cover the same ground. The older ones take one sample out of each scale x scale cell and
enlarge it as if it stood in the middle of the cell, which moves the picture. `shift` says by how
much; it is worth 37 to 43 % of the error of bicubic in the older tables.

Convention: HR pixel `i` of a row covers [i, i + 1); the cell of LR pixel `j` covers
[scale * j, scale * (j + 1)). The scale of each axis is the ratio of the two sizes, which may be
any fraction: 8/3 from 192x144 to 512x384.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from superfine.ops.place import centres, on_grid, resize_valid, sample_at, sample_valid_at
from superfine.ops.resize import Taps, resize_axes, taps

# A kernel that ends in the middle of a straight edge is half full, whatever its last bits say.
_HALF = 0.499


@dataclass(frozen=True)
class DepthOperator:
    """One way to make LR depth: the same along rows and columns, and linear in the values.

    Attributes:
        name: What protocols and tables say.
        axis: (HR samples, LR samples) of one axis -> how the first become the second.
        places: The same -> where each LR sample was measured, on the HR grid.
        least: How much of its kernel must meet valid pixels, on [0, 1], for a LR sample to be
            valid; it takes any at all in any case.
        picks: Whether each LR sample is one HR pixel, and knows nothing of the others.
    """

    name: str
    axis: Callable[[int, int], Taps]
    places: Callable[[int, int], Float[Tensor, " n"]]
    least: float = 0.0
    picks: bool = False

    def shift(self, scale: int) -> float:
        """How many HR pixels right of and below the middle of its cell a LR sample was measured.

        Where it is not 0, a centred enlargement is out of place by it.
        """
        return float(self.places(scale, 1)[0]) - scale / 2

    def shrink(self, hr: Float[Tensor, "*lead h w"], scale: int) -> Float[Tensor, "*lead m n"]:
        """`hr` made `scale` times smaller; the range is free.

        Raises:
            ValueError: When the sides are no multiples of `scale`.
        """
        height, width = hr.shape[-2:]
        if height % scale or width % scale:
            raise ValueError(f"a {width}x{height} map is not made of {scale}x{scale} cells")
        return self.shrink_to(hr, (height // scale, width // scale))

    def shrink_to(
        self, hr: Float[Tensor, "*lead h w"], size: tuple[int, int]
    ) -> Float[Tensor, "*lead m n"]:
        """`hr` on `size` rows and columns, at most as many as it has; differentiable.

        Raises:
            ValueError: When `size` is not positive, or larger than `hr`.
        """
        return resize_axes(hr, *self._axes(hr, size))

    def shrink_valid(
        self,
        hr: Float[Tensor, "*lead h w"],
        valid: Bool[Tensor, "1 h w"],
        size: tuple[int, int],
    ) -> tuple[Float[Tensor, "*lead m n"], Bool[Tensor, "1 m n"]]:
        """`shrink_to` for a map with holes, whose contents have no influence.

        Returns:
            The LR map, 0 in its holes, and where it is valid: with `bicubic` where at least half
            of the kernel met valid pixels, with `block-mean` where the cell has any, and else
            where the sample itself is.

        Raises:
            ValueError: When `size` is not positive, or larger than `hr`.
        """
        lr, share = resize_valid(hr, valid, *self._axes(hr, size))
        lr_valid = (share > 0) & (share >= self.least)
        return torch.where(lr_valid, lr, 0), lr_valid

    def enlarge(
        self, lr: Float[Tensor, "*lead m n"], size: tuple[int, int]
    ) -> Float[Tensor, "*lead h w"]:
        """`lr` on `size` rows and columns by bicubic, each sample put where it was measured."""
        return sample_at(lr, *self.places_on_lr(size, (lr.shape[-2], lr.shape[-1])))

    def enlarge_valid(
        self,
        lr: Float[Tensor, "*lead m n"],
        valid: Bool[Tensor, "1 m n"],
        size: tuple[int, int],
    ) -> tuple[Float[Tensor, "*lead h w"], Bool[Tensor, "1 h w"]]:
        """`enlarge` for a map with holes: values, and valid where the nearest LR sample is."""
        return sample_valid_at(lr, valid, *self.places_on_lr(size, (lr.shape[-2], lr.shape[-1])))

    def places_on_lr(
        self, size: tuple[int, int], lr_size: tuple[int, int]
    ) -> tuple[Float[Tensor, " h"], Float[Tensor, " w"]]:
        """Where the centres of the rows and columns of a HR map of `size` lie on the LR grid."""
        rows, columns = (
            on_grid(centres(hr), self.places(hr, lr), hr / lr)
            for hr, lr in zip(size, lr_size, strict=True)
        )
        return rows, columns

    def _axes(self, hr: Tensor, size: tuple[int, int]) -> tuple[Taps, Taps]:
        height, width = hr.shape[-2:]
        if not (0 < size[0] <= height and 0 < size[1] <= width):
            raise ValueError(f"a {width}x{height} map cannot be shrunk to {size[1]}x{size[0]}")
        return self.axis(height, size[0]), self.axis(width, size[1])


def _bicubic(hr: int, lr: int) -> Taps:
    return taps(hr, lr, scale=lr / hr, border="cut")


def _cell_mean(hr: int, lr: int) -> Taps:
    """The mean over [hr / lr * j, hr / lr * (j + 1)), with parts of pixels, in whole numbers."""
    start = torch.arange(lr) * hr
    first = start // lr
    count = int((-(-(start + hr) // lr) - first).max())
    pixel = first[:, None] + torch.arange(count)
    end = torch.minimum((start + hr)[:, None], (pixel + 1) * lr)
    overlap = (end - torch.maximum(start[:, None], pixel * lr)).clamp(min=0)
    return Taps(overlap.double() / hr, pixel.clamp(max=hr - 1))


def _middle_pixel(hr: int, lr: int) -> Int[Tensor, " n"]:
    return (2 * torch.arange(lr) + 1) * hr // (2 * lr)


def _last_pixel(hr: int, lr: int) -> Int[Tensor, " n"]:
    # The pixel nearest to where the last one of a whole cell has its centre, half before its end.
    return (2 * (torch.arange(lr) + 1) * hr - lr) // (2 * lr)


def _pick(pixel: Callable[[int, int], Int[Tensor, " n"]]) -> Callable[[int, int], Taps]:
    def axis(hr: int, lr: int) -> Taps:
        index = pixel(hr, lr)[:, None]
        return Taps(torch.ones_like(index, dtype=torch.float64), index)

    return axis


def _middles(hr: int, lr: int) -> Float[Tensor, " n"]:
    return centres(lr) * hr / lr


def _centre_of(
    pixel: Callable[[int, int], Int[Tensor, " n"]],
) -> Callable[[int, int], Float[Tensor, " n"]]:
    return lambda hr, lr: pixel(hr, lr) + torch.tensor(0.5, dtype=torch.float64)


# Antialiased, a = -1/2: MATLAB's kernel; stays in place, overshoots a little at edges. At the
# border it is cut off as Pillow does: the tables since 2021 were made with Pillow, and at x16 the
# mirrored border of MATLAB differs from them by 0.03 grey levels.
BICUBIC = DepthOperator("bicubic", _bicubic, _middles, least=_HALF)

# The mean of each cell, with parts of pixels where the scale is a fraction; stays in place and in
# range. With holes it is the mean of the valid ones, as in DADA (CVPR 2023).
BLOCK_MEAN = DepthOperator("block-mean", _cell_mean, _middles)

# The pixel nearest to the middle of each cell, as resizing to the nearest does; of two, the one
# after. For even scales it lies half a HR pixel right of and below the middle.
SAMPLE_MID = DepthOperator(
    "sample-mid", _pick(_middle_pixel), _centre_of(_middle_pixel), picks=True
)

# The last pixel of each cell, row and column scale - 1, without any low-pass: (scale - 1) / 2 HR
# pixels right of and below the middle. Enlarged about the middle, as the papers do, the map is
# that much too far up and left. A network trained on such pairs learns to move it back, and harms
# properly made LR maps; one trained on those harms these.
# Source: the training script of Li et al., "Deep Joint Image Filtering", ECCV 2016, followed by
# DKN (2019), PAC (2019) and SVLRM (2019).
DIRECT_LAST = DepthOperator("direct-last", _pick(_last_pixel), _centre_of(_last_pixel), picks=True)

DEPTH_OPERATORS: Mapping[str, DepthOperator] = {
    operator.name: operator for operator in (BICUBIC, BLOCK_MEAN, SAMPLE_MID, DIRECT_LAST)
}
