"""What every method gets for free: range, holes, camera, agreement with the sensor."""

import pytest
import torch

from superfine.depth.enlarge import enlarge
from superfine.depth.methods import BICUBIC, GUIDED_DIFFUSION, METHODS, NEAREST, find_method
from superfine.errors import UnknownNameError
from superfine.io import read
from superfine.io.depth import read_depth
from superfine.ops.depth_lr import BICUBIC as BY_BICUBIC
from superfine.ops.depth_lr import BLOCK_MEAN, DIRECT_LAST
from superfine.types import DepthMap, Intrinsics

SIZE = (24, 40)
each = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)


def a_map(height=6, width=10, *, seed=0, holes=False):
    generator = torch.Generator().manual_seed(seed)
    values = 1.0 + 3 * torch.rand(1, height, width, generator=generator)
    valid = torch.ones_like(values, dtype=torch.bool)
    if holes:
        valid[:, 2:4, 3:5] = False
    return DepthMap(values, valid, "metre")


def a_photo(size=SIZE):
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(1))


def made(depth, method, *, size=SIZE, operator=BLOCK_MEAN, holes="keep"):
    return enlarge(depth, method, size=size, operator=operator, guide=a_photo(size), holes=holes)


@each
def test_results_stay_in_range_and_keep_unit_and_type(method):
    depth = a_map()
    result = made(depth, method)
    span = float(depth.values.max() - depth.values.min())
    assert result.depth.values.shape == (1, *SIZE)
    assert result.depth.values.dtype == depth.values.dtype
    assert result.depth.unit == "metre"
    assert bool(result.depth.valid.all())
    assert float(result.depth.values.min()) >= float(depth.values.min()) - 0.051 * span
    assert float(result.depth.values.max()) <= float(depth.values.max()) + 0.051 * span


@each
@pytest.mark.parametrize("garbage", [0.0, 1e9, -1e9, float("nan"), float("inf")])
def test_what_holes_hold_changes_nothing(method, garbage):
    depth = a_map(holes=True)
    planted = torch.where(depth.valid, depth.values, garbage)
    one = made(depth, method)
    other = made(DepthMap(planted, depth.valid, "metre"), method)
    assert torch.equal(one.depth.values, other.depth.values)
    assert torch.equal(one.depth.valid, other.depth.valid)
    assert one.residual == other.residual


@each
def test_holes_are_kept_or_filled(method):
    depth = a_map(holes=True)
    kept = made(depth, method).depth
    expected = depth.valid.repeat_interleave(4, 1).repeat_interleave(4, 2)
    assert torch.equal(kept.valid, expected)
    assert not kept.values[~kept.valid].any()
    filled = made(depth, method, holes="fill").depth
    assert bool(filled.valid.all())
    assert torch.equal(filled.values[kept.valid], kept.values[kept.valid])
    low, high = torch.aminmax(depth.values[depth.valid])
    inside = filled.values[~kept.valid]
    assert float(low) - 0.2 <= float(inside.min()) <= float(inside.max()) <= float(high) + 0.2


@each
def test_a_map_of_one_value_keeps_it_to_the_bit(method):
    depth = DepthMap(torch.full((1, 5, 7), 2.345), torch.ones(1, 5, 7, dtype=torch.bool), "metre")
    result = made(depth, method, size=(15, 21))
    assert bool((result.depth.values == torch.tensor(2.345)).all())
    assert result.residual.largest < 1e-7


@each
def test_a_map_of_holes_alone_stays_one(method):
    nothing = DepthMap(torch.full((1, 4, 4), torch.nan), torch.zeros(1, 4, 4).bool(), "metre")
    result = made(nothing, method, size=(12, 12), holes="fill")
    assert not result.depth.valid.any()
    assert not result.depth.values.any()
    assert result.residual.largest == 0


@each
def test_the_unit_does_not_matter(method):
    metres = a_map(seed=3)
    millimetres = DepthMap(metres.values * 1000, metres.valid, "relative")
    one, other = made(metres, method), made(millimetres, method)
    assert torch.allclose(one.depth.values * 1000, other.depth.values, rtol=2e-3)


