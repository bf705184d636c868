"""The one contract, over every network of the zoo; a new network is found by itself."""

import pytest
import torch

from superfine.errors import UnknownNameError
from superfine.models import ZOO, ModelSpec, find, parameter_count
from superfine.schema import build_empty
from tests.zoo import (
    has_branches,
    has_lighter_sibling,
    heavy,
    inputs,
    picture_channels,
    scales_to_run,
)

ANY_SIZE = [spec for spec in ZOO if spec.side is None]
EVERY_SCALE = [
    pytest.param(spec, scale, id=f"{spec.name}-x{scale}")
    for spec in ANY_SIZE
    for scale in spec.scales
]
CASES = [
    pytest.param(spec, scale, id=f"{spec.name}-x{scale}")
    for spec in ANY_SIZE
    for scale in scales_to_run(spec)
]
LIGHTER_CASES = [case for case in CASES if not has_lighter_sibling(case.values[0])]
# Paths this far are too faint even in float64: those of rrdbnet, of whose 23 blocks its own tests
# look at one.
_TOO_FAR = 300
# Lines of cells to look along: all, or one of a heavy network.
LINES = [
    pytest.param(spec, scale, upright, id=f"{spec.name}-x{scale}-{'column' if upright else 'row'}")
    for spec in ANY_SIZE
    for scale in (scales_to_run(spec) if heavy(spec) else spec.scales)
    for upright in ((False,) if heavy(spec) else (True, False))
    if spec.reach[scale] is not None  # the others see the whole picture
    if spec.reach[scale] < _TOO_FAR
]


def built(spec: ModelSpec, scale: int) -> torch.nn.Module:
    torch.manual_seed(scale)
    return spec.build(scale).eval()


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_the_result_is_exactly_scale_times_larger(spec, scale):
    network = built(spec, scale)
    for height, width in ((5, 7), (1, 1), (8, 3)):
        with torch.no_grad():
            sr = network(*inputs(spec, scale, (height, width), batch=2))
        assert sr.shape == (2, picture_channels(spec), height * scale, width * scale)
        assert torch.isfinite(sr).all()


@pytest.mark.parametrize(("spec", "scale"), EVERY_SCALE)
def test_parameter_count_is_the_published_one(spec, scale):
    assert parameter_count(build_empty(spec, scale)) == spec.parameters[scale]


@pytest.mark.parametrize(("spec", "scale"), LIGHTER_CASES)
def test_while_training_the_answer_is_the_last_output(spec, scale):
    """One output, or several from coarse to fine; the answer is as large as in use."""
    arguments = inputs(spec, scale, (3, 4), batch=2)
    with torch.no_grad():
        output = built(spec, scale).train()(*arguments)
    outputs = output if isinstance(output, tuple) else (output,)
    sizes = [sr.shape[-2] for sr in outputs]
    assert outputs[-1].shape == (2, picture_channels(spec), 3 * scale, 4 * scale)
    assert sizes == sorted(sizes)


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
    "drcn": {2: 1775121},
    "drcn-17": {2: 1775122},
    "drrn": {2: 297216},
    "drrn-b1u9": {2: 297216},
    "lapsrn": {2: 435344, 4: 870112, 8: 1304880},
    # Without the 16 values of each 1 -> 1 convolution it is 814,210, as it is often given.
    "lapsrn-official": {4: 814242},
    "mslapsrn-d5r2": {2: 222801, 4: 222801, 8: 222801},
    "mslapsrn-d5r5": {2: 222801, 4: 222801, 8: 222801},
    "mslapsrn-d5r8": {2: 222801, 4: 222801, 8: 222801},
    "svlrm": {4: 371650, 8: 371650, 16: 371650},
    "svlrm-plus": {4: 158384, 8: 158384, 16: 158384},
    "dsdmsr": {8: 744653, 16: 973777},
    "dsdmsr-vdsr": {8: 3848832},
    "edsr-baseline": {2: 1369859, 3: 1554499, 4: 1517571},
    "edsr": {2: 40729603, 3: 43680003, 4: 43089923},
    "mdsr-baseline": {2: 3227203, 3: 3227203, 4: 3227203},
    "mdsr": {2: 7953987, 3: 7953987, 4: 7953987},
    "rdn-a": {2: 5541795, 3: 5634115, 4: 5578787},
    "rdn-b": {2: 22123395, 3: 22308035, 4: 22271107},
    "rcan": {2: 15444643, 3: 15629283, 4: 15592355, 8: 15740067},
    # Nobody else's network: added up by hand from the layers.
    "span": {2: 481324, 4: 498208},
    "span-28": {4: 150688},
    "rcan-light": {2: 4094603, 3: 4279243, 4: 4242315, 8: 4390027},
    "wdsr-a": {2: 1190100, 3: 1195605, 4: 1203312},
    "wdsr-a-32x128": {2: 37808180, 3: 37826645, 4: 37852496},
    "wdsr-b": {2: 303604, 4: 316816},
    "wdsr-b-32x32": {4: 615088},
    "imdn": {2: 694404, 3: 703059, 4: 715176},
    "srfbn-s": {2: 282418, 3: 375602, 4: 483122},
    "rrdbnet": {2: 16703171, 4: 16697987},
    "rrdbnet-6": {4: 4467779},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_count_against_the_papers(name):
    for scale, count in PUBLISHED[name].items():
        assert parameter_count(build_empty(find(name), scale)) == count


