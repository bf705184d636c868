"""Beyond the contract: where the training of single networks starts, how their parts combine."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.checkpoints import load
from superfine.errors import UnknownNameError
from superfine.models import find
from superfine.models.drrn import DRRN
from superfine.models.dsdmsr import DSDMSR
from superfine.ops.resize import imresize
from superfine.training.loop import train
from tests.training.desk import make_photos, make_recipe


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


def drcn(state: dict[str, Tensor], enlarged: Tensor) -> list[Tensor]:
    """Sections 3.1 to 3.3 of the paper: the predictions of sixteen recursions, and the answer."""

    def conv(name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    hidden = conv("embed_second", conv("embed_first", enlarged).relu()).relu()
    predictions = []
    for _ in range(16):
        hidden = conv("shared", hidden).relu()
        predictions.append(enlarged + conv("last", conv("rebuild", hidden).relu()))
    weights = state["ensemble"] / state["ensemble"].sum()
    return [*predictions, sum(w * p for w, p in zip(weights, predictions, strict=True))]


def test_drcn_computes_the_papers_recursion():
    torch.manual_seed(0)
    network, lr = find("drcn").build(2).train(), smooth(4, 5)
    for layer in (network.shared, network.last):
        torch.nn.init.normal_(layer.weight, std=0.02)
        torch.nn.init.normal_(layer.bias, std=0.1)
    torch.nn.init.uniform_(network.ensemble, 1, 3)
    with torch.no_grad():
        expected = drcn(network.state_dict(), imresize(lr, scale=2))
        for output, computed in zip(network(lr), expected, strict=True):
            assert (output - computed).abs().max() < 1e-5


def test_drcn_starts_as_an_identity_with_equal_weights():
    network = find("drcn").build(2)
    assert torch.equal(network.shared.weight, nn.init.dirac_(torch.empty(256, 256, 3, 3)))
    assert not network.shared.bias.any()
    assert network.ensemble.requires_grad
    assert network.ensemble.tolist() == [1 / 16] * 16


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


def test_a_drrn_of_any_size_is_found_by_its_numbers():
    spec = find("drrn-b3u6")
    assert spec is find("drrn-b3u6")
    assert spec.name == "drrn-b3u6"
    assert spec.parameters[2] == 9 * (128 + 2 * 128**2 + 3 * 2 * 128**2 + 128)
    assert len(spec.build(2).blocks) == 3
    assert spec.build(2).blocks[1].units == 6
    assert find("drrn-b1u25") is find("drrn")
    assert find("drrn-b1u9").parameters == find("drrn-b1u2").parameters


@pytest.mark.parametrize(
    "name", ["drrn-b0u3", "drrn-b3u0", "drrn-b33u1", "drrn-b1u33", "drrn-b999u999"]
)
def test_a_drrn_beyond_reason_is_refused_with_the_limits(name):
    with pytest.raises(UnknownNameError, match="has 1 to 32 blocks of 1 to 32 units") as refused:
        find(name)
    assert "drrn-b3u6" in refused.value.hint


@pytest.mark.parametrize("name", ["drrn-b3", "drrn-b03u6", "drrn-b3u6x", "drrn-b" + "9" * 5000])
def test_another_name_is_no_drrn(name):
    with pytest.raises(UnknownNameError, match="No network is called"):
        find(name)


def test_a_drrn_of_any_size_sees_as_far_as_it_says():
    """As the contract test of the reach, for a network that is not in the list."""
    spec = find("drrn-b2u3")
    reach = spec.reach[2]
    network = spec.build(2).double()
    for parameter in network.parameters():
        parameter.data.fill_(1 / parameter[0].numel())
    lr = torch.rand(1, 1, 1, 2 * reach + 5, dtype=torch.float64).requires_grad_()
    middle = reach + 2
    network(lr)[..., 2 * middle : 2 * middle + 2].sum().backward()
    cells = lr.grad[0, 0, 0].nonzero().flatten()
    assert reach - 2 <= max(middle - int(cells[0]), int(cells[-1]) - middle) <= reach


def test_a_drrn_of_any_size_is_trained_by_its_name(tmp_path):
    photos = make_photos(tmp_path / "photos", count=1)
    recipe = make_recipe(photos, network="drrn-b2u1", scale=[2, 3], patch=4, steps=2, batch=2,
                         optimiser={"kind": "adam", "learning_rate": 1e-4})  # fmt: skip
    outcome = train(recipe, tmp_path / "run")
    assert outcome.weights.name == "drrn-b2u1-x2-x3.safetensors"
    model = load(outcome.weights, scale=3)
    assert (model.spec, model.scale) == (find("drrn-b2u1"), 3)
    assert model.card.hyper_parameters == {"blocks": 2, "units": 1}


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


def test_svlrm_plus_adds_to_its_start_what_is_linear_in_the_photo():
    torch.manual_seed(0)
    network = find("svlrm-plus").build(4).eval()
    lr, guide = torch.rand(2, 1, 3, 5), torch.rand(2, 4, 12, 20)
    photo, start = guide[:, :3], guide[:, 3:]
    with torch.no_grad():
        assert torch.equal(network(lr, guide), start)  # before it has learnt anything
        torch.nn.init.normal_(network.last.weight)
        alpha, beta = network.coefficients(lr, guide)
        assert alpha.abs().mean() > 0.01
        sr = start + (alpha * (photo - 0.5)).sum(dim=1, keepdim=True) + beta
        assert torch.allclose(network(lr, guide), sr)


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
def test_dsdmsr_fuses_the_maps_at_full_size_and_the_port_leaves_out_the_input(summed):
    lr = torch.rand(1, 1, 2, 3)
    *maps, fused = with_constant_views(8, summed=summed)(lr)
    assert [tuple(x.shape[-2:]) for x in maps] == [(4, 6), (8, 12), (16, 24)]
    total = sum(
        nn.functional.interpolate(x, size=(16, 24), mode="bilinear", align_corners=False)
        for x in (maps if summed else [lr, *maps])
    )
    assert torch.allclose(fused, total if summed else total / 4, atol=1e-5)


@pytest.mark.parametrize("name", ["dsdmsr", "dsdmsr-vdsr"])
def test_dsdmsr_starts_near_nearest_neighbour_enlargement(name):
    torch.manual_seed(0)
    lr = smooth(12, 14)
    with torch.no_grad():
        sr = find(name).build(4).eval()(lr)
    nearest = imresize(lr, scale=4, method="nearest")
    assert (sr - nearest)[..., 8:-8, 8:-8].abs().max() < 0.15
