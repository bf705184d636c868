"""SPAN's two forms are one function, and the start enlarges already."""

import pytest
import torch
from torch.nn import functional as F

from superfine.checkpoints import load
from superfine.models import find, parameter_count
from superfine.models.span import SPAN, WideConv
from superfine.training.learner import Learner
from superfine.training.loop import train
from superfine.training.processes import Place
from tests.training.desk import StopAfter, make_photos, make_recipe
from tests.training.kills import log_of, weights_of


def spread(network: torch.nn.Module) -> torch.nn.Module:
    """`network` away from its start, where the wide layers add nothing."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) / 20)
    return network.eval()


def test_a_wide_convolution_is_the_sum_of_its_layers_at_the_border_too():
    layer = spread(WideConv(3, 5))
    x = torch.rand(2, 3, 6, 7)
    # As the paper's code runs them: the border is put on before the first layer.
    chain = layer.leave(layer.inside(layer.enter(F.pad(x, (1, 1, 1, 1)))))
    plain = F.conv2d(x, layer.weight, layer.bias, padding=1)
    with torch.no_grad():
        assert (layer(x) - (chain + layer.skip(x) + plain)).abs().max() < 1e-5


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_merged_network_answers_as_the_wide_one(scale):
    wide = spread(find("span-28").training(scale))
    lr = torch.rand(1, 3, 9, 11)
    with torch.no_grad():
        assert (wide.merged()(lr) - wide(lr)).abs().max() < 1e-5
    assert parameter_count(wide.merged()) == find("span-28").parameters[scale]
    assert parameter_count(wide) > 4 * parameter_count(wide.merged())


def test_every_parameter_of_the_wide_form_learns():
    wide = spread(find("span-28").training(2)).train()
    wide(torch.rand(1, 3, 8, 8)).square().mean().backward()
    for name, parameter in wide.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_starts_as_bilinear_enlargement(scale):
    torch.manual_seed(0)
    network = find("span").build(scale)
    lr = torch.rand(1, 3, 12, 12)
    bilinear = F.interpolate(lr, scale_factor=scale, mode="bilinear")
    inside = (..., slice(scale, -scale), slice(scale, -scale))
    with torch.no_grad():
        difference = (network(lr) - bilinear)[inside]
    assert difference.std() < 0.1  # the picture itself: 0.29
    # The features neither die nor grow on their way through the blocks.
    with torch.no_grad():
        features = network.head(lr - network.mean)
        start = features.std()
        for block in network.blocks:
            features, _ = block(features)
    assert 0.1 < features.std() / start < 10


def test_training_leaves_the_merged_weights_and_starts_from_them(tmp_path):
    photos = make_photos(tmp_path / "photos")
    settings = {"network": "span-28", "optimiser": {"kind": "adam", "learning_rate": 1e-3}}
    recipe = make_recipe(photos, **settings, steps=6, validate={"sets": [str(photos)], "every": 6})
    train(recipe, tmp_path / "run")
    left = tmp_path / "run" / "span-28-x2.safetensors"
    model = load(left)
    assert isinstance(model.network, SPAN)
    assert sum(p.numel() for p in model.network.parameters()) == 141_580

    further = make_recipe(photos, **settings, start_from=str(left), averaging=0)
    learner = Learner(further, model.spec, torch.device("cpu"), Place())
    begun = learner.network.for_use().state_dict()
    assert all(torch.equal(begun[name], t) for name, t in model.network.state_dict().items())


def test_a_stopped_run_of_the_wide_form_goes_on_as_if_it_had_not(tmp_path):
    photos = make_photos(tmp_path / "photos")
    recipe = make_recipe(
        photos,
        network="span-28",
        optimiser={"kind": "adam", "learning_rate": 1e-3},
        steps=8,
        checkpoint_every=4,
        validate={"sets": [str(photos)], "every": 8},
    )
    train(recipe, tmp_path / "whole")
    train(recipe, tmp_path / "parts", stop=StopAfter(5))
    train(recipe, tmp_path / "parts")
    assert weights_of(tmp_path / "parts") == weights_of(tmp_path / "whole")
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