def test_weights_alone_are_the_numbers_in_the_papers():
    """The SRCNN and FSRCNN papers count convolution weights only."""
    for name, weights in (("srcnn-915", 8032), ("srcnn-955", 57184), ("fsrcnn", 12464)):
        network = find(name).build(3)
        assert sum(p.numel() for p in network.parameters() if p.dim() == 4) == weights


@pytest.mark.parametrize(("spec", "scale"), LIGHTER_CASES)
def test_the_same_input_gives_the_same_result(spec, scale):
    network, arguments = built(spec, scale), inputs(spec, scale, (9, 6))
    with torch.no_grad():
        assert torch.equal(network(*arguments), network(*arguments))


@pytest.mark.parametrize(("spec", "scale"), LIGHTER_CASES)
def test_a_batch_equals_its_pictures_one_by_one(spec, scale):
    network, arguments = built(spec, scale), inputs(spec, scale, (6, 8), batch=3)
    with torch.no_grad():
        each = zip(*(x.split(1) for x in arguments), strict=True)
        singles = torch.cat([network(*one) for one in each])
        assert (network(*arguments) - singles).abs().max() < 1e-5


@pytest.mark.parametrize(("spec", "scale"), CASES)
def test_the_gradient_reaches_every_parameter(spec, scale):
    """At every scale; where each has layers of its own, at one of them (test_multi_scale.py)."""
    scales = spec.scales if has_branches(spec) else (scale,)
    steepest = [steepest_gradients(spec, at) for at in scales]
    assert all(found.keys() == steepest[0].keys() for found in steepest)
    for name in steepest[0]:
        assert max(found[name] for found in steepest) > 0, name


def steepest_gradients(spec: ModelSpec, scale: int) -> dict[str, float]:
    """The largest gradient in each parameter; 0 where none came."""
    network = built(spec, scale).train()
    # A little off the start: there the predictions of DRCN are all equal, so that the weights of
    # its ensemble do not matter.
    for parameter in network.parameters():
        parameter.data += torch.randn_like(parameter) / 1000
    side = 6 if heavy(spec) else 12
    arguments = [x.requires_grad_() for x in inputs(spec, scale, (side, side), batch=2)]
    output = network(*arguments)
    outputs = output if isinstance(output, tuple) else (output,)
    sum(sr.square().mean() for sr in outputs).backward()
    for argument in arguments:
        assert argument.grad is not None
        assert argument.grad.abs().max() > 0
    found = {}
    for name, parameter in network.named_parameters():
        gradient = torch.zeros(1) if parameter.grad is None else parameter.grad
        assert torch.isfinite(gradient).all(), name
        found[name] = float(gradient.abs().max())
    return found


@pytest.mark.parametrize(("spec", "scale", "upright"), LINES)
def test_nothing_beyond_the_reach_is_seen(spec, scale, upright):
    """The gradient of one LR cell's outputs is zero beyond the reach and not zero at some of it.

    On a line of cells, which costs a hundredth of a square and shows as much.
    """
    reach = spec.reach[scale]
    side = 2 * reach + 5
    middle = side // 2
    size = (side, 1) if upright else (1, side)
    # In float64, or the farthest paths through a deep network come out as 0.
    network = built(spec, scale).double().requires_grad_(requires_grad=False)
    # Every pixel brighter than the mean colour some take off, and every weight positive, so that no
    # path cancels and no ReLU is shut; and small, so that no tanh is saturated.
    arguments = [(x.double() / 2 + 0.5).requires_grad_() for x in inputs(spec, scale, size)]
    for parameter in network.parameters():
        parameter.fill_(1 / parameter[0].numel() if parameter.ndim > 1 else 1e-3)
    sr = network(*arguments).movedim(-2 if upright else -1, 0)
    sr[middle * scale : (middle + 1) * scale].abs().sum().backward()
    for argument in arguments:
        line = argument.grad.abs().sum(dim=(0, 1, 3 if upright else 2))
        seen = line.view(side, -1).sum(dim=1)  # a guide has `scale` pixels in each cell
        cells = seen.nonzero().flatten()
        farthest = max(middle - int(cells[0]), int(cells[-1]) - middle)
        assert farthest <= reach
        # The promise is not lax either: at most two pixels more than what is really seen.
        assert farthest >= reach - 2


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
