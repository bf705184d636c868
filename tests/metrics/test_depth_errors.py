"""Errors of depth maps: over valid pixels, in the unit of the maps."""

import pytest
import torch

from superfine.io import read
from superfine.metrics import bad_share, edge_band, flying_share, mae, rmse
from superfine.ops.depth_lr import BICUBIC, SAMPLE_MID
from superfine.ops.resize import imresize


def test_errors_by_hand():
    truth = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    depth = torch.tensor([[[1.0, 5.0, 3.0, 8.0]]])
    everywhere = torch.ones_like(truth, dtype=torch.bool)
    assert float(rmse(depth, truth, everywhere)) == 2.5
    assert float(mae(depth, truth, everywhere)) == 1.75
    assert float(bad_share(depth, truth, everywhere, delta=3)) == 0.25
    assert float(bad_share(depth, truth, everywhere, delta=2.9)) == 0.5


@pytest.mark.parametrize("garbage", [1e9, float("nan"), float("inf")])
def test_holes_do_not_count(garbage):
    truth = torch.tensor([[[1.0, garbage, 3.0]]])
    depth = torch.tensor([[[2.0, 0.0, 2.0]]])
    valid = torch.tensor([[[True, False, True]]])
    assert float(rmse(depth, truth, valid)) == float(mae(depth, truth, valid)) == 1


@pytest.mark.parametrize("metric", [rmse, mae])
def test_nothing_to_compare(metric):
    x = torch.zeros(1, 2, 2)
    with pytest.raises(ValueError, match="no pixel is valid"):
        metric(x, x, torch.zeros_like(x, dtype=torch.bool))


def two_walls(height: int = 20, width: int = 24) -> torch.Tensor:
    truth = torch.full((1, height, width), 1.0)
    truth[..., width // 2 :] = 2.0
    return truth


def test_the_band_is_three_pixels_on_each_side_of_an_edge():
    truth = two_walls()
    band = edge_band(truth, torch.ones_like(truth, dtype=torch.bool))
    # The step is between columns 11 and 12; both are edge, and three more on each side are near.
    assert band.all(dim=1)[0].nonzero().flatten().tolist() == list(range(8, 16))
    assert int(band.sum()) == 8 * 20


def test_a_hole_is_no_edge_and_a_flat_map_has_none():
    truth = two_walls()
    valid = torch.ones_like(truth, dtype=torch.bool)
    valid[..., 11:13] = False
    for garbage in (0.0, 1e9, float("nan"), float("inf")):
        assert not edge_band(torch.where(valid, truth, garbage), valid).any()
    flat = torch.ones(1, 5, 5)
    everywhere = torch.ones_like(flat, dtype=torch.bool)
    assert not edge_band(flat, everywhere).any()
    assert not edge_band(flat, ~everywhere).any()
    assert float(flying_share(flat, flat, everywhere)) == 0


def test_a_pixel_between_two_surfaces_flies_and_a_moved_edge_does_not():
    truth = two_walls()
    everywhere = torch.ones_like(truth, dtype=torch.bool)
    assert float(flying_share(truth.roll(2, dims=2), truth, everywhere)) == 0
    blurred = truth.clone()
    blurred[..., 11] = 1.5
    assert float(flying_share(blurred, truth, everywhere)) == pytest.approx(1 / 8)
    valid = everywhere.clone()
    valid[:, 0, 0] = False
    planted = truth.masked_fill(~valid, float("nan"))
    assert float(flying_share(blurred, planted, valid)) == pytest.approx(1 / 8)


@pytest.mark.data
def test_bicubic_flies_and_samples_do_not(data_root):
    """Over the thirty Middlebury maps bicubic x4 flies in 7.5 % of the band; here on one."""
    path = sorted((data_root / "depth/Middlebury30/depth").iterdir())[0]
    truth = read(path).pixels.float()[..., : 92 * 4, : 100 * 4]
    everywhere = torch.ones_like(truth, dtype=torch.bool)
    band = edge_band(truth, everywhere)
    assert float(band.float().mean()) == pytest.approx(0.216, abs=5e-4)
    bicubic = imresize(BICUBIC.shrink(truth, 4), scale=4, border="cut")
    assert rmse(bicubic, truth, band) > 4 * rmse(bicubic, truth, ~band)
    assert 0.04 < float(flying_share(bicubic, truth, everywhere)) < 0.12
    nearest = SAMPLE_MID.shrink(truth, 4).repeat_interleave(4, 1).repeat_interleave(4, 2)
    assert float(flying_share(nearest, truth, everywhere)) == 0
