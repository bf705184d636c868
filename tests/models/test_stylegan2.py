"""StyleGAN2's parts against the paper's formulas, spelled out, and the published layer sizes."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models import parameter_count
from superfine.models.discriminators import (
    PatchDiscriminator,
    StyleGAN2Discriminator,
    names_in,
    with_deviation,
)
from superfine.models.stylegan2 import (
    StyledConv,
    StyleGAN2Generator,
    Synthesis,
    ToRGB,
    blur,
    enlarge,
    style_count,
    width,
)
from superfine.models.stylegan2_layouts import generator_tensors

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64)


def randomised(module: nn.Module) -> nn.Module:
    """`module` in float64 with every value its own, biases and noise strengths included."""
    torch.manual_seed(0)
    module = module.double()
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.add_(torch.randn_like(tensor) / 3)
    return module


def full_convolution(x: Tensor, kernel: Tensor) -> Tensor:
    """Each channel with `kernel` in both directions, as long as anything overlaps."""
    tile = torch.outer(kernel, kernel)[None, None].expand(x.shape[1], 1, -1, -1)
    return F.conv2d(x, tile, padding=len(kernel) - 1, groups=x.shape[1])


def between_zeros(x: Tensor) -> Tensor:
    """Every second pixel zero."""
    wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    wide[..., ::2, ::2] = x
    return wide


def test_blur_is_the_full_convolution_less_its_edges():
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    whole = full_convolution(x, TAPS / 8)
    for padding in (1, 2, 3):
        cut = slice(3 - padding, None if padding == 3 else padding - 3)
        assert (blur(x, padding=padding) - whole[..., cut, cut]).abs().max() < 1e-12


def test_enlarging_is_zeros_between_pixels_and_then_the_filter():
    """Two pixels of border before, one after: what the official resampling uses for 1-3-3-1."""
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    whole = full_convolution(between_zeros(x), TAPS / 4)
    assert (enlarge(x) - whole[..., 1:-2, 1:-2]).abs().max() < 1e-12
    assert (enlarge(torch.ones(1, 1, 4, 4))[..., 1:-1, 1:-1] - 1).abs().max() < 1e-6


@pytest.mark.parametrize("doubles", [False, True])
def test_styled_convolution_is_the_papers_with_weights_made_for_each_picture(doubles):
    """Equations 1 and 3 with explicit weights, one picture at a time, and noise after them."""
    layer = randomised(StyledConv(5, 7, 12 if doubles else 6, doubles=doubles))
    x, latent = torch.randn(3, 5, 6, 6).double(), torch.randn(3, 512).double()
    with torch.no_grad():
        result = layer(x, latent)
        for one, style, got in zip(x, layer.affine(latent), result, strict=True):
            weight = layer.weight / math.sqrt(5 * 9) * style[None, :, None, None]
            weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
            if doubles:
                spread = F.pad(between_zeros(one[None]), (0, -1, 0, -1))
                wide = F.conv2d(spread, weight.flip(2, 3), padding=2)
                y = full_convolution(wide, TAPS / 4)[..., 2:-2, 2:-2]
            else:
                y = F.conv2d(one[None], weight, padding=1)
            y = y + layer.strength * layer.noise + layer.bias[:, None, None]
            expected = torch.where(y > 0, y, 0.2 * y) * math.sqrt(2)
            assert (got - expected[0]).abs().max() < 1e-9


def test_rgb_is_not_demodulated():
    """Twice the style, twice the colour beside the bias."""
    layer = randomised(ToRGB(5))
    x, latent = torch.randn(1, 5, 4, 4).double(), torch.randn(1, 512).double()
    with torch.no_grad():
        once = layer(x, latent)
        layer.affine.weight.mul_(2)
        layer.affine.bias.mul_(2)
        bias = layer.bias[:, None, None]
        assert (layer(x, latent) - bias - 2 * (once - bias)).abs().max() < 1e-9


def test_published_parameter_counts():
    """What NVIDIA's training code prints for 1024x1024 pixels: 29,012,513 in the discriminator and
    28,794,124 in a generator whose mapping has two layers of 262,656; the paper's has eight."""
    with torch.device("meta"):
        generator = StyleGAN2Generator(1024)
        discriminator = StyleGAN2Discriminator(1024)
        patches = PatchDiscriminator()
    assert parameter_count(generator.synthesis) == 28_794_124 - 2 * 262_656
    assert parameter_count(generator.mapping) == 8 * 262_656
    assert parameter_count(discriminator) == 29_012_513
    assert parameter_count(patches) == 4_693_697  # the project's specification
    assert [width(2**p, 512) for p in range(2, 11)] == [512] * 5 + [256, 128, 64, 32]


