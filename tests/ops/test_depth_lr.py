"""LR depth by name: where samples lie, and the bicubic rows that identify the published tables."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from superfine.metrics import rmse
from superfine.ops.depth_lr import BICUBIC, DEPTH_OPERATORS, DIRECT_LAST, block_mean, direct_last
from superfine.ops.resize import imresize

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


@pytest.mark.data
@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)
def test_the_bicubic_row_of_each_operator(middlebury, operator):
    for scale, published in zip(SCALES, ROWS[operator.name], strict=True):
        row = mean_rmse(
            middlebury,
            scale,
            lambda hr, s=scale: imresize(operator.shrink(hr, s), scale=s, border="cut"),
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
    assert block_mean(hr, 2).tolist() == [[[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]]


def test_direct_last_takes_the_corner_of_its_cell():
    hr = torch.arange(16, dtype=torch.float32).reshape(1, 4, 4)
    assert direct_last(hr, 2).tolist() == [[[5, 7], [13, 15]]]


def test_direct_last_in_two_steps_is_direct_last_in_one():
    hr = torch.arange(256, dtype=torch.float32).reshape(1, 16, 16)
    assert torch.equal(direct_last(direct_last(hr, 4), 2), direct_last(hr, 8))


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)
def test_cells_must_be_whole(operator):
    with pytest.raises(ValueError, match="a 8x6 map is not made of 4x4 cells"):
        operator.shrink(torch.zeros(1, 6, 8), 4)
