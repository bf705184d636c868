"""Beyond the contract: where the training of single networks starts, how their parts combine."""

import pytest
import torch
from torch import nn

from superfine.models import find
from superfine.models.drrn import DRRN
from superfine.models.dsdmsr import DSDMSR
from superfine.ops.resize import imresize


def smooth(height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (0.5 + 0.2 * torch.sin(x / 3) + 0.2 * torch.cos(y / 4))[None, None]


@pytest.mark.parametrize("name", ["drcn", "drcn-17", "drrn", "drrn-b1u9"])
def test_recursive_networks_start_near_bicubic(name):
    torch.manual_seed(0)
    lr = smooth(5, 6)
    with torch.no_grad():
        sr = find(name).build(2).eval()(lr)
    assert (sr - imresize(lr, scale=2)).abs().max() < 0.3


def test_drcn_averages_its_predictions_by_weights_that_sum_to_one():
    torch.manual_seed(0)
    network = find("drcn").build(2).train()
    torch.nn.init.normal_(network.shared.weight, std=0.02)
    torch.nn.init.uniform_(network.ensemble, 1, 3)
    with torch.no_grad():
        *predictions, answer = network(smooth(4, 5))
        share = network.ensemble / network.ensemble.sum()
    assert len(predictions) == 16
    assert not torch.allclose(predictions[0], predictions[-1], atol=1e-3)
    expected = sum(w * p for w, p in zip(share, predictions, strict=True))
    assert (answer - expected).abs().max() < 1e-5
    assert len(find("drcn-17").build(2).train()(smooth(3, 3))) == 17 + 1


def test_drcn_starts_with_equal_predictions():
    """The shared convolution passes its input through."""
    torch.manual_seed(0)
    with torch.no_grad():
        outputs = find("drcn").build(2).train()(smooth(4, 5))
    assert all(torch.allclose(output, outputs[0], atol=1e-6) for output in outputs)


@pytest.mark.parametrize(("blocks", "units"), [(1, 3), (3, 1), (2, 2)])
def test_drrn_of_any_blocks_and_units(blocks, units):
    """The depth of the paper, and weights shared between the units of a block."""
    network = DRRN(2, blocks=blocks, units=units, width=8)
    used = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda *_: used.append(1))
    assert network(torch.rand(1, 1, 4, 5)).shape == (1, 1, 8, 10)
    assert len(used) == (1 + 2 * units) * blocks + 1
    weights = 9 * (8 + (blocks - 1) * 64 + blocks * 2 * 64 + 8)
    assert sum(p.numel() for p in network.parameters()) == weights


def test_lapsrn_returns_the_picture_of_every_level():
    torch.manual_seed(0)
    network, lr = find("lapsrn").build(8), torch.rand(1, 1, 3, 4)
    with torch.no_grad():
        levels = network.train()(lr)
        assert [tuple(level.shape[-2:]) for level in levels] == [(6, 8), (12, 16), (24, 32)]
        assert torch.equal(network.eval()(lr), levels[-1])


@pytest.mark.parametrize("name", ["lapsrn", "lapsrn-official"])
def test_lapsrn_without_detail_is_bilinear(name):
    """Inside: at the border the transposed convolution takes zeros for what lies beyond."""
    network, lr = find(name).build(2).eval(), smooth(6, 7)
    for level in network.levels:
        torch.nn.init.zeros_(level.detail.weight)
    with torch.no_grad():
        difference = network(lr) - imresize(lr, scale=2, method="bilinear")
    assert difference[..., 1:-1, 1:-1].abs().max() < 1e-6


def test_lapsrn_official_lays_its_transposed_convolution_on_the_first_pixel():
    """MatConvNet crops the last row and column: output 2i + k holds input i times weight k."""
    level = find("lapsrn-official").build(2).levels[0]
    torch.nn.init.dirac_(level.enlarge.weight)
    with torch.no_grad():
        level.enlarge.weight.copy_(level.enlarge.weight.roll((-1, -1), (2, 3)))
        for layer in level.body:
            torch.nn.init.dirac_(layer.weight)
        seen = {}
        level.detail.register_forward_pre_hook(lambda _, x: seen.update(features=x[0]))
        features = torch.rand(1, 64, 3, 4)
        level(features, torch.rand(1, 1, 3, 4))
    assert torch.allclose(seen["features"][..., ::2, ::2], features)
    assert seen["features"][..., 1::2, :].abs().max() == 0


def test_svlrm_is_linear_in_its_guide_by_its_own_coefficients():
    torch.manual_seed(0)
    network = find("svlrm").build(4).eval()
    lr, guide = torch.rand(2, 1, 3, 5), torch.rand(2, 1, 12, 20)
    with torch.no_grad():
        alpha, beta = network.coefficients(lr, guide)
        assert torch.allclose(network(lr, guide), alpha * guide + beta)
        torch.nn.init.zeros_(network.last.weight)
        network.last.bias.copy_(torch.tensor([0.0, 0.25]))
        assert (network(lr, guide) == 0.25).all()


class Constant(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(x, self.value)


def with_constant_views(scale: int, *, summed: bool) -> DSDMSR:
    """A network whose doubling number k predicts views of 10 k + 0, 1, 2 and 3, and fuses not."""
    network = DSDMSR(scale, summed=summed).train()
    for k, doubling in enumerate(network.doublings):
        doubling.views = nn.ModuleList(Constant(10 * k + view) for view in range(4))
    network.fuse = nn.Identity()
    return network


def test_dsdmsr_interleaves_its_views_row_first():
    first, _ = with_constant_views(2, summed=False)(torch.rand(1, 1, 2, 3))
    assert torch.equal(first[0, 0], torch.tensor([[0.0, 1.0], [2.0, 3.0]]).repeat(2, 3))


@pytest.mark.parametrize("summed", [False, True])
def test_dsdmsr_fuses_the_maps_of_all_doublings_at_full_size(summed):
    lr = torch.rand(1, 1, 2, 3)
    *maps, fused = with_constant_views(8, summed=summed)(lr)
    assert [tuple(x.shape[-2:]) for x in maps] == [(4, 6), (8, 12), (16, 24)]
    total = sum(
        nn.functional.interpolate(x, size=(16, 24), mode="bilinear", align_corners=False)
        for x in maps
    )
    assert torch.allclose(fused, total if summed else total / 3, atol=1e-5)


@pytest.mark.parametrize("name", ["dsdmsr", "dsdmsr-vdsr"])
def test_dsdmsr_starts_near_nearest_neighbour_enlargement(name):
    torch.manual_seed(0)
    lr = smooth(12, 14)
    with torch.no_grad():
        sr = find(name).build(4).eval()(lr)
    nearest = imresize(lr, scale=4, method="nearest")
    assert (sr - nearest)[..., 8:-8, 8:-8].abs().max() < 0.15
