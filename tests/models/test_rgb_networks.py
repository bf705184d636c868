"""What is particular to EDSR, RDN, RCAN and WDSR; the contract tests cover the rest."""

import pytest
import torch
from torch import nn

from superfine.models import find
from superfine.models.edsr import ResidualBlock
from superfine.models.rcan import ChannelAttention
from superfine.models.rdn import DenseBlock
from superfine.schema import build_empty

MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)


def noise(height: int, width: int, *, channels: int = 3) -> torch.Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))


def largest_difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return (a - b).abs().max().item()


def built(name: str, scale: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return find(name).build(scale).eval().requires_grad_(False)


@pytest.mark.parametrize("name", ["edsr-baseline", "rcan-light", "wdsr-a", "wdsr-b"])
def test_the_mean_colour_of_div2k_is_neither_trained_nor_saved_and_comes_back(name):
    """Without biases no layer adds anything to a picture of that colour."""
    network = built(name)
    for key, parameter in network.named_parameters():
        if key.endswith("bias"):
            nn.init.zeros_(parameter)
    assert not any("mean" in key for key in network.state_dict())
    sr = network(MEAN.expand(1, 3, 4, 5))
    assert largest_difference(sr, MEAN.expand(1, 3, 8, 10)) < 1e-6


@pytest.mark.parametrize("name", ["edsr-baseline", "rcan-light"])
def test_the_authors_range_of_255_gives_the_same_picture(name):
    """Their layers see 255 (x - mean) and add 255 mean, with biases 255 times as large."""
    ours, theirs = built(name), built(name)
    for module in theirs.modules():
        if isinstance(module, nn.Conv2d):
            module.bias.mul_(255)
    for module in theirs.modules():
        if isinstance(module, ChannelAttention):
            first, second = module.weigh[0], module.weigh[2]
            first.weight.div_(255)
            first.bias.div_(255)
            second.bias.div_(255)
    theirs.mean *= 255
    lr = noise(6, 7)
    assert largest_difference(theirs(lr * 255) / 255, ours(lr)) < 1e-5


def test_the_residuals_of_edsr_are_scaled_by_a_tenth():
    scales = {
        module.residual_scale
        for module in build_empty(find("edsr"), 2).modules()
        if isinstance(module, ResidualBlock)
    }
    assert scales == {0.1}
    whole = ResidualBlock(8, 1.0)
    tenth = ResidualBlock(8, 0.1)
    tenth.load_state_dict(whole.state_dict())
    x = noise(5, 5, channels=8)
    with torch.no_grad():
        assert largest_difference(10 * (tenth(x) - x), whole(x) - x) < 1e-5


def test_a_dense_block_that_fuses_nothing_changes_nothing():
    block = DenseBlock(layers=3, growth=4).requires_grad_(False)
    x = noise(5, 6, channels=64)
    assert largest_difference(block(x), x) > 0.01
    block.fusion.weight.zero_()
    block.fusion.bias.zero_()
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_rcan_sees_the_whole_picture_at_every_scale(scale):
    network, lr = built("rcan-light", scale), noise(4, 260)
    other = lr.clone()
    other[..., 240:] = 1
    before, after = network(lr), network(other)
    assert before.shape == (1, 3, 4 * scale, 260 * scale)
    # Through the convolutions alone a pixel is seen 109 pixels away.
    assert largest_difference(before[..., : 100 * scale], after[..., : 100 * scale]) > 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_no_attention_of_rcan_starts_shut(seed):
    torch.manual_seed(seed)
    network = find("rcan").build(2).requires_grad_(False)
    means: list[torch.Tensor] = []
    for module in network.modules():
        if isinstance(module, ChannelAttention):
            module.weigh[1].register_forward_hook(lambda *call: means.append(call[2]))
    network(noise(8, 8))
    assert len(means) == 200
    assert all(units.max() > 0 for units in means)


def lengths(layer: nn.Module) -> torch.Tensor:
    """Euclidean length of each filter as the convolution uses it."""
    return layer.weight.flatten(1).norm(dim=1)


def test_filters_of_wdsr_a_start_with_the_lengths_of_the_authors():
    """1 outside the blocks; in them 2 and then one by the root of their number."""
    network = built("wdsr-a")
    for layer in (network.head, network.tail, network.skip):
        assert torch.allclose(lengths(layer), torch.tensor(1.0))
    for block in network.body:
        assert torch.allclose(lengths(block.layers[0]), torch.tensor(2.0))
        assert torch.allclose(lengths(block.layers[2]), torch.tensor(1 / 4))
    biases = [p for key, p in network.named_parameters() if key.endswith("bias")]
    assert len(biases) == 3 + 2 * 16
    assert not any(bias.any() for bias in biases)


@pytest.mark.parametrize("name", ["wdsr-a", "wdsr-b"])
def test_the_direction_of_a_filter_has_no_length_of_its_own(name):
    network, lr = built(name), noise(5, 6)
    before = network(lr)
    for key, parameter in network.named_parameters():
        if key.endswith("original1"):
            parameter.mul_(3)
    assert largest_difference(network(lr), before) < 1e-5


def test_layers_of_wdsr_b_see_the_values_of_the_authors():
    """255 times the picture less its mean, divided by 127.5, and the inverse at the end."""
    network, lr = built("wdsr-b", 3), noise(5, 6)
    x = (255 * lr - 255 * MEAN) / 127.5
    x = network.tail(network.body(network.head(x))) + network.skip(x)
    sr = (torch.pixel_shuffle(x, 3) * 127.5 + 255 * MEAN) / 255
    assert largest_difference(network(lr), sr) < 1e-5