@pytest.mark.parametrize("method", [m for m in METHODS if m.projected], ids=lambda m: m.name)
@pytest.mark.parametrize("operator", [BLOCK_MEAN, BY_BICUBIC, DIRECT_LAST], ids=lambda o: o.name)
def test_results_agree_with_the_sensor(method, operator):
    """On a smooth map, which needs no clamping: LR shrinks back to itself."""
    y, x = torch.meshgrid(torch.linspace(0, 3, 12), torch.linspace(0, 4, 16), indexing="ij")
    values = (2 + torch.sin(x) * torch.cos(y))[None]
    depth = DepthMap(values, torch.ones_like(values, dtype=torch.bool), "metre")
    result = made(depth, method, size=(48, 64), operator=operator)
    assert result.residual.mean < 1e-3 * 2
    assert result.residual.largest < 0.05 * 2


def test_the_camera_comes_along():
    depth = DepthMap(
        torch.ones(1, 192, 256),
        torch.ones(1, 192, 256, dtype=torch.bool),
        "metre",
        intrinsics=Intrinsics(212.0, 212.0, 127.5, 95.5),
    )
    centred = enlarge(depth, NEAREST, size=(1440, 1920), operator=BLOCK_MEAN).depth.intrinsics
    assert centred == Intrinsics(1590.0, 1590.0, 959.5, 719.5)
    # Each sample of direct-last stands 1.5 HR pixels beyond the middle of its cell.
    moved = enlarge(depth, NEAREST, size=(768, 1024), operator=DIRECT_LAST).depth.intrinsics
    assert (moved.cx, moved.cy) == (128 * 4 - 0.5 + 1.5, 96 * 4 - 0.5 + 1.5)


def test_confidence_comes_along_and_is_none_in_filled_holes():
    depth = a_map(holes=True)
    sure = DepthMap(depth.values, depth.valid, "metre", confidence=torch.ones(1, 6, 10))
    filled = made(sure, BICUBIC, holes="fill").depth
    kept = made(depth, BICUBIC).depth
    assert torch.equal(filled.confidence, kept.valid.float())


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="cannot be enlarged"):
        enlarge(a_map(), BICUBIC, size=(5, 10), operator=BLOCK_MEAN)
    with pytest.raises(ValueError, match="guide has"):
        enlarge(a_map(), BICUBIC, size=SIZE, operator=BLOCK_MEAN, guide=torch.zeros(3, 4, 4))


def test_names_are_found_and_near_ones_offered():
    assert find_method("guided-diffusion") is GUIDED_DIFFUSION
    with pytest.raises(UnknownNameError, match="bicubic"):
        find_method("bicubik")


@pytest.mark.data
def test_a_phone_map_becomes_as_large_as_its_photo(data_root):
    """ARKit: 256x192 to 1920x1440, x7.5, within the range of the map."""
    folder = data_root / "depth/ARKit"
    depth = read_depth(next(folder.glob("*depth*.png")), convention="arkit")
    photo = read(next(p for p in sorted(folder.iterdir()) if p.suffix == ".jpg"))
    result = enlarge(
        depth, GUIDED_DIFFUSION, size=(photo.height, photo.width), operator=BLOCK_MEAN,
        guide=photo.pixels.float() / 255,
    )  # fmt: skip
    low, high = torch.aminmax(depth.values[depth.valid])
    inside = result.depth.values[result.depth.valid]
    assert (result.depth.height, result.depth.width) == (1440, 1920)
    assert float(low) * 0.95 <= float(inside.min()) <= float(inside.max()) <= float(high) * 1.05
    assert result.residual.mean < 1e-3


@pytest.mark.data
def test_a_thousand_samples_are_kept_and_their_zeros_are_no_depth(data_root):
    """sparse_sample: 1,000 samples of 480x640, zeros elsewhere, filled along the photo."""
    folder = data_root / "depth/sparse_sample"
    depth = read_depth(folder / "sparse_1000.npy", unit="metre", codes_per_unit=1.0)
    assert int(depth.valid.sum()) == 1000
    photo = read(folder / "image.png").pixels.float() / 255
    result = enlarge(
        depth, GUIDED_DIFFUSION, size=(depth.height, depth.width), operator=BLOCK_MEAN,
        guide=photo, holes="fill",
    )  # fmt: skip
    samples = depth.values[depth.valid]
    low, high = torch.aminmax(samples)
    filled = result.depth.values
    assert torch.allclose(filled[depth.valid], samples, atol=1e-4)
    assert float(low) - 0.05 * float(high - low) <= float(filled.min())
    kept = enlarge(depth, NEAREST, size=(depth.height, depth.width), operator=BLOCK_MEAN)
    assert torch.equal(kept.depth.valid, depth.valid)
    assert not kept.depth.values[~depth.valid].any()
