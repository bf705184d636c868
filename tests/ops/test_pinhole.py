import math

import numpy as np
import pytest
import torch

from superfine.ops.pinhole import flying_pixels, unproject
from superfine.types import Intrinsics

CAMERA = Intrinsics(fx=580.0, fy=570.0, cx=2.5, cy=1.5)


def test_points_project_back_onto_their_pixels():
    depth = torch.rand(1, 4, 6, dtype=torch.float64) + 0.5
    x, y, z = unproject(depth, CAMERA)
    rows, columns = np.mgrid[:4, :6]
    assert torch.equal(z, depth[0])
    assert np.allclose(CAMERA.fx * x / z + CAMERA.cx, columns)
    assert np.allclose(CAMERA.fy * y / z + CAMERA.cy, rows)


def test_depth_along_the_ray_is_the_distance():
    depth = torch.rand(1, 4, 6, dtype=torch.float64) + 0.5
    points = unproject(depth, CAMERA, along="ray")
    assert torch.allclose(points.norm(dim=0), depth[0])
    # The direction of a pixel does not depend on how depth is counted.
    on_axis = unproject(depth, CAMERA)
    assert torch.allclose(points[:2] / points[2], on_axis[:2] / on_axis[2])


def test_a_focal_length_of_nothing():
    with pytest.raises(ValueError, match="focal length"):
        unproject(torch.ones(1, 2, 2), Intrinsics(0.0, 1.0, 0.0, 0.0))


def flying(*rows: list[float], jump: float = 0.03) -> list[list[bool]]:
    depth = torch.tensor([rows])
    return flying_pixels(depth, depth.isfinite(), jump=jump)[0].tolist()


def test_a_pixel_between_two_surfaces_flies():
    assert flying([1.0, 1.0, 1.5, 2.0, 2.0]) == [[False, False, True, False, False]]
    assert flying([2.0, 2.0, 1.5, 1.0, 1.0]) == [[False, False, True, False, False]]
    assert flying([1.0], [1.5], [2.0]) == [[False], [True], [False]]


def test_an_edge_without_anything_between_does_not():
    assert not any(flying([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])[0])


def test_a_thin_thing_in_front_stays_and_so_does_a_slot():
    assert not any(flying([2.0, 2.0, 1.0, 2.0, 2.0])[0])
    assert not any(flying([1.0, 1.0, 2.0, 1.0, 1.0])[0])


def test_a_slanted_wall_stays_up_to_the_jump():
    # Each pixel is 2 % further than the one before.
    wall = [1.02**i for i in range(8)]
    assert not any(flying(wall)[0])
    assert flying(wall, jump=0.019)[0] == [False] + [True] * 6 + [False]


def test_nothing_flies_beside_a_hole():
    nan = math.nan
    assert flying([1.0, nan, 1.5, 2.0], [nan, nan, nan, nan]) == [[False] * 4, [False] * 4]


def test_what_holes_hold_has_no_influence():
    depth = torch.rand(1, 7, 9) + 1
    valid = torch.rand(1, 7, 9) > 0.3
    other = torch.where(valid, depth, torch.tensor(math.nan))
    planted = torch.where(valid, depth, torch.tensor(1e30))
    assert torch.equal(flying_pixels(other, valid), flying_pixels(planted, valid))
    assert not bool((flying_pixels(depth, valid) & ~valid).any())


def test_maps_too_small_for_neighbours():
    assert flying([1.0, 5.0], [9.0, 2.0]) == [[False, False], [False, False]]
