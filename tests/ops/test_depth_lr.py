"""LR depth by name: where samples lie, and the bicubic rows that identify the published tables."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from superfine.metrics import rmse
from superfine.ops.depth_lr import (
    BICUBIC,
    BLOCK_MEAN,
    DEPTH_OPERATORS,
    DIRECT_LAST,
    SAMPLE_MID,
)
from superfine.ops.place import matrix
from superfine.ops.resize import plan_axes

OPERATORS = list(DEPTH_OPERATORS.values())
SCALES = (4, 8, 16)

# Mean of the maps' RMSE on Middlebury30 at x4, x8, x16, every pixel counted: the bicubic rows of
# the papers (bicubic: all since 2021; direct-last: DJF, DKN, PAC), the other two measured apart
# from this project with Pillow.
ROWS = {
    "bicubic": (2.28, 3.98, 6.37),
    "block-mean": (2.28, 3.99, 6.38),
    "sample-mid": (2.79, 4.62, 7.39),
    "direct-last": (4.43, 7.57, 11.88),
}
# The samples of direct-last put where they were measured, by OpenCV's cubic (a = -3/4).
ROW_IN_PLACE = (2.53, 4.61, 7.47)


@pytest.fixture(scope="module")
def middlebury(data_root):
    files = sorted((data_root / "depth" / "Middlebury30" / "depth").iterdir())
    assert len(files) == 30
    return [torch.from_numpy(np.array(Image.open(file))).float()[None] for file in files]


def mean_rmse(maps, scale, restore):
    errors = []
    for whole in maps:
        height, width = (side // scale * scale for side in whole.shape[1:])
        hr = whole[:, :height, :width]
        errors.append(float(rmse(restore(hr), hr, torch.ones_like(hr, dtype=torch.bool))))
    return np.mean(errors)


def about_the_middles(lr, scale):
    """Bicubic as in the tables, by matrices, which is much faster than tap by tap."""
    axes = plan_axes((lr.shape[1], lr.shape[2]), scale=scale, border="cut")
    rows, columns = (matrix(axis, n).float() for axis, n in zip(axes, lr.shape[1:], strict=True))
    return rows @ lr @ columns.T


@pytest.mark.data
@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)
def test_the_bicubic_row_of_each_operator(middlebury, operator):
    for scale, published in zip(SCALES, ROWS[operator.name], strict=True):
        row = mean_rmse(
            middlebury, scale, lambda hr, s=scale: about_the_middles(operator.shrink(hr, s), s)
        )
        assert row == pytest.approx(published, abs=0.006), scale


@pytest.mark.data
@pytest.mark.parametrize(("scale", "published"), list(zip(SCALES, ROW_IN_PLACE, strict=True)))
def test_direct_last_put_at_its_place_loses_most_of_its_error(middlebury, scale, published):
    def in_place(hr):
        lr = DIRECT_LAST.shrink(hr, scale)[0].numpy()
        columns, rows = (
            ((np.arange(side) + 0.5 - DIRECT_LAST.shift(scale)) / scale - 0.5).astype(np.float32)
            for side in (hr.shape[2], hr.shape[1])
        )
        at_x, at_y = np.meshgrid(columns, rows)
        enlarged = cv2.remap(lr, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return torch.from_numpy(enlarged)[None]

    assert mean_rmse(middlebury, scale, in_place) == pytest.approx(published, abs=0.006)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_sample_lies_by_the_shift_beside_the_middle_of_its_cell(operator, scale):
    """On a map that holds its own coordinates, a LR value tells where it was measured."""
    cells = 9
    ramp = torch.arange(cells * scale, dtype=torch.float64) + 0.5
    lr = operator.shrink(ramp.expand(1, scale, -1), scale)
    middles = (torch.arange(cells) + 0.5) * scale
    inside = slice(2, -2)  # at the border bicubic is no longer exact on ramps
    measured_at = (lr[0, 0] - middles)[inside]
    assert measured_at.tolist() == pytest.approx([operator.shift(scale)] * (cells - 4), abs=1e-9)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_bicubic_is_pillows(scale):
    hr = torch.rand(1, 5 * scale, 7 * scale, generator=torch.Generator().manual_seed(1))
    pillow = np.array(Image.fromarray(hr[0].numpy()).resize((7, 5), Image.Resampling.BICUBIC))
    assert BICUBIC.shrink(hr, scale)[0].numpy() == pytest.approx(pillow, abs=1e-6)


def test_a_block_mean_is_the_mean_of_its_cell():
    hr = torch.arange(24, dtype=torch.float32).reshape(1, 4, 6)
    assert BLOCK_MEAN.shrink(hr, 2).tolist() == [[[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]]


def test_direct_last_takes_the_corner_of_its_cell():
    hr = torch.arange(16, dtype=torch.float32).reshape(1, 4, 4)
    assert DIRECT_LAST.shrink(hr, 2).tolist() == [[[5, 7], [13, 15]]]


def test_direct_last_in_two_steps_is_direct_last_in_one():
    hr = torch.arange(256, dtype=torch.float32).reshape(1, 16, 16)
    assert torch.equal(DIRECT_LAST.shrink(DIRECT_LAST.shrink(hr, 4), 2), DIRECT_LAST.shrink(hr, 8))


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)
def test_cells_must_be_whole(operator):
    with pytest.raises(ValueError, match="a 8x6 map is not made of 4x4 cells"):
        operator.shrink(torch.zeros(1, 6, 8), 4)


# Whole and fractional scales, another one on each axis: HR rows and columns, LR rows and columns.
SIZES = [((48, 64), (12, 8)), ((64, 96), (24, 27)), ((45, 60), (6, 8)), ((7, 5), (7, 5))]
sizes = pytest.mark.parametrize(("hr_size", "lr_size"), SIZES)
operators = pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)


def random_map(size, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(1, *size, generator=draw, dtype=torch.float64)


@operators
@sizes
def test_at_any_scale_a_ramp_tells_where_it_was_measured(operator, hr_size, lr_size):
    height, width = hr_size
    down = (torch.arange(height, dtype=torch.float64) + 0.5)[None, :, None].expand(1, -1, width)
    right = (torch.arange(width, dtype=torch.float64) + 0.5).expand(1, height, -1)
    inside = slice(2, -2)
    rows = operator.shrink_to(down, lr_size)[0, inside, 0]
    columns = operator.shrink_to(right, lr_size)[0, 0, inside]
    # Where parts of pixels count, a mean lies beside its place by less than 0.06 pixels.
    assert rows == pytest.approx(operator.places(height, lr_size[0])[inside], abs=0.06)
    assert columns == pytest.approx(operator.places(width, lr_size[1])[inside], abs=0.06)
    # The middle of its cell, and the shift of its scale to within half a pixel.
    apart = rows - (torch.arange(lr_size[0]) + 0.5)[inside] * height / lr_size[0]
    last = (height / lr_size[0] - 1) / 2 if operator is DIRECT_LAST else 0.0
    assert (apart - last).abs().max() <= 0.5 + 1e-9


@operators
@sizes
def test_the_way_back_puts_samples_where_they_were_measured(operator, hr_size, lr_size):
    down, right = (torch.arange(n, dtype=torch.float64) for n in hr_size)
    ramp = (3 * down[:, None] + 5 * right)[None]
    back = operator.enlarge(operator.shrink_to(ramp, lr_size), hr_size)
    margin = [3 * -(-a // b) for a, b in zip(hr_size, lr_size, strict=True)]
    inside = (0, slice(margin[0], -margin[0]), slice(margin[1], -margin[1]))
    # A cubic is exact on ramps of even samples, and nearly so where they are uneven by a pixel.
    tolerance = 2.0 if operator.picks else 0.5
    assert back[inside] == pytest.approx(ramp[inside], abs=tolerance)


def test_a_fractional_block_mean_is_an_area():
    hr = random_map((16, 24))
    fine = hr.repeat_interleave(3, 1).repeat_interleave(5, 2)  # 48 x 120
    expected = fine.reshape(1, 6, 8, 10, 12).mean(dim=(2, 4))
    assert BLOCK_MEAN.shrink_to(hr, (6, 10)) == pytest.approx(expected, abs=1e-12)


# Without a place half way between two pixels, where Pillow's floats decide by their last bit.
@pytest.mark.parametrize(("hr_size", "lr_size"), [((48, 96), (12, 27)), ((45, 60), (6, 8))])
def test_sample_mid_is_pillows_nearest(hr_size, lr_size):
    hr = random_map(hr_size).float()
    pillow = Image.fromarray(hr[0].numpy()).resize(lr_size[::-1], Image.Resampling.NEAREST)
    assert torch.equal(SAMPLE_MID.shrink_to(hr, lr_size)[0], torch.from_numpy(np.array(pillow)))


@operators
@pytest.mark.parametrize("size", [(0, 3), (5, 3), (3, 5)])
def test_lr_is_no_larger_than_hr(operator, size):
    with pytest.raises(ValueError, match="a 4x4 map cannot be shrunk to"):
        operator.shrink_to(torch.zeros(1, 4, 4), size)


@operators
@sizes
@pytest.mark.parametrize("garbage", [-1e30, float("nan"), float("inf")])
def test_what_a_hole_holds_has_no_influence(operator, hr_size, lr_size, garbage):
    hr, valid = random_map(hr_size), random_map(hr_size, seed=1) > 0.3
    lr, lr_valid = operator.shrink_valid(hr, valid, lr_size)
    other, other_valid = operator.shrink_valid(torch.where(valid, hr, garbage), valid, lr_size)
    assert torch.equal(lr, other)
    assert torch.equal(lr_valid, other_valid)
    assert (lr[~lr_valid] == 0).all()
    back, kept = operator.enlarge_valid(lr, lr_valid, hr_size)
    again, _ = operator.enlarge_valid(torch.where(lr_valid, lr, garbage), lr_valid, hr_size)
    assert torch.equal(back, again)
    assert back.isfinite().all()
    assert kept.any()


@operators
def test_without_holes_the_masked_form_is_the_plain_one(operator):
    hr = random_map((24, 32))
    lr, lr_valid = operator.shrink_valid(hr, torch.ones_like(hr, dtype=torch.bool), (6, 8))
    assert torch.equal(lr, operator.shrink(hr, 4))
    assert lr_valid.all()
    back, kept = operator.enlarge_valid(lr, lr_valid, (24, 32))
    assert torch.equal(back, operator.enlarge(lr, (24, 32)))
    assert kept.all()


def test_with_holes_a_block_mean_is_the_mean_of_the_rest():
    hr, valid = random_map((24, 32)), random_map((24, 32), seed=1) > 0.8
    cells = torch.where(valid, hr, torch.nan).reshape(6, 4, 8, 4).movedim(1, 2).flatten(2)
    lr, lr_valid = BLOCK_MEAN.shrink_valid(hr, valid, (6, 8))
    expected = cells.nanmean(dim=2)
    assert torch.equal(lr_valid[0], expected.isfinite())
    assert not lr_valid.all()
    assert lr[lr_valid] == pytest.approx(expected[lr_valid[0]], abs=1e-12)


def test_with_holes_a_pick_is_as_valid_as_its_pixel():
    hr, valid = random_map((24, 32)), random_map((24, 32), seed=1) > 0.5
    assert torch.equal(DIRECT_LAST.shrink_valid(hr, valid, (6, 8))[1], valid[:, 3::4, 3::4])
    assert torch.equal(SAMPLE_MID.shrink_valid(hr, valid, (6, 8))[1], valid[:, 2::4, 2::4])


def test_bicubic_is_valid_to_the_middle_of_a_straight_edge():
    valid = torch.arange(32).expand(1, 24, 32) < 16
    lr_valid = BICUBIC.shrink_valid(torch.ones(1, 24, 32), valid, (6, 8))[1]
    assert torch.equal(lr_valid, torch.arange(8).expand(1, 6, 8) < 4)
    valid = torch.arange(32).expand(1, 24, 32) < 18  # to the middle of cell 4: half its kernel
    lr_valid = BICUBIC.shrink_valid(torch.ones(1, 24, 32), valid, (6, 8))[1]
    assert torch.equal(lr_valid, torch.arange(8).expand(1, 6, 8) < 5)


@operators
def test_nothing_but_holes(operator):
    hr = torch.full((1, 8, 8), torch.nan)
    lr, lr_valid = operator.shrink_valid(hr, torch.zeros_like(hr, dtype=torch.bool), (2, 2))
    assert torch.equal(lr, torch.zeros(1, 2, 2))
    assert not lr_valid.any()
    back, kept = operator.enlarge_valid(lr, lr_valid, (8, 8))
    assert torch.equal(back, torch.zeros(1, 8, 8))
    assert not kept.any()


@operators
@sizes
def test_a_constant_map_stays_constant(operator, hr_size, lr_size):
    valid = random_map(hr_size, seed=1) > 0.3
    hr = torch.full((1, *hr_size), 1234.5, dtype=torch.float64)
    lr, lr_valid = operator.shrink_valid(hr, valid, lr_size)
    assert lr[lr_valid] == pytest.approx(1234.5, rel=1e-12)
    back, kept = operator.enlarge_valid(lr, lr_valid, hr_size)
    assert back[kept] == pytest.approx(1234.5, rel=1e-12)
