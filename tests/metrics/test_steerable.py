"""The pyramid of IFC and VIF against SciPy and the table of taps as it was published."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from superfine.metrics.steerable import oriented_bands

# Rows of "sp5Filters" as matlabPyrTools prints them; the columns of the band, the rows of the rest.
LOW = [[0.00341614, -0.01551246, -0.03848215, -0.01551246, 0.00341614],
       [-0.01551246, 0.05586982, 0.15925570, 0.05586982, -0.01551246],
       [-0.03848215, 0.15925570, 0.40304148, 0.15925570, -0.03848215],
       [-0.01551246, 0.05586982, 0.15925570, 0.05586982, -0.01551246],
       [0.00341614, -0.01551246, -0.03848215, -0.01551246, 0.00341614]]  # fmt: skip
FIRST_BAND = [
    [0.00277643, 0.00496194, 0.01026699, 0.01455399, 0.01026699, 0.00496194, 0.00277643],
    [-0.00986904, -0.00893064, 0.01189859, 0.02755155, 0.01189859, -0.00893064, -0.00986904],
    [-0.01021852, -0.03075356, -0.08226445, -0.11732297, -0.08226445, -0.03075356, -0.01021852],
    [0, 0, 0, 0, 0, 0, 0],
    [0.01021852, 0.03075356, 0.08226445, 0.11732297, 0.08226445, 0.03075356, 0.01021852],
    [0.00986904, 0.00893064, -0.01189859, -0.02755155, -0.01189859, 0.00893064, 0.00986904],
    [-0.00277643, -0.00496194, -0.01026699, -0.01455399, -0.01026699, -0.00496194, -0.00277643],
]
HALVING_MIDDLE = [-0.01924108, 0.02005976, 0.07962786, 0.16339236, 0.20193080,
                  0.16339236, 0.07962786, 0.02005976, -0.01924108]  # fmt: skip


def picture(height, width):
    return torch.from_numpy(np.random.default_rng(7).random((2, height, width)))


@pytest.mark.parametrize(("height", "width"), [(64, 80), (65, 66), (71, 33)])
def test_the_finest_level_is_scipys(height, width):
    """ "mirror" of SciPy is 'reflect1' of MATLAB."""
    x = picture(height, width)
    finest = oriented_bands(x)[0]
    for plane, (upright, level) in zip(x.numpy(), finest.numpy(), strict=True):
        low = ndimage.correlate(plane, np.array(LOW), mode="mirror")
        first = ndimage.correlate(low, np.array(FIRST_BAND).T, mode="mirror")
        fourth = ndimage.correlate(low, -np.array(FIRST_BAND), mode="mirror")
        assert np.abs(upright - first).max() < 1e-14
        assert np.abs(level - fourth).max() < 1e-14


def test_levels_halve_and_round_up():
    shapes = [tuple(band.shape) for band in oriented_bands(picture(65, 82))]
    assert shapes == [(2, 2, 65, 82), (2, 2, 33, 41), (2, 2, 17, 21), (2, 2, 9, 11)]


def test_a_lone_pixel_shows_the_filter_that_halves():
    """Its middle row and column, sampled at every second pixel from the first on."""
    x = torch.zeros(1, 65, 65, dtype=torch.float64)
    x[0, :, 32] = 1  # a line: what is summed along it is the filter's profile
    coarse = oriented_bands(x)[1][0, 0]
    profile = np.array(LOW).sum(axis=0)
    line = np.zeros(65)
    line[30:35] = profile
    quarter = np.array([[0.00170808, -0.00489834, -0.00775624, -0.01888864],
                        [-0.00489834, -0.01046562, -0.01322234, 0.00821200],
                        [-0.00775624, -0.01322234, 0.02793492, 0.06554076],
                        [-0.01888864, 0.00821200, 0.06554076, 0.12852666]])  # fmt: skip
    half = 2 * quarter.sum(axis=0) + np.array(HALVING_MIDDLE[:4])
    middle = sum(HALVING_MIDDLE)
    halved = ndimage.correlate1d(line, np.array([*half, middle, *half[::-1]]), mode="mirror")[::2]
    expected = ndimage.correlate1d(halved, np.array(FIRST_BAND).sum(axis=1), mode="mirror")
    assert np.abs(coarse.numpy() - expected).max() < 1e-12


def test_upright_edges_are_in_the_first_band_and_level_ones_in_the_second():
    edge = torch.zeros(1, 64, 64, dtype=torch.float64)
    edge[:, :, 32:] = 1
    upright, level = oriented_bands(edge)[0][0]
    assert upright.abs().max() > 0.1
    assert level.abs().max() < 1e-12
    turned = oriented_bands(edge.mT)[0][0]
    assert torch.allclose(turned[1], -upright.T, atol=1e-14)
