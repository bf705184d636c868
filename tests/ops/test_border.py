"""Mirroring beyond the edges, against numpy's own symmetric padding."""

import numpy as np
import pytest
import torch

from superfine.ops.border import mirrored


@pytest.mark.parametrize("by", [0, 1, 4, 9])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (7, 6)])
def test_mirrors_as_numpy_does(size, by):
    x = torch.rand(2, 3, *size)
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (by, by), (by, by)), mode="symmetric")
    assert np.array_equal(mirrored(x, by).numpy(), expected)


def test_the_gradient_of_a_mirrored_pixel_counts_its_copies():
    x = torch.rand(1, 1, 2, 3, requires_grad=True)
    mirrored(x, 1).sum().backward()
    assert x.grad.tolist() == [[[[4, 2, 4], [4, 2, 4]]]]
