import matplotlib
import numpy as np
import pytest
import torch

from superfine.depth.colours import coloured


@pytest.mark.parametrize(("colours", "off"), [("turbo", 2), ("cividis", 6)])
def test_colours_are_those_of_matplotlib(colours, off):
    ramp = torch.linspace(2.0, 5.0, 256)[None, None]
    ours = coloured(ramp, torch.ones_like(ramp, dtype=torch.bool), colours=colours)
    theirs = matplotlib.colormaps[colours](np.linspace(0, 1, 256))[:, :3].T * 255
    assert np.abs(ours[:, 0].numpy() - theirs).max() <= off + 0.5


def test_holes_are_a_pattern_and_do_not_count_for_the_range():
    values = torch.linspace(0.0, 1.0, 64).repeat(16, 1)[None]
    valid = torch.ones_like(values, dtype=torch.bool)
    valid[:, 8:] = False
    plain = coloured(values, valid, colours="turbo")
    planted = values.masked_fill(~valid, float("nan"))
    planted[:, 12:] = -1e9
    assert torch.equal(coloured(planted, valid, colours="turbo"), plain)
    holes = plain[:, 8:]
    assert torch.equal(holes[0], holes[1])  # grey
    assert len(holes.unique()) == 2


def test_two_maps_share_a_range():
    near, far = torch.full((1, 4, 4), 1.0), torch.full((1, 4, 4), 3.0)
    valid = torch.ones_like(near, dtype=torch.bool)
    one, two = (coloured(x, valid, colours="cividis", low=1.0, high=3.0) for x in (near, far))
    assert tuple(one[:, 0, 0].tolist()) == (0x00, 0x22, 0x4E)
    assert tuple(two[:, 0, 0].tolist()) == (0xFE, 0xE8, 0x38)


def test_maps_of_one_value_and_of_none_have_a_picture():
    values = torch.full((1, 8, 8), 2.0)
    assert coloured(values, values > 0, colours="turbo").unique(dim=2).shape[2] == 1
    nothing = coloured(values, values < 0, colours="turbo")
    assert torch.equal(nothing[0], nothing[2])
