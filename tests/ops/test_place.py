"""Places: what is read between pixels, where a grid of samples lies, and what holes do to it."""

import pytest
import torch
import torch.nn.functional as F

from superfine.ops.place import (
    centres,
    matrix,
    on_grid,
    resize_valid,
    sample_at,
    sample_valid_at,
    taps_at,
)
from superfine.ops.resize import imresize, plan_axes, resize_axes

METHODS = ("nearest", "bilinear", "bicubic")


def picture(height=9, width=12, channels=1, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(channels, height, width, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("interpolation", METHODS)
def test_at_its_own_centres_a_picture_is_itself(interpolation):
    x = picture()
    assert torch.equal(sample_at(x, centres(9), centres(12), interpolation), x)


@pytest.mark.parametrize("interpolation", METHODS)
def test_a_whole_step_moves_whole_pixels(interpolation):
    x = picture()
    moved = sample_at(x, centres(9) - 2, centres(12) + 1, interpolation)
    assert torch.equal(moved[:, 2:, :-1], x[:, :-2, 1:])


def test_bilinear_is_that_of_torch():
    x = picture(channels=2)
    draw = torch.Generator().manual_seed(1)
    rows = torch.rand(20, generator=draw, dtype=torch.float64) * 9
    columns = torch.rand(15, generator=draw, dtype=torch.float64) * 12
    y, across = torch.meshgrid(rows / 9 * 2 - 1, columns / 12 * 2 - 1, indexing="ij")
    grid = torch.stack((across, y), dim=-1)[None]
    theirs = F.grid_sample(x[None], grid, padding_mode="border", align_corners=False)[0]
    assert sample_at(x, rows, columns, "bilinear") == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("size", [(36, 48), (24, 20), (9, 90)])
def test_on_even_places_bicubic_is_imresize(size):
    x = picture()
    places = (centres(n) * before / n for n, before in zip(size, (9, 12), strict=True))
    theirs = imresize(x, size=size, border="cut")
    assert sample_at(x, *places) == pytest.approx(theirs, abs=1e-12)


def test_beyond_the_border_lies_the_border():
    x = picture()
    far = sample_at(x, torch.tensor([-5.0, 0.0]), torch.tensor([12.0, 99.0]))
    assert (far == far[:, :1, :1]).all()
    assert far[0, 0, 0] == pytest.approx(float(x[0, 0, -1]), abs=0.5)


def test_a_place_on_a_grid_of_uneven_samples():
    samples = torch.tensor([1.5, 4.5, 6.5], dtype=torch.float64)
    at = torch.tensor([1.5, 3.0, 4.5, 5.5, 6.5, 7.5, 0.0], dtype=torch.float64)
    assert on_grid(at, samples, 2.5).tolist() == pytest.approx([0.5, 1, 1.5, 2, 2.5, 3, 0])


def test_one_sample_has_a_grid_too():
    assert on_grid(torch.tensor([2.0, 4.0]), torch.tensor([2.0]), 4).tolist() == [0.5, 1.0]


def test_taps_as_a_matrix():
    x = picture()
    at = torch.linspace(0, 12, 31, dtype=torch.float64)
    by_matrix = x @ matrix(taps_at(at, 12), 12).T
    assert by_matrix == pytest.approx(sample_at(x, centres(9), at), abs=1e-12)


@pytest.mark.parametrize("garbage", [1e30, float("nan"), float("inf")])
@pytest.mark.parametrize("interpolation", METHODS)
def test_what_a_hole_holds_has_no_influence(garbage, interpolation):
    x, valid = picture(), picture(seed=2) > 0.3
    at = torch.linspace(0, 9, 25), torch.linspace(0, 12, 33)
    values, kept = sample_valid_at(x, valid, *at, interpolation)
    other, other_kept = sample_valid_at(torch.where(valid, x, garbage), valid, *at, interpolation)
    assert torch.equal(values, other)
    assert torch.equal(kept, other_kept)
    nearest = sample_at(valid.double(), *at, "nearest") > 0
    assert torch.equal(kept, nearest)
    axes = taps_at(at[0], 9, interpolation), taps_at(at[1], 12, interpolation)
    by_holes, share = resize_valid(x, valid, *axes)
    assert torch.equal(by_holes, values)
    near = (share > 0) & (share < 1)
    assert values[near].numel() or interpolation == "nearest"
    # Where a hole is near, nothing leaves the range, as a cubic alone would.
    low, high = torch.aminmax(x[valid])
    assert ((values >= low - 1e-12) & (values <= high + 1e-12))[near].all()


def test_far_from_holes_nothing_changes():
    x = picture(20, 20)
    valid = torch.ones_like(x, dtype=torch.bool)
    valid[0, 3, 4] = False
    axes = plan_axes((20, 20), size=(40, 40), border="cut")
    values, share = resize_valid(x, valid, *axes)
    plain = resize_axes(x, *axes)
    same = values == plain
    assert same[:, 14:].all()
    assert same[:, :, 16:].all()
    assert not same[:, 4:10, 6:12].all()
    assert torch.equal(share[:, 14:], torch.ones_like(share[:, 14:]))
    assert share.min() < 0.5


def test_normalised_convolution_by_hand():
    x = torch.tensor([[[2.0, 7.0, 4.0]]])
    valid = torch.tensor([[[True, False, True]]])
    # At 1.25: a quarter of the first pixel and three quarters of the second, which is a hole.
    at = torch.tensor([0.5]), torch.tensor([1.25, 1.5, 2.0])
    values, kept = sample_valid_at(x, valid, *at, "bilinear")
    assert values.tolist() == [[[2.0, 0.0, 4.0]]]
    assert kept.tolist() == [[[False, False, True]]]
