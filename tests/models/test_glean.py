"""GLEAN, small enough for seconds; the full sizes are only counted, without memory."""

from functools import partial

import pytest
import torch
from torch import Tensor

from superfine import upscale
from superfine.card import Card
from superfine.checkpoints import LoadedModel
from superfine.errors import ModelFileError, SizeMismatchError, UnknownNameError, UsageError
from superfine.inference import upscale_image
from superfine.models import ModelSpec, find, parameter_count
from superfine.models.glean import GLEAN, SPECS, load_generator
from superfine.models.stylegan2 import StyleGAN2Generator
from superfine.schema import build_empty
from superfine.types import Image

# Trainable values of the authors' networks in MMagic, from the project's specification.
PUBLISHED = {
    ("glean-32-256", 8): 132_445_523,
    ("glean-16-256", 16): 141_869_311,
    ("glean-64-1024", 16): 145_146_663,
    ("glean-128-1024", 8): 143_826_555,
    # Nobody else's network: added up by hand from the layers.
    ("glean-8-64", 8): 3_655_883,
}


def small() -> GLEAN:
    """8x8 to 32x32 pixels."""
    torch.manual_seed(0)
    return GLEAN(4, side=8, channels=8, rrdb_channels=8, rrdb_blocks=2).eval()


def pictures(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "scale"), PUBLISHED)
def test_parameter_count_is_the_published_one(name, scale):
    spec = find(name)
    assert spec.scales == (scale,)
    assert parameter_count(build_empty(spec, scale)) == PUBLISHED[name, scale]
    assert spec.parameters == {scale: PUBLISHED[name, scale]}


def test_names_tell_the_sizes():
    for spec in SPECS:
        (scale,) = spec.scales
        assert spec.name == f"glean-{spec.side}-{spec.side * scale}"
        assert spec.reach == {scale: None}


def test_result_is_scale_times_larger_and_a_function_of_the_input():
    network = small()
    with torch.no_grad():
        sr = network(pictures())
        assert sr.shape == (2, 3, 32, 32)
        assert torch.isfinite(sr).all()
        assert torch.equal(network(pictures()), sr)
        assert torch.equal(network.train()(pictures()), sr)
        singles = torch.cat([network(one[None]) for one in pictures()])
    assert (sr - singles).abs().max() < 1e-5


def test_gradient_reaches_all_that_learns_and_none_of_the_bank():
    """All but `fuse_rgb`, which the published counts hold and which reaches no output."""
    network = small().train()
    lr = pictures().requires_grad_()
    network(lr).square().mean().backward()
    assert lr.grad is not None
    assert lr.grad.abs().max() > 0
    for name, parameter in network.named_parameters():
        if name.startswith("bank."):
            assert not parameter.requires_grad
        if name.startswith(("bank.", "fuse_rgb.")):
            assert parameter.grad is None, name
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_picture_of_the_bank_depends_on_the_mixing_of_rgb():
    network = small()
    picture = network.bank_picture(pictures())
    assert picture.shape == (2, 3, 32, 32)
    picture.square().mean().backward()
    for parameter in network.fuse_rgb.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


def test_every_latent_and_every_size_of_the_bank_is_used():
    """What the answer takes from the bank: every convolution, and nothing of its RGB."""
    network = small()
    network.bank.requires_grad_(True)
    with torch.no_grad():
        for name, tensor in network.bank.named_parameters():
            if name.endswith("strength"):
                tensor.fill_(0.1)
    network(pictures()).square().mean().backward()
    for name, parameter in network.bank.named_parameters():
        assert (parameter.grad is None) == ("to_rgb" in name), name


def test_another_size_is_refused():
    with pytest.raises(SizeMismatchError, match="9x8, but this GLEAN takes 8x8 only"):
        small()(torch.rand(1, 3, 8, 9))


def test_bank_takes_a_users_generator_by_our_names():
    torch.manual_seed(1)
    generator = StyleGAN2Generator(32, channels=8)
    whole = generator.state_dict()
    for tensors in (whole, generator.synthesis.state_dict()):
        network = small()
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        load_generator(network, tensors)
        for name, tensor in network.state_dict().items():
            if name.startswith("bank."):
                assert torch.equal(tensor, whole[name.replace("bank.", "synthesis.")]), name
            else:
                assert torch.equal(tensor, before[name]), name
        assert not any(p.requires_grad for p in network.bank.parameters())


def test_generator_that_does_not_fit_changes_nothing():
    network = small()
    before = network.bank.constant.clone()
    with pytest.raises(ModelFileError, match=r"blocks\.3\.convs\.0\.weight is missing"):
        load_generator(network, StyleGAN2Generator(16, channels=8).state_dict())
    with pytest.raises(ModelFileError, match=r"constant is \(1, 4, 4, 4\), expected \(1, 8, 4, 4"):
        load_generator(network, StyleGAN2Generator(32, channels=4).state_dict())
    assert torch.equal(network.bank.constant, before)


def small_model() -> LoadedModel:
    spec = ModelSpec(
        name="glean-8-32",
        build=partial(GLEAN, side=8, channels=8, rrdb_channels=8, rrdb_blocks=2),
        scales=(4,),
        channels="rgb",
        reach={4: None},
        paper="",
        parameters={},
        side=8,
    )
    return LoadedModel(small().requires_grad_(False), spec, 4, Card(spec.name, 4, "rgb"))


def test_picture_of_its_size_is_enlarged_and_no_other():
    model = small_model()
    lr = pictures(1)
    with torch.no_grad():
        expected = model.network(lr)[0].clamp(0, 1)
    result = upscale_image(Image(lr[0]), model, tile=4)
    assert (result.pixels - expected).abs().max() < 1e-5
    with pytest.raises(UsageError, match="The picture is 9x8, but glean-8-32 takes 8x8 only"):
        upscale_image(Image(torch.rand(3, 8, 9)), model)


def test_asking_for_weights_that_are_not_there_says_so():
    with pytest.raises(UnknownNameError, match="No weights of glean-32-256 are shipped"):
        upscale(torch.rand(3, 32, 32), model="glean-32-256")
