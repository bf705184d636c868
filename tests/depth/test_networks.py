"""Networks as methods: what they were taught is found out, and LR is given to them so."""

import pytest
import torch

from superfine.card import Card
from superfine.checkpoints import LoadedModel, load_model
from superfine.depth.enlarge import enlarge
from superfine.depth.methods import BICUBIC as BY_BICUBIC
from superfine.depth.methods import find_method
from superfine.depth.networks import method_of, taught_on
from superfine.errors import UsageError
from superfine.io import read
from superfine.metrics import rmse
from superfine.models import find
from superfine.ops.depth_lr import BICUBIC, DIRECT_LAST
from superfine.ops.resize import imresize
from superfine.types import DepthMap

CPU = torch.device("cpu")


class Registered(torch.nn.Module):
    """Enlarges about the middle."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, lr, guide):
        return imresize(lr, scale=self.scale)


class MovesBack(Registered):
    """Takes the samples to lie where direct-last takes them."""

    def forward(self, lr, guide):
        size = lr.shape[-2] * self.scale, lr.shape[-1] * self.scale
        return torch.stack([DIRECT_LAST.enlarge(x, size) for x in lr])


def loaded(network, name="svlrm", scale=4):
    spec = find(name)
    return LoadedModel(network.eval(), spec, scale, Card(name, scale, spec.channels))


@pytest.mark.parametrize("scale", [2, 4, 8, 16])
def test_what_a_network_was_taught_shows(scale):
    spec = find("svlrm")
    assert taught_on(Registered(scale), spec, scale) is BICUBIC
    assert taught_on(MovesBack(scale), spec, scale) is DIRECT_LAST


def smooth(height=12, width=16):
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 4, width), indexing="ij")
    return (2 + torch.sin(x) * torch.cos(y))[None]


@pytest.mark.parametrize("network", [Registered, MovesBack])
@pytest.mark.parametrize("operator", [BICUBIC, DIRECT_LAST], ids=lambda o: o.name)
def test_a_map_reaches_a_network_as_it_was_taught(network, operator):
    """Whatever world a network is from and a map is from, the result is in place."""
    truth = smooth(48, 64)
    lr = operator.shrink(truth, 4)
    depth = DepthMap(lr, torch.ones_like(lr, dtype=torch.bool), "metre")
    guide = torch.zeros(3, 48, 64)
    method = method_of(loaded(network(4)), device=CPU)
    result = enlarge(depth, method, size=(48, 64), operator=operator, guide=guide)
    apart = (result.depth.values - truth)[:, 6:-6, 6:-6].abs().max()
    assert float(apart) < 0.03  # a map out of place is off by 0.1


def test_a_network_that_refines_is_given_the_solver_with_its_holes_and_operator():
    """Before it has learnt anything its result is the solver's, for samples of any kind."""
    truth = smooth(48, 64)
    guide = torch.rand(3, 48, 64)
    solver = find_method("guided-diffusion")
    method = method_of(loaded(find("svlrm-plus").build(4), "svlrm-plus"), device=CPU)
    for operator in (BICUBIC, DIRECT_LAST):
        lr = operator.shrink(truth, 4)
        valid = torch.ones_like(lr, dtype=torch.bool)
        valid[:, 3:6, 5:9] = False
        lr[~valid] = 0
        depth = DepthMap(lr, valid, "metre")
        ours, theirs = (
            enlarge(depth, m, size=(48, 64), operator=operator, guide=guide).depth
            for m in (method, solver)
        )
        assert torch.equal(ours.valid, theirs.valid)
        assert (ours.values - theirs.values)[ours.valid].abs().max() < 1e-3


def test_another_size_than_the_network_makes_is_reached():
    lr = smooth()
    depth = DepthMap(lr, torch.ones_like(lr, dtype=torch.bool), "metre")
    method = method_of(loaded(Registered(4)), device=CPU)
    result = enlarge(depth, method, size=(30, 40), operator=BICUBIC, guide=torch.zeros(1, 30, 40))
    direct = enlarge(depth, BY_BICUBIC, size=(30, 40), operator=BICUBIC)
    assert result.depth.values.shape == (1, 30, 40)
    apart = (result.depth.values - direct.depth.values)[:, 3:-3, 3:-3].abs().max()
    assert float(apart) < 0.02


def test_a_network_alone_needs_no_guide():
    torch.manual_seed(0)
    network = find("dsdmsr").build(2)
    method = method_of(loaded(network, "dsdmsr", 2), device=CPU)
    assert not method.guided
    lr = smooth()
    depth = DepthMap(lr, torch.ones_like(lr, dtype=torch.bool), "metre")
    result = enlarge(depth, method, size=(24, 32), operator=BICUBIC)
    assert result.depth.values.shape == (1, 24, 32)


def test_a_network_for_pictures_is_refused():
    with pytest.raises(UsageError, match="enlarges pictures"):
        method_of(loaded(find("espcn").build(2), "espcn", 2), device=CPU)


@pytest.fixture
def scene(data_root):
    """A corner of a Middlebury map and its photo."""
    folder = data_root / "depth/Middlebury30"
    depth, photo = (sorted((folder / kind).iterdir())[3] for kind in ("depth", "rgb"))
    return read(depth).pixels.float()[:, :192, :192], read(photo).pixels[:, :192, :192] / 255


@pytest.mark.data
@pytest.mark.parametrize("scale", [4, 8])
def test_public_svlrm_files_are_kept_from_harm(data_root, scene, scale):
    """In their own world they beat bicubic; fed with a map in place they would harm it."""
    truth, photo = scene
    everywhere = torch.ones_like(truth, dtype=torch.bool)
    model = load_model(data_root / f"weights/depth_svlrm/SVLRM_X{scale}.pth", scale=scale)
    method = method_of(model, device=CPU)
    grey = torch.einsum("c,chw->hw", torch.tensor([0.299, 0.587, 0.114]), photo)[None]

    def error(sr):
        return float(rmse(sr, truth, everywhere))

    def as_published(operator):
        with torch.no_grad():
            sr = model.network(operator.shrink(truth, scale)[None] / 255, grey[None])
        return error(sr[0] * 255)

    def ours(operator, enlarger):
        lr = operator.shrink(truth, scale)
        depth = DepthMap(lr, torch.ones_like(lr, dtype=torch.bool), "relative")
        made = enlarge(depth, enlarger, size=(192, 192), operator=operator, guide=photo)
        return error(made.depth.values)

    def bicubic(operator):
        return error(imresize(operator.shrink(truth, scale), scale=scale))

    assert as_published(DIRECT_LAST) < 0.7 * bicubic(DIRECT_LAST)
    assert as_published(BICUBIC) > 1.5 * bicubic(BICUBIC)
    assert ours(BICUBIC, method) < 0.9 * bicubic(BICUBIC)
    assert ours(DIRECT_LAST, method) < 0.7 * bicubic(DIRECT_LAST)
