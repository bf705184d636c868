"""Guided diffusion: consistent, sharp where the guide is, and untouched by what holes hold."""

import numpy as np
import pytest
import torch
from PIL import Image

from superfine.metrics import flying_share, rmse
from superfine.ops.depth_lr import BICUBIC, BLOCK_MEAN, DEPTH_OPERATORS
from superfine.ops.guided_diffusion import guided_diffusion
from superfine.ops.project import lr_residual

operators = pytest.mark.parametrize("operator", DEPTH_OPERATORS.values(), ids=lambda o: o.name)
# HR, and LR of whole and of fractional scales, on each axis its own.
CASES = [((32, 48), (8, 12)), ((32, 48), (4, 6)), ((45, 64), (6, 24)), ((20, 24), (20, 24))]


def scene(size, *, seed=0, dtype=torch.float32):
    """A near disc before a far slope, and colours that show where it ends."""
    draw = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(
        *(torch.linspace(-1, 1, side, dtype=dtype) for side in size), indexing="ij"
    )
    disc = (rows - 0.1).square() + (columns + 0.15).square() < 0.3
    depth = torch.where(disc, 1.2, 3.0 + 0.4 * columns)[None]
    colours = torch.where(disc, 0.3, 0.7).expand(3, *size)
    noise = torch.randn(3, *size, generator=draw, dtype=dtype)
    return depth.to(dtype), (colours + 0.005 * noise).to(dtype)


def everywhere(x):
    return torch.ones_like(x, dtype=torch.bool)


@operators
@pytest.mark.parametrize(("size", "lr_size"), CASES)
def test_the_result_shrinks_to_its_input(operator, size, lr_size):
    truth, guide = scene(size)
    lr = operator.shrink_to(truth, lr_size)
    depth = guided_diffusion(lr, guide, operator)
    assert depth.shape == truth.shape
    assert lr_residual(depth, lr, operator).largest < 1e-5


@operators
@pytest.mark.parametrize("scale", [4, 8])
def test_the_outline_of_the_guide_is_found(operator, scale):
    truth, guide = scene((96, 128))
    lr = operator.shrink(truth, scale)
    enlarged = operator.enlarge(lr, (96, 128))
    depth = guided_diffusion(lr, guide, operator)
    for error in (rmse, flying_share):
        whole = everywhere(truth)
        assert error(depth, truth, whole) < 0.25 * error(enlarged, truth, whole)


@operators
@pytest.mark.parametrize("garbage", [-1e30, float("nan")])
def test_what_a_hole_holds_has_no_influence(operator, garbage):
    truth, guide = scene((32, 48))
    lr = operator.shrink(truth, 4)
    valid = torch.rand(lr.shape, generator=torch.Generator().manual_seed(3)) > 0.2
    valid[:, 2:5, 4:9] = False
    depth = guided_diffusion(lr, guide, operator, lr_valid=valid)
    planted = torch.where(valid, lr, garbage)
    assert torch.equal(guided_diffusion(planted, guide, operator, lr_valid=valid), depth)
    assert lr_residual(depth, lr, operator, lr_valid=valid).largest < 1e-4
    # Holes are filled from around them, with the help of the guide.
    assert rmse(depth, truth, everywhere(truth)) < 0.5


@operators
def test_the_unit_does_not_matter(operator):
    truth, guide = scene((48, 64), dtype=torch.float64)
    metres = operator.shrink(truth, 4)
    depth = guided_diffusion(metres, guide, operator)
    assert depth.dtype == torch.float64
    millimetres = guided_diffusion(1000 * metres + 500, guide.float(), operator)
    assert (millimetres - 500) / 1000 == pytest.approx(depth, abs=1e-4)


@operators
def test_constant_maps_stay_what_they_are(operator):
    _, guide = scene((32, 48))
    lr = torch.full((1, 8, 12), 1234.5678)
    assert torch.equal(guided_diffusion(lr, guide, operator), lr[:, :1, :1].expand(1, 32, 48))
    lr[0, 2:5, 3:6] = torch.nan
    depth = guided_diffusion(lr, guide, operator, lr_valid=lr.isfinite())
    assert torch.equal(depth, lr[:, :1, :1].expand(1, 32, 48))


@operators
@pytest.mark.parametrize("colours", [1, 3])
def test_a_guide_that_says_nothing(operator, colours):
    """No edges at all, or a grey guide: what remains is smooth and consistent."""
    truth, _ = scene((32, 48))
    lr = operator.shrink(truth, 4)
    depth = guided_diffusion(lr, torch.full((colours, 32, 48), 0.5), operator)
    assert depth.isfinite().all()
    assert lr_residual(depth, lr, operator).largest < 1e-4


@operators
def test_nothing_measured_and_one_sample(operator):
    _, guide = scene((16, 16))
    lr = torch.full((1, 4, 4), torch.nan)
    nothing = torch.zeros_like(lr, dtype=torch.bool)
    assert torch.equal(
        guided_diffusion(lr, guide, operator, lr_valid=nothing), torch.zeros(1, 16, 16)
    )
    lr[0, 2, 1] = 4.5
    one = guided_diffusion(lr, guide, operator, lr_valid=lr.isfinite())
    assert torch.equal(one, torch.full((1, 16, 16), 4.5))
    single = guided_diffusion(torch.full((1, 1, 1), 2.5), guide[:, :1, :7], operator)
    assert torch.equal(single, torch.full((1, 1, 7), 2.5))


def test_the_same_every_time():
    truth, guide = scene((48, 64))
    lr = BICUBIC.shrink(truth, 4)
    assert torch.equal(guided_diffusion(lr, guide, BICUBIC), guided_diffusion(lr, guide, BICUBIC))


def test_lr_is_no_larger_than_the_guide():
    with pytest.raises(ValueError, match="a 4x4 map cannot shrink to 5x4 pixels"):
        guided_diffusion(torch.rand(1, 4, 5), torch.rand(3, 4, 4), BLOCK_MEAN)


@pytest.mark.data
@pytest.mark.parametrize(("scale", "share"), [(4, 0.55), (8, 0.55), (16, 0.65)])
def test_real_maps_need_no_training(data_root, scale, share):
    """A tenth of Middlebury30; `bench/depth.py methods` prints the mean over all of it."""
    folder = data_root / "depth" / "Middlebury30"
    maps, photos = (sorted((folder / kind).iterdir())[3::10] for kind in ("depth", "rgb"))
    errors, bicubics = [], []
    for file, photo in zip(maps, photos, strict=True):
        codes = torch.from_numpy(np.array(Image.open(file))).float()[None]
        colours = torch.from_numpy(np.array(Image.open(photo).convert("RGB"))).movedim(-1, 0) / 255
        height, width = (side // scale * scale for side in codes.shape[1:])
        truth, guide = codes[:, :height, :width], colours[:, :height, :width]
        lr = BICUBIC.shrink(truth, scale)
        depth = guided_diffusion(lr, guide, BICUBIC)
        errors.append(float(rmse(depth, truth, everywhere(truth))))
        enlarged = BICUBIC.enlarge(lr, (height, width))
        bicubics.append(float(rmse(enlarged, truth, everywhere(truth))))
    assert np.mean(errors) < share * np.mean(bicubics)
