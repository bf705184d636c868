"""The dictionaries against values of the published files."""

import pytest
import torch

from superfine.ops.filter_dictionary import filter_dictionary

# Centre, right neighbour, upper neighbour and corner of some of the 72.
SPOTS = {
    0: (0.063191, 0.055766, 0.055766, 0.023247),
    1: (0.070596, 0.062301, 0.058071, 0.019604),
    13: (0.125467, 0.110725, 0.057443, 0.003344),
    19: (0.231072, 0.203920, 0.010153, 1e-6),
    31: (0.117928, 0.083334, 0.083334, 0.007332),
    50: (0.844962, 0.037125, 0.037125, 0.0),
    51: (-0.107484, -0.054133, -0.054133, 0.109377),
    52: (-0.4, 0.033383, 0.033383, 0.041631),
    53: (-0.4, 0.088981, 0.088981, 0.014119),
    54: (-0.125239, -0.067213, -0.043587, 0.093115),
}


@pytest.mark.parametrize("number", SPOTS)
def test_the_72_filters_are_those_of_the_file(number):
    one = filter_dictionary(72)[number]
    found = [float(one[place]) for place in ((2, 2), (2, 3), (1, 2), (0, 0))]
    assert found == pytest.approx(SPOTS[number], abs=6e-7)


@pytest.mark.parametrize("count", [24, 72])
def test_every_filter_sums_to_1_and_is_symmetric_about_its_centre(count):
    filters = filter_dictionary(count)
    assert filters.shape == (count, 5, 5)
    torch.testing.assert_close(filters.sum(dim=(1, 2)), torch.ones(count, dtype=torch.float64))
    torch.testing.assert_close(filters, filters.flip(1, 2))


def test_the_24_filters_sharpen_last():
    filters = filter_dictionary(24)
    assert bool((filters[:21] > 0).all())
    assert bool((filters[21:, 2, 2] < 0).all())
    # Its widest and its narrowest are those of the larger dictionary.
    large = filter_dictionary(72)
    for mine, theirs in ((0, 0), (13, 31), (20, 50), (21, 51), (22, 52), (23, 53)):
        torch.testing.assert_close(filters[mine], large[theirs])
