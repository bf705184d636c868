"""What is particular to IMDN, SRFBN and RRDBNet; the contract tests cover the rest.

Each is compared with its formula, written down once more as the papers and the authors' files have
it: function by function, on the names and the range of values of those files.
"""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models import find, parameter_count
from superfine.models.imdn import ContrastAttention
from superfine.models.rrdbnet import RRDBNet
from superfine.models.srfbn import bilinear
from tests.models.published import imdn, rrdbnet, srfbn, with_their_names


def noise(height: int, width: int, *, channels: int = 3) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))


def largest_difference(a: Tensor, b: Tensor) -> float:
    return (a - b).abs().max().item()


def stirred(name: str, scale: int) -> nn.Module:
    """The network off its start, where biases and slopes are all equal."""
    torch.manual_seed(0)
    network = find(name).build(scale).eval().requires_grad_(False)
    for tensor in network.state_dict().values():
        tensor.add_(torch.randn_like(tensor), alpha=0.02)
    return network


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_imdn_computes_the_formula_of_the_paper(scale):
    network, lr = stirred("imdn", scale), noise(9, 7)
    theirs = with_their_names("imdn", network.state_dict())
    assert largest_difference(network(lr), imdn(theirs, lr)) < 1e-5


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_srfbn_computes_the_formula_of_the_paper_on_a_range_of_255(scale):
    network, lr = stirred("srfbn-s", scale), noise(5, 4)
    theirs = with_their_names("srfbn-s", network.state_dict())
    steps = [picture / 255 for picture in srfbn(theirs, lr * 255)]
    assert largest_difference(network(lr), steps[-1]) < 1e-5
    outputs = network.train()(lr)
    assert len(outputs) == len(steps) == 4
    for ours, step in zip(outputs, steps, strict=True):
        assert largest_difference(ours, step) < 1e-5


@pytest.mark.parametrize(
    ("name", "scale"), [("rrdbnet", 1), ("rrdbnet", 2), ("rrdbnet", 4), ("rrdbnet-6", 4)]
)
def test_rrdbnet_computes_the_formula_of_the_paper(name, scale):
    network, lr = stirred(name, scale), noise(8, 4)
    theirs = with_their_names(name, network.state_dict())
    assert largest_difference(network(lr), rrdbnet(theirs, lr, scale)) < 1e-4


def test_imdn_weighs_its_channels_by_their_contrast_too():
    torch.manual_seed(0)
    attention = ContrastAttention().requires_grad_(False)
    smooth = torch.full((1, 64, 4, 4), 0.5)
    rough = smooth + 0.25 * torch.tensor([1.0, -1.0]).repeat(8).view(4, 4)
    assert torch.equal(smooth.mean(dim=(2, 3)), rough.mean(dim=(2, 3)))
    weights = attention(rough) / rough
    assert largest_difference(weights, attention(smooth) / smooth) > 1e-3
    # A standard deviation of 0.25 over all pixels counts as so much more mean.
    brighter = smooth + 0.25
    assert largest_difference(weights, attention(brighter) / brighter) < 1e-6


def test_a_channel_without_contrast_leaves_the_gradient_of_imdn_finite():
    x = torch.zeros(1, 64, 3, 3, requires_grad=True)
    attention = ContrastAttention()
    attention(x).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in [x, *attention.parameters()])


def test_the_colour_maps_of_srfbn_are_saved_but_do_not_learn():
    network = find("srfbn-s").build(2)
    saved = {n: t for n, t in network.state_dict().items() if n.startswith("mean_")}
    assert sum(tensor.numel() for tensor in saved.values()) == 24
    assert not saved.keys() & dict(network.named_parameters()).keys()
    assert parameter_count(network) == 282418


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_tail_of_zeros_leaves_srfbn_with_the_bilinear_picture(scale):
    """Taking the mean colour off and adding it again cancel."""
    network, lr = find("srfbn-s").build(scale).eval(), noise(6, 5)
    nn.init.zeros_(network.tail.weight)
    nn.init.zeros_(network.tail.bias)
    with torch.no_grad():
        sr = network(lr)
    expected = F.interpolate(lr, scale_factor=scale, mode="bilinear")
    assert largest_difference(sr, expected) < 1e-6


def test_srfbn_enlarges_alike_wherever_a_pixel_lies():
    """torch's own bilinear interpolation is off by 1e-4 here."""
    lr = noise(1, 4000)
    assert torch.equal(bilinear(lr, 3)[..., 11730:], bilinear(lr[..., 3900:], 3)[..., 30:])


@pytest.mark.parametrize(
    ("name", "key", "share"),
    [
        ("srfbn-s", "features.0.weight", 1.0),
        ("srfbn-s", "feedback.up.0.0.weight", 1.0),
        ("rrdbnet-6", "features.blocks.0.blocks.0.convs.1.weight", 0.1),
    ],
)
def test_the_start_is_a_share_of_he(name, key, share):
    torch.manual_seed(0)
    weight = find(name).build(4).state_dict()[key]
    assert weight.std() == pytest.approx(share * math.sqrt(2 / weight[0].numel()), rel=0.05)


def seen_by(scale: int, blocks: int) -> int:
    """How far a network of few blocks sees along a line of pixels, found by its gradients."""
    network = RRDBNet(scale, blocks=blocks).double().requires_grad_(requires_grad=False)
    for parameter in network.parameters():
        parameter.fill_(1 / parameter[0].numel() if parameter.ndim > 1 else 1e-3)
    cell = 4 // scale
    middle = 40 * cell
    farthest = 0
    for place in range(middle, middle + cell):  # wherever in its cell the pixel lies
        lr = torch.ones(1, 3, 1, 2 * middle, dtype=torch.float64, requires_grad=True)
        network(lr)[..., place * scale : (place + 1) * scale].sum().backward()
        seen = lr.grad.sum(dim=(0, 1, 2)).nonzero().flatten()
        assert seen[0] > 0
        assert seen[-1] < 2 * middle - 1
        farthest = max(farthest, place - int(seen[0]), int(seen[-1]) - place)
    return farthest


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_reach_of_rrdbnet_is_exact(scale):
    """Every block adds as much as the second."""
    one, two = seen_by(scale, 1), seen_by(scale, 2)
    assert find("rrdbnet").reach[scale] == one + 22 * (two - one)


@pytest.mark.parametrize("scale", [1, 2])
def test_incomplete_cells_are_filled_with_the_last_pixel(scale):
    torch.manual_seed(0)
    network = RRDBNet(scale, blocks=1).requires_grad_(requires_grad=False)
    lr = noise(5, 7)
    filled = F.pad(lr, (0, 1, 0, 3 if scale == 1 else 1), mode="replicate")
    expected = network(filled)[..., : 5 * scale, : 7 * scale]
    assert torch.equal(network(lr), expected)


def test_a_tile_that_starts_on_a_cell_equals_the_whole():
    torch.manual_seed(0)
    network = RRDBNet(2, blocks=1).double().requires_grad_(requires_grad=False)
    lr, reach = noise(6, 131).double(), seen_by(2, 1)
    whole, start = network(lr), 80 - reach
    assert start % 2 == 0
    tile = network(lr[..., start:])[..., 2 * reach :]
    assert largest_difference(tile, whole[..., 160:]) < 1e-12
    # A pixel before that, the cells hold other pixels.
    tile = network(lr[..., start - 1 :])[..., 2 * (reach + 1) :]
    assert largest_difference(tile, whole[..., 160:]) > 1e-6
