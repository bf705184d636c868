"""`superfine.upscale_depth`: kinds of values, sizes, guides, and what is refused."""

import numpy as np
import pytest
import torch

import superfine
from superfine.errors import SizeMismatchError, UnknownNameError, UsageError
from superfine.io.depth import write_depth
from superfine.types import DepthMap, Intrinsics


def millimetres(height=6, width=8):
    rows = np.linspace(800, 4000, height * width).reshape(height, width).astype(np.uint16)
    rows[2, 3] = 0
    return rows


def photo(height=24, width=32):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_codes_of_a_sensor_come_back_as_codes():
    result = superfine.upscale_depth(millimetres(), guide=photo(), invalid=[0])
    assert result.dtype == np.uint16
    assert result.shape == (24, 32)
    hole = np.kron(millimetres() == 0, np.ones((4, 4), bool))
    assert np.array_equal(result == 0, hole)
    assert result[~hole].min() >= 640
    assert result.max() <= 4160
    cells = result.reshape(6, 4, 8, 4).mean(axis=(1, 3))
    apart = np.abs(cells - millimetres())[millimetres() > 0]
    # Half a millimetre of rounding, but for the peak that was not let out of the range.
    assert sorted(apart)[-2] < 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metres_with_nan_come_back_so(dtype):
    rows = (millimetres() / 1000).astype(dtype)
    rows[2, 3] = np.nan
    result = superfine.upscale_depth(rows, scale=2, unit="metre")
    assert result.dtype == dtype
    assert np.isnan(result[4:6, 6:8]).all()
    assert np.isnan(result).sum() == 4


@pytest.mark.parametrize("lead", [(), (1,)])
def test_tensors_keep_their_shape(lead):
    values = torch.rand(*lead, 5, 6) + 1
    result = superfine.upscale_depth(values, scale=3, unit="relative")
    assert result.shape == (*lead, 15, 18)
    assert result.dtype == torch.float32


def test_a_depth_map_and_a_path_give_a_depth_map(tmp_path):
    values = torch.rand(1, 6, 8) + 1
    depth = DepthMap(values, values > 0, "metre", intrinsics=Intrinsics(10.0, 10.0, 3.5, 2.5))
    write_depth(depth, tmp_path / "d.pfm")
    one = superfine.upscale_depth(depth, guide=photo())
    other = superfine.upscale_depth(tmp_path / "d.pfm", guide=photo())
    assert isinstance(one, DepthMap)
    assert torch.equal(one.values, other.values)
    assert one.intrinsics == other.intrinsics == Intrinsics(40.0, 40.0, 15.5, 11.5)
    assert other.unit == "metre"


def test_without_a_word_on_size_the_guide_decides_and_else_four():
    rows = millimetres()
    assert superfine.upscale_depth(rows, guide=photo(45, 60)).shape == (45, 60)
    assert superfine.upscale_depth(rows).shape == (24, 32)
    assert superfine.upscale_depth(rows, size=(20, 10)).shape == (10, 20)
    assert superfine.upscale_depth(rows, scale=2.5).shape == (15, 20)


def test_a_guide_of_another_size_is_refused_or_aligned():
    rows = millimetres()
    with pytest.raises(SizeMismatchError, match="32×24 pixels; 16×12 was expected") as caught:
        superfine.upscale_depth(rows, guide=photo(), scale=2)
    assert "--align" in caught.value.hint
    assert superfine.upscale_depth(rows, guide=photo(), scale=2, align=True).shape == (12, 16)
    with pytest.raises(SizeMismatchError, match="differ in shape"):
        superfine.upscale_depth(rows, guide=photo(24, 48))
    with pytest.raises(SizeMismatchError, match="was expected"):
        superfine.upscale_depth(rows, guide=photo(24, 48), scale=2, align=True)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "guided-filter"}, UsageError, "needs a photo"),
        ({"method": "svlrm-xl"}, UnknownNameError, "svlrm"),
        ({"operator": "area"}, UsageError, "block-mean"),
        ({"scale": 0.5}, UsageError, "out of range"),
        ({"scale": 2, "size": (16, 12)}, UsageError, "Both"),
        ({"size": (4, 4)}, UsageError, "smaller than the depth map"),
        ({"guide": [photo(), photo()]}, UsageError, "2 guides"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(options, error, words):
    with pytest.raises(error) as caught:
        superfine.upscale_depth(millimetres(), **options)
    assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("value", [3, np.zeros((2, 3, 4)), torch.zeros(2, 3, 4), [[1, 2]]])
def test_what_is_no_depth_map_is_refused(value):
    with pytest.raises(UsageError, match="is no depth map"):
        superfine.upscale_depth(value)
