"""The one contract, over every network of the zoo; a new network is found by itself."""

import pytest
import torch

from superfine.errors import UnknownNameError
from superfine.models import ZOO, ModelSpec, find, parameter_count

CASES = [
    pytest.param(spec, scale, id=f"{spec.name}-x{scale}")
    for spec in ZOO
    for scale in spec.scales
    if scale <= 4
]


def channels(spec: ModelSpec) -> int:
    return {"y": 1, "rgb": 3}[spec.channels]


def built(spec: ModelSpec, scale: int) -> torch.nn.Module:
    torch.manual_seed(scale)
    return spec.build(scale).eval()


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_the_result_is_exactly_scale_times_larger(spec, scale):
    network = built(spec, scale)
    for height, width in ((5, 7), (1, 1), (8, 3)):
        with torch.no_grad():
            sr = network(torch.rand(2, channels(spec), height, width))
        assert sr.shape == (2, channels(spec), height * scale, width * scale)
        assert torch.isfinite(sr).all()


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_parameter_count_is_the_published_one(spec, scale):
    assert parameter_count(spec.build(scale)) == spec.parameters[scale]


# The counts of the project's specification, written out once more so that a slip in a SPEC shows.
PUBLISHED = {
    "srcnn-915": {2: 8129},
    "srcnn-935": {2: 24513},
    "srcnn-955": {2: 57281},
    "srcnn-915-rgb": {2: 20099},
    "srcnn-935-rgb": {2: 36483},
    "srcnn-955-rgb": {2: 69251},
    "fsrcnn": {2: 12809, 3: 12809, 4: 12809},
    "fsrcnn-small": {2: 4086, 3: 4086, 4: 4086},
    "espcn": {2: 21284, 3: 22729, 4: 24752},
    "espcn-rgb": {2: 26796, 3: 31131, 4: 37200},
    "vdsr": {2: 665921},
    "vdsr-nobias": {2: 664704},
    "vdsr-22": {2: 738432},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_count_against_the_papers(name):
    for scale, count in PUBLISHED[name].items():
        assert parameter_count(find(name).build(scale)) == count


def test_weights_alone_are_the_numbers_in_the_papers():
    """The SRCNN and FSRCNN papers count convolution weights only."""
    for name, weights in (("srcnn-915", 8032), ("srcnn-955", 57184), ("fsrcnn", 12464)):
        network = find(name).build(3)
        assert sum(p.numel() for p in network.parameters() if p.dim() == 4) == weights


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_the_same_input_gives_the_same_result(spec, scale):
    network, lr = built(spec, scale), torch.rand(1, channels(spec), 9, 6)
    with torch.no_grad():
        assert torch.equal(network(lr), network(lr))


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_a_batch_equals_its_pictures_one_by_one(spec, scale):
    network, lr = built(spec, scale), torch.rand(3, channels(spec), 6, 8)
    with torch.no_grad():
        singles = torch.cat([network(one[None]) for one in lr])
        assert (network(lr) - singles).abs().max() < 1e-5


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_the_gradient_reaches_every_parameter(spec, scale):
    network = built(spec, scale).train()
    lr = torch.rand(2, channels(spec), 12, 12, requires_grad=True)
    network(lr).square().mean().backward()
    assert lr.grad is not None
    assert lr.grad.abs().max() > 0
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_nothing_beyond_the_reach_is_seen(spec, scale):
    """The gradient of one LR cell's outputs is zero beyond the reach and not zero at some of it."""
    reach = spec.reach[scale]
    if reach is None:
        pytest.skip("sees the whole picture")
    side = 2 * reach + 5
    middle = side // 2
    lr = torch.rand(1, channels(spec), side, side, requires_grad=True)
    network = built(spec, scale)
    # Every weight positive, so that no path cancels and no ReLU is shut, and small, so that no
    # tanh is saturated.
    for parameter in network.parameters():
        parameter.data.fill_(1e-3)
    cell = slice(middle * scale, (middle + 1) * scale)
    network(lr)[..., cell, cell].abs().sum().backward()
    seen = lr.grad.abs().sum(dim=(0, 1))
    outside = seen.clone()
    outside[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1] = 0
    assert outside.max() == 0
    # The promise is not lax either: at most two pixels more than what is really seen.
    rows = seen.sum(dim=1).nonzero().flatten()
    assert max(middle - int(rows[0]), int(rows[-1]) - middle) >= reach - 2


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'espcn'"):
        find("epscn")


def test_names_are_distinct():
    assert len({spec.name for spec in ZOO}) == len(ZOO)


def test_fsrcnn_starts_as_bicubic_interpolation():
    """Before training it already enlarges: the start from which few steps are needed."""
    from superfine.ops.resize import imresize

    torch.manual_seed(0)
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    lr = (0.5 + 0.2 * torch.sin(x / 5) + 0.2 * torch.cos(y / 6))[None, None]
    for scale in (2, 3, 4):
        with torch.no_grad():
            sr = find("fsrcnn").build(scale)(lr)
        error = (sr - imresize(lr, scale=scale))[
            ..., 3 * scale : -3 * scale, 3 * scale : -3 * scale
        ]
        assert error.abs().max() < 0.1


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_fsrcnn_computes_the_transposed_convolution_of_the_paper(scale):
    torch.manual_seed(0)
    network = find("fsrcnn-small").build(scale)
    torch.nn.init.normal_(network.enlarge.weight)
    torch.nn.init.normal_(network.enlarge.bias)
    lr = torch.rand(2, 1, 9, 7)
    with torch.no_grad():
        features = network.expand(network.map(network.shrink(network.extract(lr))))
        assert (network(lr) - network.enlarge(features)).abs().max() < 1e-4
