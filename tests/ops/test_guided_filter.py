"""The guided filter, against a direct evaluation of its formulas pixel by pixel."""

import numpy as np
import pytest
import torch

from superfine.ops.guided_filter import guided_filter

SIZE = (11, 14)


def random(channels, seed):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(channels, *SIZE, generator=draw, dtype=torch.float64)


def window(size, centre, radius):
    return tuple(
        slice(max(0, c - radius), min(n, c + radius + 1)) for n, c in zip(size, centre, strict=True)
    )


def direct(depth, guide, valid, radius, epsilon):
    """Least squares in each window, and the mean of the windows' answers, all with numpy."""
    p, g, there = depth[0].numpy(), guide.numpy(), valid[0].numpy()
    pixels = list(np.ndindex(p.shape))
    linear = {}
    for pixel in pixels:
        inside = window(p.shape, pixel, radius)
        kept = there[inside]
        if kept.any():
            target, seen = p[inside][kept], g[:, *inside][:, kept]
            covariance = np.cov(seen, bias=True).reshape(len(g), len(g))
            together = ((seen.T - seen.mean(1)) * (target - target.mean())[:, None]).mean(0)
            slope = np.linalg.solve(covariance + epsilon * np.eye(len(g)), together)
            linear[pixel] = slope, target.mean() - slope @ seen.mean(1)
    out = np.zeros_like(p)
    for pixel in pixels:
        rows, columns = window(p.shape, pixel, radius)
        around = [
            linear[r, c]
            for r in range(rows.start, rows.stop)
            for c in range(columns.start, columns.stop)
            if (r, c) in linear
        ]
        if around:
            slopes, offsets = zip(*around, strict=True)
            out[pixel] = np.mean(slopes, axis=0) @ g[:, *pixel] + np.mean(offsets)
    return out


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("radius", [1, 3, 20])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_it_is_the_papers_formula(channels, radius, share):
    depth, guide = 3000 + 500 * random(1, 0), random(channels, 1)
    valid = random(1, 2) >= share
    expected = direct(depth, guide, valid, radius, 1e-2)
    planted = torch.where(valid, depth, torch.nan)
    ours = guided_filter(planted, guide, radius=radius, epsilon=1e-2, valid=valid)
    assert ours[0].numpy() == pytest.approx(expected, rel=1e-9)
    floats = guided_filter(depth.float(), guide, radius=radius, epsilon=1e-2, valid=valid)
    assert floats[0].numpy() == pytest.approx(expected, rel=1e-5)


def test_edges_of_the_guide_come_out_in_depth():
    columns = torch.arange(40.0)
    guide = (columns >= 20).float().expand(1, 30, 40)
    blurred = torch.sigmoid((columns - 19.5) / 3).expand(1, 30, 40)
    sharp = guided_filter(blurred, guide, radius=4, epsilon=1e-4)
    assert sharp[0, 15, 20] - sharp[0, 15, 19] > 4 * (blurred[0, 15, 20] - blurred[0, 15, 19])


@pytest.mark.parametrize("channels", [1, 3])
def test_constant_maps_and_nothing_but_holes(channels):
    guide = random(channels, 1).float()
    constant = torch.full((1, *SIZE), 1234.5)
    assert guided_filter(constant, guide, radius=2) == pytest.approx(constant, rel=1e-6)
    nothing = torch.zeros(1, *SIZE, dtype=torch.bool)
    empty = guided_filter(torch.full((1, *SIZE), torch.nan), guide, radius=2, valid=nothing)
    assert torch.equal(empty, torch.zeros(1, *SIZE))


def test_a_window_has_a_neighbour():
    with pytest.raises(ValueError, match="a radius is at least 1, not 0"):
        guided_filter(random(1, 0), random(1, 1), radius=0)
