"""Guided diffusion: of all maps that shrink to the LR one, the smoothest away from guide edges.

The map sought minimises

    sum over neighbours i, j of  w_ij (x_i - x_j)^2,    subject to  shrink(x) = lr,

where neighbours are the eight around a pixel, and a weight is small where guide and depth change:

    w_ij = 1 / d^2 / (1 + (e_ij / K)^2),   e_ij = ((1 - a) |guide_i - guide_j| + a |x_i - x_j|) / d

with d their distance, the largest difference over the channels of the guide, which is on [0, 1],
and depth stretched to [0, 1] by the range of LR. No training, and no constants but K and a.

Where an operator picks pixels, maps that rise to single samples and fall at once would be smooth
enough: there the square of the change from joint bilateral upsampling counts too, as much for each
pixel as its share of a LR cell.

Source: Perona and Malik, "Scale-space and edge detection using anisotropic diffusion", PAMI 1990,
for the weights; guidance by a photo as in Ferstl et al., "Image guided depth upsampling using
anisotropic total generalized variation", ICCV 2013. Instead of steps of diffusion with
back-projections between them, here conjugate gradients run inside the set of consistent maps, on
a pyramid of sizes, which ends where many more steps would end.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from superfine.ops.depth_lr import BLOCK_MEAN, DepthOperator
from superfine.ops.holes import fill_nearest
from superfine.ops.joint_bilateral import joint_bilateral
from superfine.ops.place import centres, sample_at
from superfine.ops.project import Shrinking, shrinking

_K = 0.007
# How much depth has to say: first as enlarged from the size before, then as restored once.
_DEPTH_SHARES = (0.3, 0.6)
# Steps of conjugate gradients with each of them; more change the result by less than 1 %.
_STEPS = 25
_STEPS_COARSE = 15
# Steps back into the set of consistent maps where one is not exact: within, and at the end.
_WITHIN, _AT_LAST = 4, 10

_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, eq=False)
class _Links:
    """Every pixel and its neighbour in one of the directions.

    Attributes:
        here: Where the first of each two lie in a map.
        there: Where the second lie.
        edge: (1, h', w'), the difference of the guide between them.
        distance: Between them, in pixels.
    """

    here: tuple[slice, slice]
    there: tuple[slice, slice]
    edge: Float[Tensor, "1 h w"]
    distance: float


@dataclass(frozen=True, eq=False)
class _Energy:
    """The sum above with its weights fixed, and `pull` times the squared distance to `start`."""

    links: list[_Links]
    weights: list[Float[Tensor, "1 _ _"]]
    start: Float[Tensor, "1 h w"]
    pull: float

    def slope(self, x: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
        """Half the gradient at `x`."""
        return self.bend(x) - self.pull * self.start

    def bend(self, x: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
        """The part of it that is linear in `x`."""
        slope = self.pull * x
        for weight, link in zip(self.weights, self.links, strict=True):
            flow = (x[:, *link.here] - x[:, *link.there]).mul_(weight)
            slope[:, *link.here] += flow
            slope[:, *link.there] -= flow
        return slope


def guided_diffusion(
    lr: Float[Tensor, "1 m n"],
    guide: Float[Tensor, "c h w"],
    operator: DepthOperator,
    *,
    lr_valid: Bool[Tensor, "1 m n"] | None = None,
) -> Float[Tensor, "1 h w"]:
    """`lr` on the size of `guide`, consistent with it under `operator`.

    Holes of LR put no constraint: they are filled by diffusion from around them, starting at the
    nearest depth. Which pixels to keep is said by `operator.enlarge_valid`.

    Args:
        lr: Depth or disparity in any unit; may hold anything where `lr_valid` is False.
        guide: The photo on [0, 1], grey or in colours, at least as large as `lr`; the scale of
            each axis may be any fraction.
        operator: How `lr` was made.
        lr_valid: False where nothing was measured; None without holes.

    Returns:
        In the unit and the type of `lr`; 0 everywhere when nothing was measured. A map of one
        value stays that value.

    Raises:
        ValueError: When `lr` is larger than `guide`.
    """
    valid = torch.ones_like(lr, dtype=torch.bool) if lr_valid is None else lr_valid
    size = guide.shape[-2], guide.shape[-1]
    if not bool(valid.any()):
        return lr.new_zeros(1, *size)
    filled = fill_nearest(lr, valid)
    low, high = torch.aminmax(filled)
    if low == high:
        return low.expand(1, *size).clone()
    guide = guide.to(lr)
    lr_size = lr.shape[-2], lr.shape[-1]
    if operator.picks:
        sizes, pull = [size], lr.numel() / (size[0] * size[1])
        x = joint_bilateral(filled, guide, operator)
    else:
        sizes, pull = _sizes(size, lr_size), 0.0
        x = operator.enlarge(filled, sizes[0])
    for here in sizes:
        x = seen = _resized(x, here)  # not yet projected, which would show the cells as edges
        plan = shrinking(operator, x, lr_size, lr_valid=valid)
        links = _links(_smooth(BLOCK_MEAN.shrink_to(guide, here)))
        x = start = plan.project(x, filled, _AT_LAST)
        for share in _DEPTH_SHARES:
            weights = _weights(seen, links, share, high - low)
            energy = _Energy(links, weights, start, pull)
            x = seen = _smoothest(x, energy, plan, _STEPS if here == size else _STEPS_COARSE)
    return plan.project(x, filled, _AT_LAST)


def _sizes(size: tuple[int, int], lr_size: tuple[int, int]) -> list[tuple[int, int]]:
    """From the coarsest: `size` halved again and again, at least twice as large as LR."""
    sizes = [size]
    while True:
        half = -(-sizes[0][0] // 2), -(-sizes[0][1] // 2)
        if half[0] < 2 * lr_size[0] or half[1] < 2 * lr_size[1]:
            return sizes
        sizes.insert(0, half)


def _resized(x: Float[Tensor, "1 h w"], size: tuple[int, int]) -> Float[Tensor, "1 a b"]:
    """`x` enlarged by bicubic, in place."""
    rows, columns = (
        centres(after) * before / after for before, after in zip(x.shape[-2:], size, strict=True)
    )
    return sample_at(x, rows, columns)


def _smooth(guide: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    """`guide` under the cubic B-spline (1, 4, 1) / 6, which takes away the noise of one pixel."""
    x = F.pad(guide, (1, 1, 1, 1), mode="replicate")
    x = (x[:, :-2] + 4 * x[:, 1:-1] + x[:, 2:]) / 6
    return (x[:, :, :-2] + 4 * x[:, :, 1:-1] + x[:, :, 2:]) / 6


def _links(guide: Float[Tensor, "c h w"]) -> list[_Links]:
    found = []
    for down, right in _NEIGHBOURS:
        rows, columns = _two_apart(down), _two_apart(right)
        here, there = (rows[0], columns[0]), (rows[1], columns[1])
        edge = (guide[:, *there] - guide[:, *here]).abs().amax(dim=0, keepdim=True)
        found.append(_Links(here, there, edge, hypot(down, right)))
    return found


def _two_apart(step: int) -> tuple[slice, slice]:
    """The first and the second of all pairs `step` apart on one axis, -1, 0 or 1."""
    whole, first, last = slice(None), slice(None, -1), slice(1, None)
    return {0: (whole, whole), 1: (first, last), -1: (last, first)}[step]


def _weights(
    x: Float[Tensor, "1 h w"], links: list[_Links], share: float, span: Float[Tensor, ""]
) -> list[Float[Tensor, "1 _ _"]]:
    """w of the formula above, for each direction."""
    weights = []
    for link in links:
        step = (x[:, *link.there] - x[:, *link.here]).abs() * (share / span)
        edge = (step + (1 - share) * link.edge) / link.distance
        weights.append(1 / (1 + (edge / _K).square()) / link.distance**2)
    return weights


def _smoothest(
    x: Float[Tensor, "1 h w"], energy: _Energy, plan: Shrinking, steps: int
) -> Float[Tensor, "1 h w"]:
    """`x` after `steps` of conjugate gradients to the minimum of `energy`; it shrinks as before.

    In place wherever it can be: on large maps new memory takes as long as the sums.
    """
    within = 1 if plan.exact else _WITHIN

    def kept_inside(v: Tensor) -> Tensor:
        return v.sub_(plan.least(plan.shrink(v), within))

    x = x.clone()
    residual = kept_inside(energy.slope(x)).neg_()
    direction, size = residual.clone(), _dot(residual, residual)
    for _ in range(steps):
        turned = kept_inside(energy.bend(direction))
        bend = _dot(direction, turned)
        if bend <= 0:  # nothing left to gain
            break
        x.add_(direction, alpha=size / bend)
        residual.sub_(turned, alpha=size / bend)
        before, size = size, _dot(residual, residual)
        direction.mul_(size / before).add_(residual)
    return x


def _dot(a: Float[Tensor, "1 h w"], b: Float[Tensor, "1 h w"]) -> float:
    return float(torch.dot(a.flatten(), b.flatten()))
