"""Hard consistency: a result is moved to where it shrinks to the LR map or picture it came from.

Whatever made it, a result that does not shrink to its own input contradicts the sensor. The
smallest change that mends this takes it nearer to every map that is consistent, and so to the
truth, whatever the truth is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superfine.ops.depth_lr import DepthOperator
from superfine.ops.place import absolute, matrix, positive, resize_valid, taps_at
from superfine.ops.resize import Taps, resize_axes


@dataclass(frozen=True)
class LRResidual:
    """How far a result, shrunk again, is from its input, in the unit of the two.

    Attributes:
        mean: Mean of the absolute differences over valid LR samples; 0 where there are none.
        largest: The largest of them.
    """

    mean: float
    largest: float


@dataclass(frozen=True, eq=False)
class Separable:
    """A linear map of rows and columns: `rows @ x @ columns`."""

    rows: Float[Tensor, "m h"]
    columns: Float[Tensor, "w n"]

    def __call__(self, x: Float[Tensor, "*lead h w"]) -> Float[Tensor, "*lead m n"]:
        """`x` mapped."""
        return self.rows @ x @ self.columns

    def transposed(self, z: Float[Tensor, "*lead m n"]) -> Float[Tensor, "*lead h w"]:
        """`z` under the transpose of the map."""
        return self.rows.mT @ z @ self.columns.mT


@dataclass(frozen=True, eq=False)
class Holes:
    """What HR holes make of a shrinking: normalised convolution, as `resize_valid` has it.

    Attributes:
        valid: (1, h, w), False in holes.
        part: The positive part of the kernel.
        gain: (1, m, n), one over how much of that met valid pixels; 0 where none.
        touched: (1, m, n), where the kernel met a hole.
    """

    valid: Bool[Tensor, "1 h w"]
    part: Separable
    gain: Float[Tensor, "1 m n"]
    touched: Bool[Tensor, "1 m n"]


@dataclass(frozen=True, eq=False)
class Shrinking:
    """A LR operator between two sizes and two masks, made once and used often.

    Attributes:
        kernel: What it does where there are no holes.
        valid: (1, m, n), the LR samples that count.
        spread: For operators that pick one HR pixel per LR sample, how a difference there is
            passed on to its neighbours; None for the others.
        gram: The transpose of `kernel` and then `kernel`, on the LR grid.
        inverse: That of `gram`.
        holes: None where HR has none.
    """

    kernel: Separable
    gram: Separable
    inverse: Separable
    valid: Bool[Tensor, "1 m n"]
    spread: Separable | None
    holes: Holes | None

    @property
    def exact(self) -> bool:
        """Whether one step of `least` is all it takes.

        It is without holes, and with LR holes where no two LR samples share a HR pixel.
        """
        if self.holes is not None:
            return False
        grams = self.gram.rows, self.gram.columns
        apart = all(torch.equal(gram, gram.diagonal().diag()) for gram in grams)
        return apart or bool(self.valid.all())

    def shrink(self, x: Float[Tensor, "*lead h w"]) -> Float[Tensor, "*lead m n"]:
        """`x` shrunk, 0 in LR holes."""
        holes = self.holes
        if holes is None:
            return torch.where(self.valid, self.kernel(x), 0)
        x = torch.where(holes.valid, x, 0)
        lr = torch.where(holes.touched, holes.part(x) * holes.gain, self.kernel(x))
        return torch.where(self.valid, lr, 0)

    def transposed(self, z: Float[Tensor, "*lead m n"]) -> Float[Tensor, "*lead h w"]:
        """`z` under the transpose of `shrink`."""
        holes = self.holes
        z = torch.where(self.valid, z, 0)
        if holes is None:
            return self.kernel.transposed(z)
        whole = self.kernel.transposed(torch.where(holes.touched, 0, z))
        x = whole + holes.part.transposed(torch.where(holes.touched, z * holes.gain, 0))
        return torch.where(holes.valid, x, 0)

    def difference(
        self, x: Float[Tensor, "*lead h w"], lr: Float[Tensor, "*lead m n"]
    ) -> Float[Tensor, "*lead m n"]:
        """`lr` minus `x` shrunk, 0 in LR holes."""
        return torch.where(self.valid, lr, 0) - self.shrink(x)

    def project(
        self, x: Float[Tensor, "*lead h w"], lr: Float[Tensor, "*lead m n"], n: int
    ) -> Float[Tensor, "*lead h w"]:
        """`project` with what was made for it."""
        if n == 0:
            return x
        apart = self.difference(x, lr)
        if self.spread is None:
            return x + self.least(apart, n)
        moved = self.spread(apart)
        return x + (moved if self.holes is None else torch.where(self.holes.valid, moved, 0))

    def least(self, apart: Float[Tensor, "*lead m n"], n: int) -> Float[Tensor, "*lead h w"]:
        """The least map, in squares, that shrinks to `apart`, after `n` steps towards it.

        `apart` is 0 in LR holes. Conjugate gradients on the LR grid, each channel for itself,
        preconditioned by what is exact without holes.
        """
        found = torch.zeros_like(apart)
        direction = better = self._without_holes(apart)
        size = _product(apart, better)
        for _ in range(n):
            step = self._gram(direction)
            length = _ratio(size, _product(direction, step))
            found = found + length * direction
            apart = apart - length * step
            better = self._without_holes(apart)
            before, size = size, _product(apart, better)
            direction = better + _ratio(size, before) * direction
        return self.transposed(found)

    def _gram(self, z: Float[Tensor, "*lead m n"]) -> Float[Tensor, "*lead m n"]:
        """`z` under the transpose of `shrink` and `shrink`."""
        if self.holes is None:
            return torch.where(self.valid, self.gram(z), 0)
        return self.shrink(self.transposed(z))

    def _without_holes(self, z: Float[Tensor, "*lead m n"]) -> Float[Tensor, "*lead m n"]:
        return torch.where(self.valid, self.inverse(z), 0)


def shrinking(
    operator: DepthOperator,
    x: Float[Tensor, "*lead h w"],
    lr_size: tuple[int, int],
    *,
    valid: Bool[Tensor, "1 h w"] | None = None,
    lr_valid: Bool[Tensor, "1 m n"] | None = None,
) -> Shrinking:
    """`operator` from maps like `x`, in size, type and device, to `lr_size`.

    Args:
        operator: How LR was made.
        x: A HR map or picture; its values have no influence.
        lr_size: Rows and columns of LR.
        valid: False in the holes of HR, which keep what they hold and have no influence.
        lr_valid: False where nothing was measured.

    Raises:
        ValueError: When LR is larger than HR.
    """
    size = x.shape[-2], x.shape[-1]
    if lr_size[0] > size[0] or lr_size[1] > size[1]:
        raise ValueError(
            f"a {size[1]}x{size[0]} map cannot shrink to {lr_size[1]}x{lr_size[0]} pixels"
        )
    axes = operator.axis(size[0], lr_size[0]), operator.axis(size[1], lr_size[1])
    counts = torch.ones(1, *lr_size, dtype=torch.bool, device=x.device)
    if lr_valid is not None:
        counts = lr_valid
    holes = None
    if valid is not None and not bool(valid.all()):
        holes, measured = _holes(axes, x, valid, operator.least)
        counts = counts & measured
    spread = None
    if operator.picks:
        at = operator.places_on_lr(size, lr_size)
        rows, columns = (matrix(taps_at(a, n), n) for a, n in zip(at, lr_size, strict=True))
        spread = _separable((rows, columns), x)
    rows, columns = (matrix(axis, n) for axis, n in zip(axes, size, strict=True))
    grams = rows @ rows.mT, columns @ columns.mT
    inverses = torch.linalg.inv(grams[0]), torch.linalg.inv(grams[1])
    return Shrinking(
        kernel=_separable((rows, columns), x),
        gram=_separable(grams, x),
        inverse=_separable(inverses, x),
        valid=counts,
        spread=spread,
        holes=holes,
    )


def project(
    x: Float[Tensor, "*lead h w"],
    lr: Float[Tensor, "*lead m n"],
    operator: DepthOperator,
    n: int,
    *,
    valid: Bool[Tensor, "1 h w"] | None = None,
    lr_valid: Bool[Tensor, "1 m n"] | None = None,
) -> Float[Tensor, "*lead h w"]:
    """`x`, changed so that `operator` makes `lr` of it; any range, any number of channels.

    For `bicubic` and `block-mean` the change is the least one, in squares, found by `n` steps of
    conjugate gradients. Each brings the result nearer to every consistent map at once; the truth
    is one where `lr` was made from it so. Without holes one step is exact but for rounding; with
    many, ten leave less than a thousandth. Where an operator picks pixels, one step is exact; the
    least change would touch those pixels alone and stand out of the map, so that it is passed on
    by bicubic, about where they lie.

    Args:
        x: What some method made; may hold anything where `valid` is False, and keeps it.
        lr: What it was made from; may hold anything where `lr_valid` is False.
        operator: How `lr` was made.
        n: Steps; 0 returns `x`.
        valid: False in holes of HR; None without any.
        lr_valid: False in holes of LR, which put no constraint; None without any.

    Raises:
        ValueError: When `lr` is larger than `x`.

    Source: Craig, "The N-step iteration procedures", 1955, for the steps; back-projection, which
    passes differences on by interpolation, is Irani and Peleg, CVGIP 1991.
    """
    plan = shrinking(operator, x, _size(lr), valid=valid, lr_valid=lr_valid)
    return plan.project(x, lr, n)


def lr_residual(
    x: Float[Tensor, "*lead h w"],
    lr: Float[Tensor, "*lead m n"],
    operator: DepthOperator,
    *,
    valid: Bool[Tensor, "1 h w"] | None = None,
    lr_valid: Bool[Tensor, "1 m n"] | None = None,
) -> LRResidual:
    """How far `x` is from being consistent with `lr`; arguments and errors as of `project`.

    Computed in float64, over the LR samples that are valid in `lr` and in `x` shrunk.
    """
    x = x.double()
    plan = shrinking(operator, x, _size(lr), valid=valid, lr_valid=lr_valid)
    apart = plan.difference(x, lr.double()).abs()[plan.valid.expand(lr.shape)]
    if not len(apart):
        return LRResidual(0.0, 0.0)
    return LRResidual(float(apart.mean()), float(apart.max()))


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def _separable(axes: tuple[Tensor, Tensor], like: Tensor) -> Separable:
    return Separable(axes[0].to(like), axes[1].to(like).mT.contiguous())


def _holes(
    axes: tuple[Taps, Taps], x: Tensor, valid: Bool[Tensor, "1 h w"], least: float
) -> tuple[Holes, Bool[Tensor, "1 m n"]]:
    """What the holes change, and which LR samples can be made at all."""
    there = valid.to(x.dtype)
    _, share = resize_valid(there, valid, *axes)
    touched = resize_axes(1 - there, absolute(axes[0]), absolute(axes[1])) > 0
    part = _separable(
        (
            matrix(positive(axes[0]), valid.shape[-2]),
            matrix(positive(axes[1]), valid.shape[-1]),
        ),
        x,
    )
    gain = torch.where(share > 0, 1 / share, 0)
    return Holes(valid, part, gain, touched), (share > 0) & (share >= least)


def _product(
    a: Float[Tensor, "*lead m n"], b: Float[Tensor, "*lead m n"]
) -> Float[Tensor, "*lead 1 1"]:
    return (a * b).sum(dim=(-2, -1), keepdim=True)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    return a / torch.where(b > 0, b, 1)
