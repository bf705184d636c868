import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from superfine.ops.disparity import depth_from_disparity, disparity_from_depth

# Adirondack at quarter size (Middlebury 2014): focal length, baseline in millimetres, doffs.
ADIRONDACK = {"focal": 1038.018, "baseline": 176.252, "offset": 53.271}


def all_valid(x: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(x, dtype=torch.bool)


def test_the_formula_of_middlebury():
    """Z = baseline * f / (d + doffs), by hand: 1038.018 * 176.252 / 83.271 = 2197.076 mm."""
    disparity = torch.tensor([[30.0]], dtype=torch.float64)
    depth, known = depth_from_disparity(disparity, all_valid(disparity), **ADIRONDACK)
    assert bool(known)
    assert math.isclose(float(depth), 2197.0764, abs_tol=1e-4)


@given(st.lists(st.floats(0.05, 500), min_size=1, max_size=6), st.floats(-0.04, 90))
def test_there_and_back(values, offset):
    disparity = torch.tensor([[values]], dtype=torch.float64)
    cameras = {"focal": 700.0, "baseline": 0.12, "offset": offset}
    depth, known = depth_from_disparity(disparity, all_valid(disparity), **cameras)
    back, known_back = disparity_from_depth(depth, known, **cameras)
    assert bool(known_back.all())
    assert torch.allclose(back, disparity, rtol=1e-9, atol=1e-9)
    assert bool((depth > 0).all())


def test_what_holes_hold_has_no_influence():
    disparity = torch.tensor([[math.nan, math.inf, 0.0, -3.0, -53.271, 10.0]])
    valid = torch.tensor([[False, False, True, True, True, True]])
    depth, known = depth_from_disparity(disparity, valid, **ADIRONDACK)
    assert known.tolist() == [[False, False, True, True, False, True]]
    assert bool(depth.isfinite().all())
    assert depth[~known].tolist() == [0.0, 0.0, 0.0]
    depth, known = depth_from_disparity(disparity, valid, focal=1.0, baseline=1.0)
    assert known.tolist() == [[False] * 5 + [True]]


def test_next_to_nothing_is_nowhere():
    disparity = torch.tensor([[1e-44]])
    _, known = depth_from_disparity(disparity, all_valid(disparity), focal=1e3, baseline=1.0)
    assert not bool(known)
    depth = torch.tensor([[0.0, -1.0, 2.0]])
    _, known = disparity_from_depth(depth, all_valid(depth), focal=1e3, baseline=1.0)
    assert known.tolist() == [[False, False, True]]


@pytest.mark.parametrize("wrong", [{"focal": 0.0}, {"baseline": -1.0}, {"focal": math.nan}])
def test_cameras_that_are_none(wrong):
    values = torch.ones(1, 1)
    for convert in (depth_from_disparity, disparity_from_depth):
        with pytest.raises(ValueError, match="above 0"):
            convert(values, all_valid(values), **{"focal": 1.0, "baseline": 1.0, **wrong})
