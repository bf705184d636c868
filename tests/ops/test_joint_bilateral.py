"""Joint bilateral upsampling, against its sum written out pixel by pixel."""

import math

import pytest
import torch

from superfine.ops.depth_lr import BICUBIC, BLOCK_MEAN, DEPTH_OPERATORS, DIRECT_LAST
from superfine.ops.joint_bilateral import joint_bilateral

operators = pytest.mark.parametrize("operator", DEPTH_OPERATORS.values(), ids=lambda o: o.name)


def random(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=draw, dtype=torch.float64)


def direct(lr, guide, operator, valid):
    """Eq. 3 of the paper for every pixel, with the samples where they were measured."""
    (rows, columns), (height, width) = lr.shape[1:], guide.shape[1:]
    small = operator.shrink_to(guide, (rows, columns))
    down, right = operator.places_on_lr((height, width), (rows, columns))
    out = torch.zeros(1, height, width, dtype=torch.float64)
    for i in range(height):
        for j in range(width):
            y, x = down[i].clamp(0, rows), right[j].clamp(0, columns)
            row, column = min(int(y), rows - 1), min(int(x), columns - 1)
            total = value = 0.0
            for r in range(max(0, row - 2), min(rows, row + 3)):
                for c in range(max(0, column - 2), min(columns, column + 3)):
                    place = (float(down[i]) - r - 0.5) ** 2 + (float(right[j]) - c - 0.5) ** 2
                    colour = float((guide[:, i, j] - small[:, r, c]).square().mean())
                    weight = math.exp(-place / (2 * 0.5**2) - colour / (2 * 0.1**2))
                    if valid[0, r, c]:
                        total, value = total + weight, value + weight * float(lr[0, r, c])
            out[0, i, j] = value / total if total else math.nan
    return out


@operators
@pytest.mark.parametrize("lr_size", [(4, 5), (3, 8)])
def test_it_is_the_papers_sum(operator, lr_size):
    guide, lr = random(3, 12, 20), 1000 * random(1, *lr_size, seed=1)
    valid = random(1, *lr_size, seed=2) > 0.2
    ours = joint_bilateral(torch.where(valid, lr, torch.nan), guide, operator, lr_valid=valid)
    expected = direct(lr, guide, operator, valid)
    assert expected.isfinite().all()
    assert ours == pytest.approx(expected, rel=1e-9)


@operators
def test_it_stays_in_range_and_leaves_constants_alone(operator):
    guide, lr = random(1, 24, 32).float(), 5000 * random(1, 6, 8, seed=1).float()
    depth = joint_bilateral(lr, guide, operator)
    assert lr.min() <= depth.min() <= depth.max() <= lr.max()
    constant = torch.full_like(lr, 1234.5)
    assert torch.equal(joint_bilateral(constant, guide, operator), torch.full((1, 24, 32), 1234.5))


def test_far_in_a_hole_it_is_the_nearest_depth():
    lr = torch.full((1, 8, 12), torch.nan)
    lr[0, 4, 0] = 7.0
    depth = joint_bilateral(lr, random(3, 16, 24).float(), BICUBIC, lr_valid=lr.isfinite())
    assert torch.equal(depth, torch.full((1, 16, 24), 7.0))


def test_nothing_measured():
    lr = torch.full((1, 4, 5), torch.nan)
    nothing = torch.zeros_like(lr, dtype=torch.bool)
    depth = joint_bilateral(lr, random(3, 8, 10).float(), BLOCK_MEAN, lr_valid=nothing)
    assert torch.equal(depth, torch.zeros(1, 8, 10))


def test_edges_of_the_guide_come_out_in_depth():
    guide = (torch.arange(32) >= 18).float().expand(3, 24, 32)
    lr = DIRECT_LAST.shrink(guide[:1] * 100, 4)
    depth = joint_bilateral(lr, guide, DIRECT_LAST)
    assert depth == pytest.approx(guide[:1] * 100, abs=1e-3)