def test_generator_is_a_function_of_its_input_with_features_of_every_size():
    torch.manual_seed(0)
    synthesis = Synthesis(32, channels=6)
    latents = torch.randn(2, style_count(32), 512)
    with torch.no_grad():
        features = synthesis.features(latents)
        picture = synthesis(latents)
        assert [tuple(x.shape) for x in features] == [(2, 6, r, r) for r in (4, 8, 16, 32)]
        assert picture.shape == (2, 3, 32, 32)
        assert torch.equal(picture, synthesis.train()(latents))
        singles = torch.cat([synthesis(one[None]) for one in latents])
    assert (picture - singles).abs().max() < 1e-5


def test_every_latent_has_its_layers():
    """The first reaches the 4x4 convolution, the last only the RGB of the full size."""
    torch.manual_seed(0)
    synthesis = Synthesis(16, channels=4)
    latents = torch.randn(1, style_count(16), 512)
    moved = []
    with torch.no_grad():
        before = synthesis.features(latents)
        for index in range(style_count(16)):
            other = latents.clone()
            other[:, index] += 1
            after = synthesis.features(other)
            moved.append([not torch.equal(a, b) for a, b in zip(after, before, strict=True)])
            assert not torch.equal(synthesis(other), synthesis(latents))
    assert moved == [
        [True, True, True],
        [False, True, True],
        [False, True, True],
        [False, False, True],
        [False, False, True],
        [False, False, False],
    ]


def test_features_of_fresh_layers_neither_fade_nor_grow():
    """Their mean square stays of the order of one; the blur takes some of it."""
    torch.manual_seed(0)
    generator = StyleGAN2Generator(32, channels=64)
    with torch.no_grad():
        latents = torch.randn(4, style_count(32), 512)
        for x in generator.synthesis.features(latents):
            assert 0.2 < x.square().mean() < 2
        assert generator(torch.randn(4, 512)).shape == (4, 3, 32, 32)


def port_layout(generator: StyleGAN2Generator) -> dict[str, Tensor]:
    """Its tensors under the names and shapes of the public port, written out for 16x16 pictures."""
    parts = {
        "conv1": "blocks.0.convs.0",
        "convs.0": "blocks.1.convs.0",
        "convs.1": "blocks.1.convs.1",
        "convs.2": "blocks.2.convs.0",
        "convs.3": "blocks.2.convs.1",
    }
    state = generator.state_dict()
    theirs = {"input.input": state["synthesis.constant"]}
    for number, (name, layer) in enumerate(parts.items()):
        ours = f"synthesis.{layer}"
        theirs[f"{name}.conv.weight"] = state[f"{ours}.weight"][None]
        theirs[f"{name}.conv.modulation.weight"] = state[f"{ours}.affine.weight"]
        theirs[f"{name}.conv.modulation.bias"] = state[f"{ours}.affine.bias"]
        theirs[f"{name}.noise.weight"] = state[f"{ours}.strength"]
        theirs[f"{name}.activate.bias"] = state[f"{ours}.bias"]
        theirs[f"noises.noise_{number}"] = state[f"{ours}.noise"]
    for name, block in (("to_rgb1", 0), ("to_rgbs.0", 1), ("to_rgbs.1", 2)):
        ours = f"synthesis.blocks.{block}.to_rgb"
        theirs[f"{name}.conv.weight"] = state[f"{ours}.weight"][None]
        theirs[f"{name}.conv.modulation.weight"] = state[f"{ours}.affine.weight"]
        theirs[f"{name}.conv.modulation.bias"] = state[f"{ours}.affine.bias"]
        theirs[f"{name}.bias"] = state[f"{ours}.bias"].reshape(1, 3, 1, 1)
    for number in range(8):
        for role in ("weight", "bias"):
            theirs[f"style.{number + 1}.{role}"] = state[f"mapping.{number}.{role}"]
    theirs["convs.0.conv.blur.kernel"] = torch.outer(TAPS, TAPS) / 16
    theirs["to_rgbs.0.upsample.kernel"] = torch.outer(TAPS, TAPS) / 16
    return theirs


