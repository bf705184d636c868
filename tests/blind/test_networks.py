"""The networks of KernelGAN and DARSR: sizes, geometry, and where they start."""

import pytest
import torch
from torch.nn import functional as F

from superfine.models.darsr import CorrectionNetwork, ScoreNetwork
from superfine.models.kernelgan import LinearGenerator, PatchDiscriminator
from superfine.models.spec import parameter_count
from superfine.ops.degrade import degrade
from superfine.ops.kernels import gaussian, offset

NARROW = torch.tensor([[2.0, 0.5], [0.5, 1.0]])


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (ScoreNetwork, 3_535_233),
        (LinearGenerator, 150_656),
        (PatchDiscriminator, 30_977),
        (CorrectionNetwork, 681_304),
    ],
)
def test_parameters_as_published(network, count):
    assert parameter_count(network()) == count


def test_the_kernel_is_what_the_layers_do_one_after_the_other():
    generator = LinearGenerator()
    x = torch.rand(2, 3, 41, 40)
    y = x.reshape(6, 1, 41, 40)
    for number, layer in enumerate(generator.layers):
        y = F.conv2d(y, layer, stride=2 if number == 2 else 1)
    torch.testing.assert_close(generator(x).reshape(y.shape), y, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("times", [1, 2])
def test_a_generator_that_starts_as_a_gaussian_moves_nothing(times):
    generator = LinearGenerator(times=times)
    generator.start_as(gaussian(NARROW, scale=2, size=13).values)
    scale = generator.scale
    assert offset(generator.kernel()) == pytest.approx((0, 0), abs=1e-2)
    # A ramp keeps its values at the middles of the new pixels.
    ramp = torch.arange(90.0).expand(1, 1, 90, 90)
    made = generator(ramp)
    middles = scale * (torch.arange(made.shape[-1]) + generator.margin) + (scale - 1) / 2
    torch.testing.assert_close(made[0, 0, 0], middles, rtol=0, atol=2e-2)


@pytest.mark.parametrize("times", [1, 2])
def test_the_explicit_kernel_degrades_as_the_generator_does(times):
    generator = LinearGenerator(times=times)
    generator.start_as(gaussian(NARROW, scale=2, size=13).values)
    picture = torch.rand(1, 1, 96, 96)
    made = generator(picture)[0]
    whole = degrade(picture[0], generator.kernel())
    margin, (height, width) = generator.margin, made.shape[-2:]
    inside = whole[:, margin : margin + height, margin : margin + width]
    torch.testing.assert_close(made, inside, rtol=0, atol=1e-5)


def test_the_public_code_places_its_x4_kernel_two_pixels_off():
    generator = LinearGenerator(stride=4)
    # What its cycle asks for, in its own 13x13 values; its centre loss asks for 7.5.
    assert generator.kernel().anchor == (4, 4)
    assert generator(torch.rand(1, 1, 128, 128)).shape[-1] == 29
    assert LinearGenerator(times=2).kernel().values.shape == (37, 37)


def test_correction_starts_as_nothing_and_keeps_even_areas():
    network = CorrectionNetwork()
    x = torch.rand(2, 3, 12, 17)
    even = torch.full((1, 1, 9, 9), 0.4)
    torch.testing.assert_close(network(even), even, rtol=0, atol=1e-5)
    bare = CorrectionNetwork(keeps_brightness=False)
    assert float((bare(even) - even).detach().abs().max()) > 1e-3
    network.start_as_nothing()
    torch.testing.assert_close(network(x), x, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 2)])
def test_correction_takes_tiny_and_grey_pictures(size):
    assert CorrectionNetwork()(torch.rand(1, 1, *size)).shape == (1, 1, *size)


def test_grey_is_three_equal_colours():
    grey = torch.rand(2, 1, 16, 16)
    for network in (CorrectionNetwork(), ScoreNetwork(), PatchDiscriminator().eval()):
        whole = network(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(network(grey), whole[:, : network(grey).shape[1]])
