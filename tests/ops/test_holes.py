"""Filling holes: each takes the nearest valid value, whatever was in it."""

import pytest
import torch

from superfine.ops.holes import fill_nearest


def squared_distances(valid):
    """To the nearest valid pixel, from every pixel, by trying all of them."""
    height, width = valid.shape
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    there = places[valid.flatten()]
    apart = (places[:, None] - there[None]).square().sum(-1)
    return apart.min(dim=1).values.reshape(height, width)


@pytest.mark.parametrize("share", [0.002, 0.02, 0.3, 0.9])
@pytest.mark.parametrize("size", [(31, 47), (60, 9), (1, 40), (40, 1)])
def test_no_valid_pixel_is_nearer_than_the_one_taken(size, share):
    height, width = size
    valid = torch.rand(1, *size, generator=torch.Generator().manual_seed(3)) < share
    valid[0, height // 3, width // 2] = True
    places = torch.arange(height * width, dtype=torch.float32).reshape(1, *size)
    taken = fill_nearest(places, valid)[0].long()
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    apart = (taken // width - row).square() + (taken % width - column).square()
    assert torch.equal(apart, squared_distances(valid[0]))


def test_what_a_hole_holds_has_no_influence():
    generator = torch.Generator().manual_seed(4)
    values = torch.rand(1, 20, 30, generator=generator)
    valid = torch.rand(1, 20, 30, generator=generator) < 0.5
    garbage = torch.where(valid, values, float("nan"))
    filled = fill_nearest(garbage, valid)
    assert torch.equal(filled, fill_nearest(values, valid))
    assert torch.equal(filled[valid], values[valid])
    assert torch.isnan(garbage).any()  # the map that came in is left as it was


def test_nothing_to_fill_with():
    with pytest.raises(ValueError, match="no pixel is valid"):
        fill_nearest(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.bool))