def test_generator_of_the_public_port_is_understood():
    torch.manual_seed(0)
    trained, fresh = StyleGAN2Generator(16, channels=4), StyleGAN2Generator(16, channels=4)
    fresh.load_state_dict(generator_tensors(port_layout(trained)))
    z = torch.randn(2, 512)
    with torch.no_grad():
        assert torch.equal(fresh(z), trained(z))
    assert generator_tensors(trained.state_dict()).keys() == trained.state_dict().keys()


def test_discriminator_of_the_public_port_is_understood():
    """Its names, written out for 16x16 pictures: the blocks of 16 and of 8 pixels."""
    theirs = ["convs.0.0.weight", "convs.0.1.bias"]
    for block in (1, 2):
        roles = (
            "conv2.1.weight",
            "conv2.2.bias",
            "skip.1.weight",
            "conv1.0.weight",
            "conv1.1.bias",
        )
        theirs += [f"convs.{block}.{role}" for role in roles]
    theirs += ["final_conv.0.weight", "final_conv.1.bias"]
    theirs += [f"final_linear.{i}.{role}" for i in (0, 1) for role in ("weight", "bias")]
    ours = list(StyleGAN2Discriminator(16, channels=4).state_dict())
    found = names_in([*theirs, "convs.1.conv2.0.kernel", "convs.1.skip.0.kernel"])
    assert sorted(found) == sorted(ours)
    assert found["blocks.1.straight"] == "convs.2.skip.1.weight"
    assert names_in(ours) == {name: name for name in ours}
    # MMagic's, where each module has one layer more, beside the generators of the checkpoint.
    mmagic = [
        name.replace(".weight", ".linear.weight_orig" if "linear" in name else ".conv.weight_orig")
        for name in theirs
    ]
    marked = names_in([f"discriminator.{name}" for name in mmagic] + ["generator.to_rgb1.bias"])
    assert {ours: full.removeprefix("discriminator.") for ours, full in marked.items()} == {
        ours: mmagic[theirs.index(full)] for ours, full in found.items()
    }


def test_every_value_of_the_discriminators_learns():
    torch.manual_seed(0)
    pictures = torch.rand(4, 3, 32, 32)
    for network in (PatchDiscriminator(channels=4), StyleGAN2Discriminator(32, channels=8)):
        logits = network(pictures)
        assert logits.shape in {(4, 1, 2, 2), (4, 1)}
        logits.square().mean().backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 0, name


def test_deviation_tells_equal_pictures_from_different_ones():
    """Three equal pictures differ by the square root of the stabiliser alone; 0 and 2 by 1."""
    same = with_deviation(torch.ones(3, 2, 4, 4))
    assert same.shape == (3, 3, 4, 4)
    assert same[:, 2].max().item() == pytest.approx(1e-4, rel=1e-3)
    different = torch.stack((torch.zeros(2, 4, 4), torch.full((2, 4, 4), 2.0)))
    assert with_deviation(different)[:, 2].min().item() == pytest.approx(1.0, rel=1e-6)
    assert with_deviation(torch.rand(5, 2, 4, 4)).shape == (5, 3, 4, 4)  # groups of one
