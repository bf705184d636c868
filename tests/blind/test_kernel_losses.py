"""Each loss of a kernel against values worked out by hand."""

import pytest
import torch

from superfine.blind.kernel_losses import (
    bicubic_loss,
    border_mask,
    boundaries_loss,
    centre_loss,
    sparse_loss,
    sum_loss,
)
from superfine.ops.kernels import bicubic_kernel
from superfine.ops.resize import imresize


def single(row, column, side=13):
    values = torch.zeros(side, side)
    values[row, column] = 1
    return values


def test_sum_and_centre():
    values = 0.5 * single(6, 7)
    assert float(sum_loss(values)) == pytest.approx(0.5)
    # 0.5 rows above and 0.5 columns right of 6.5: the centre does not depend on the sum.
    assert float(centre_loss(values, 6.5)) == pytest.approx(0.25)


def test_sparse_is_the_mean_of_the_fifth_roots():
    values = torch.zeros(2, 2)
    values[0] = torch.tensor([1.0, -32.0])
    assert float(sparse_loss(values)) == pytest.approx((1 + 2) / 4, abs=1e-6)


def test_only_the_ring_along_the_border_costs():
    mask = border_mask(13)
    assert float(mask[2:11, 2:11].abs().max()) == 0
    # 6 rows and 6 columns from the middle of a Gaussian with a deviation of 13.
    corner = 30 * (1 - torch.exp(torch.tensor(-((6 / 13) ** 2))))
    assert float(mask[0, 0]) == pytest.approx(float(corner), rel=1e-5)
    assert float(boundaries_loss(single(6, 6))) == 0
    assert float(boundaries_loss(-single(0, 0))) == pytest.approx(float(corner) / 169, rel=1e-5)


@pytest.mark.parametrize("scale", [2, 4])
def test_bicubic_itself_costs_nothing(scale):
    pieces = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    margin = 5
    ideal = imresize(pieces, scale=1 / scale)
    shrunk = ideal[..., margin:-margin, margin:-margin]
    options = {"stride": scale, "margin": margin}
    loss = bicubic_loss(shrunk, pieces, bicubic_kernel(scale), **options)
    assert float(loss) == pytest.approx(0, abs=1e-10)
    moved = bicubic_loss(shrunk + 0.1, pieces, bicubic_kernel(scale), **options)
    assert float(moved) == pytest.approx(0.01, rel=1e-3)


def test_the_public_code_adds_the_colours_up():
    pieces = torch.full((1, 3, 40, 40), 0.5)
    shrunk = torch.full((1, 3, 10, 10), 0.5)
    options = {"stride": 2, "margin": 5}
    apart = bicubic_loss(shrunk, pieces, bicubic_kernel(2), **options)
    summed = bicubic_loss(shrunk, pieces, bicubic_kernel(2), colours_apart=False, **options)
    assert float(apart) == pytest.approx(0, abs=1e-10)
    assert float(summed) == pytest.approx((1.5 - 0.5) ** 2, rel=1e-4)
