"""Where LR depth samples were measured, found by laying the edges of depth on those of the guide.

Half of the error of some published tables is a map enlarged about the wrong places. The search is
a correlation of gradients over all shifts of up to half a LR pixel and one HR pixel; no source
that we know of does this for depth and its photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from superfine.ops.depth_lr import BICUBIC
from superfine.ops.holes import fill_nearest

# Tiles on each side: how far their answers are apart tells how sure the answer is.
_TILES = 4
# The strongest edges count as one of this quantile: a few outlines would decide alone.
_DEPTH_QUANTILE, _GUIDE_QUANTILE = 0.995, 0.95
# Standard error, in HR pixels, at which the confidence is one half.
_HALF_SURE = 0.5


@dataclass(frozen=True)
class Phase:
    """Where LR samples were measured, as `DepthOperator.shift` has it, on each axis.

    Attributes:
        rows: HR pixels below the middle of its cell; a centred enlargement lies too high by it.
        columns: HR pixels right of the middle of its cell.
        confidence: On [0, 1]: 1 / (1 + (e / 0.5)^2), e the standard error of the place in HR
            pixels; 0 where nothing was found, or something at the rim of the search.
    """

    rows: float
    columns: float
    confidence: float


@dataclass(frozen=True, eq=False)
class PhaseEvidence:
    """What one frame has to say, small enough to keep for every frame of a film.

    Attributes:
        sums: (tiles, 6, shifts down, shifts right), float64: for each tile and whole shift of
            depth by as much as the middle of the axis stands for 0, the sums of 1, g, g^2, d, d^2
            and d g; d and g are edges of depth and guide.
    """

    sums: Float[Tensor, "tiles 6 rows columns"]


def phase_evidence(
    lr: Float[Tensor, "1 m n"],
    guide: Float[Tensor, "c h w"],
    *,
    lr_valid: Bool[Tensor, "1 m n"] | None = None,
) -> PhaseEvidence:
    """How well the edges of `lr` lie on those of `guide` at each shift.

    Args:
        lr: Depth or disparity in any unit; may hold anything where `lr_valid` is False.
        guide: The photo on [0, 1], grey or in colours, as large as the result would be.
        lr_valid: False where nothing was measured; None without holes.
    """
    size = guide.shape[-2], guide.shape[-1]
    scales = [a / b for a, b in zip(size, lr.shape[-2:], strict=True)]
    reach = [ceil(scale / 2) + 1 for scale in scales]
    # One pixel more, where a gradient has no neighbour.
    inner = [(side - 2 * r - 2) // _TILES for side, r in zip(size, reach, strict=True)]
    sums = torch.zeros(_TILES**2, 6, *(2 * r + 1 for r in reach), dtype=torch.float64)
    valid = torch.ones_like(lr, dtype=torch.bool) if lr_valid is None else lr_valid
    if min(inner) < 1 or not bool(valid.any()):
        return PhaseEvidence(sums)
    depth = _depth_edges(lr, valid, size)
    window = [slice(r + 1, r + 1 + _TILES * n) for r, n in zip(reach, inner, strict=True)]
    still = _guide_edges(guide.to(lr), sum(scales) / 2 / 4)[window[0], window[1]]
    sums[:, :3] = torch.stack([_tiles(x) for x in (torch.ones_like(still), still, still**2)], 1)[
        ..., None, None
    ]
    for i in range(sums.shape[2]):
        for j in range(sums.shape[3]):
            # Depth moved down by i - reach: what is at a place now was that much above it.
            rows, columns = (
                slice(span.start + r - k, span.stop + r - k)
                for span, r, k in zip(window, reach, (i, j), strict=True)
            )
            moved = depth[rows, columns]
            sums[:, 3:, i, j] = torch.stack(
                [_tiles(x) for x in (moved, moved**2, moved * still)], dim=1
            )
    return PhaseEvidence(sums)


def estimated_phase(frames: Sequence[PhaseEvidence]) -> Phase:
    """The shift that suits all `frames` at once, found between whole pixels by a parabola.

    The standard error is that of the jackknife over the tiles of all frames, both axes together.

    Raises:
        ValueError: When there is no frame, or the frames have not one scale.
    """
    if len({frame.sums.shape[2:] for frame in frames}) != 1:
        raise ValueError("frames of one scale, at least one, tell a phase")
    tiles = torch.cat([frame.sums for frame in frames])
    total = tiles.sum(dim=0)
    score = _correlation(total[None])[0]
    place = _peak(score)
    if place is None:
        return Phase(0.0, 0.0, 0.0)
    without = [_peak(one) for one in _correlation(total - tiles)]
    places = torch.tensor([p or (torch.inf, torch.inf) for p in without], dtype=torch.float64)
    apart = (places - places.mean(dim=0)).square().sum(dim=1).mean()
    error = (len(tiles) - 1) * apart
    sure = 1 / (1 + error / _HALF_SURE**2)
    return Phase(*place, float(sure.nan_to_num(0.0)))


def _depth_edges(
    lr: Float[Tensor, "1 m n"], valid: Bool[Tensor, "1 m n"], size: tuple[int, int]
) -> Float[Tensor, "h w"]:
    """Of the map enlarged about the middle of its cells; none in holes."""
    _, kept = BICUBIC.enlarge_valid(lr, valid, size)
    filled = fill_nearest(lr, valid)
    # From 0 on, so that a map of one value has no edges of rounding.
    edges = _gradient(BICUBIC.enlarge(filled - filled.min(), size))
    return _clipped(torch.where(kept, edges, 0), _DEPTH_QUANTILE)[0]


def _guide_edges(guide: Float[Tensor, "c h w"], sigma: float) -> Float[Tensor, "h w"]:
    """Over all channels, about as blurred as the edges of depth are."""
    edges = _clipped(_gradient(guide).sum(dim=0, keepdim=True), _GUIDE_QUANTILE)
    reach = ceil(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).to(edges) / sigma).square())
    line = line / line.sum()
    padded = F.pad(edges[None], (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, line[None, None, None]), line[None, None, :, None])[0, 0]


def _gradient(x: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    """Its size, by central differences, 0 along the border."""
    down = (x[:, 2:, 1:-1] - x[:, :-2, 1:-1]) / 2
    right = (x[:, 1:-1, 2:] - x[:, 1:-1, :-2]) / 2
    return F.pad((down.square() + right.square()).sqrt(), (1, 1, 1, 1))


def _clipped(x: Float[Tensor, "1 h w"], quantile: float) -> Float[Tensor, "1 h w"]:
    limit = x.flatten().kthvalue(max(1, int(quantile * x.numel()))).values
    return torch.where(limit > 0, x.clamp(max=limit), x)


def _tiles(x: Float[Tensor, "h w"]) -> Float[Tensor, " tiles"]:
    """The sum over each tile; the sides are multiples of their number."""
    height, width = x.shape
    parts = x.reshape(_TILES, height // _TILES, _TILES, width // _TILES)
    return parts.sum(dim=(1, 3), dtype=torch.float64).flatten()


def _correlation(sums: Float[Tensor, "n 6 rows columns"]) -> Float[Tensor, "n rows columns"]:
    """Of the edges of depth and guide, on [-1, 1]; 0 where either has none."""
    count, g, g2, d, d2, dg = sums.unbind(dim=1)
    count = count.clamp(min=1)
    together = dg - d * g / count
    alone = (d2 - d * d / count).clamp(min=0) * (g2 - g * g / count).clamp(min=0)
    # Sums of floats leave dust where an edge map is flat.
    known = alone > 1e-12 * d2 * g2
    return torch.where(known, together / torch.where(known, alone, 1).sqrt(), 0)


def _peak(score: Float[Tensor, "rows columns"]) -> tuple[float, float] | None:
    """Where `score` is largest, from its middle; None when it is not positive or at the rim."""
    rows, columns = score.shape
    row, column = divmod(int(score.argmax()), columns)
    if score[row, column] <= 0 or row in (0, rows - 1) or column in (0, columns - 1):
        return None
    down = _vertex(*score[row - 1 : row + 2, column].tolist())
    right = _vertex(*score[row, column - 1 : column + 2].tolist())
    return row + down - rows // 2, column + right - columns // 2


def _vertex(before: float, here: float, after: float) -> float:
    """Where the parabola through three values, the middle one the largest, has its top."""
    bend = before - 2 * here + after
    return 0.0 if bend == 0 else (before - after) / (2 * bend)
