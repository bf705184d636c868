"""The losses of DARSR against values worked out by hand."""

import pytest
import torch
from torch import nn

from superfine.blind.darsr_losses import interpolation_loss, score_loss, without_margin
from superfine.blind.frozen import Frozen
from superfine.models import ZOO, bicubic
from superfine.ops.color import luma

ESPCN = next(spec for spec in ZOO if spec.name == "espcn")


def test_interpolation_counts_even_places_whole_and_edges_not_at_all():
    even = torch.full((1, 1, 8, 8), 0.5)
    inner = (..., slice(2, 6), slice(2, 6))
    apart = torch.zeros_like(even)
    apart[inner] = 0.2
    assert float(interpolation_loss(even + apart, even)) == pytest.approx(0.2 * 16 / 64)
    # Sobel of a step of 0.5 is 4 x 0.5 = 2 on both sides of it, which is cut off at 1.
    step = even.clone()
    step[..., 4:] = 0.0
    apart = torch.zeros_like(even)
    apart[..., 2:6, 3:5] = 0.2
    assert float(interpolation_loss(step + apart, step)) == pytest.approx(0, abs=1e-7)
    # A slope of 0.05 a pixel: Sobel gives 8 x 0.05 = 0.4.
    slope = (0.05 * torch.arange(8.0)).expand(1, 1, 8, 8)
    apart = torch.zeros_like(even)
    apart[inner] = 0.2
    assert float(interpolation_loss(slope + apart, slope)) == pytest.approx(
        0.6 * 0.2 * 16 / 64, rel=1e-4
    )


class Brightness(nn.Module):
    def forward(self, x):
        return x.mean(dim=(1, 2, 3), keepdim=True)[:, :, 0, 0]


def test_scores_are_held_against_those_of_bicubic_and_of_lr():
    def of(value):
        return torch.full((1, 3, 4, 4), value)

    loss = score_loss(
        Brightness(),
        like_bicubic=(of(0.3), of(0.5)),
        bicubic=of(0.2),
        like_lr=(of(0.9),),
        lr=of(0.6),
    )
    assert float(loss) == pytest.approx(0.01 + 0.09 + 0.09, rel=1e-4)


def test_a_margin_is_taken_off_at_the_top_and_at_the_left():
    x = torch.arange(36.0).view(1, 1, 6, 6)
    assert without_margin(x, 2, (3, 2)).flatten().tolist() == [14, 15, 20, 21, 26, 27]


def test_a_frozen_network_of_colours_sees_grey_as_three():
    frozen = Frozen(bicubic.SPEC.build(2), bicubic.SPEC)
    grey = torch.rand(1, 1, 9, 8)
    assert frozen.enlarged(grey).shape == (1, frozen.compared(grey).shape[1], 18, 16)


def test_gradients_go_through_a_frozen_network_and_not_into_it():
    network = ESPCN.build(2)
    frozen = Frozen(network, ESPCN)
    picture = torch.rand(1, 3, 9, 8, requires_grad=True)
    torch.testing.assert_close(frozen.compared(picture), luma(picture))
    frozen.enlarged(picture).sum().backward()
    assert picture.grad is not None
    assert float(picture.grad.abs().sum()) > 0
    assert all(weight.grad is None for weight in network.parameters())
