"""The published GLEAN layout: names and shapes written out from MMagic, and what they compute."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from superfine.models import find
from superfine.models.glean import GLEAN
from superfine.models.glean_layout import names_in, own_shape
from superfine.models.stylegan2_layouts import averaged, generator_tensors
from superfine.schema import build_empty
from superfine.training.bank import fill_bank

Shapes = dict[str, tuple[int, ...]]

# Channels of MMagic's StyleGAN2 at each resolution, as its table has them.
CHANNELS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}


def convolution(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs, 3, 3), f"{name}.bias": (outputs,)}


def modulated(name: str, inputs: int, outputs: int, side: int) -> Shapes:
    return {
        f"{name}.conv.weight_orig": (1, outputs, inputs, side, side),
        f"{name}.conv.style_modulation.linear.weight_orig": (inputs, 512),
        f"{name}.conv.style_modulation.bias": (inputs,),
    }


def generator(size: int, channels: dict[int, int]) -> Shapes:
    """MMagic's StyleGAN2 generator of `size` pixels."""
    shapes: Shapes = {"constant_input.input": (1, channels[4], 4, 4)}
    for i in range(1, 9):
        shapes[f"style_mapping.{i}.linear.weight_orig"] = (512, 512)
        shapes[f"style_mapping.{i}.bias"] = (512,)
    levels = [side for side in channels if side <= size]
    layers = [("conv1", channels[4], channels[4])]
    pictures = [("to_rgb1", channels[4])]
    for i, side in enumerate(levels[1:]):
        layers.append((f"convs.{2 * i}", channels[side // 2], channels[side]))
        layers.append((f"convs.{2 * i + 1}", channels[side], channels[side]))
        pictures.append((f"to_rgbs.{i}", channels[side]))
        shapes[f"convs.{2 * i}.conv.blur.kernel"] = (4, 4)
        shapes[f"to_rgbs.{i}.upsample.kernel"] = (4, 4)
    for name, inputs, outputs in layers:
        shapes |= modulated(name, inputs, outputs, 3)
        shapes |= {f"{name}.noise_injector.weight": (1,), f"{name}.activate.bias": (outputs,)}
    for name, inputs in pictures:
        shapes |= {**modulated(name, inputs, 3, 1), f"{name}.bias": (1, 3, 1, 1)}
    for i in range(2 * len(levels) - 1):
        shapes[f"injected_noise_{i}"] = (1, 1, 2 ** ((i + 5) // 2), 2 ** ((i + 5) // 2))
    return shapes


def published(
    side: int, size: int, channels: dict[int, int] = CHANNELS, *, rrdb: int = 64, blocks: int = 23
) -> Shapes:
    """Name -> shape of every tensor of MMagic's GLEANStyleGANv2."""
    shapes = convolution("encoder.0.0.conv_first", 3, rrdb)
    for i in range(blocks):
        for j in (1, 2, 3):
            for k in range(5):
                name = f"encoder.0.0.body.{i}.rdb{j}.conv{k + 1}"
                shapes |= convolution(name, rrdb + k * rrdb // 2, rrdb if k == 4 else rrdb // 2)
    shapes |= convolution("encoder.0.0.conv_body", rrdb, rrdb)
    shapes |= convolution("encoder.0.1", rrdb, channels[side])
    halved = [s for s in sorted(channels, reverse=True) if 4 < s <= side]
    for i, s in enumerate(halved, start=1):
        shapes |= convolution(f"encoder.{i}.0", channels[s], channels[s // 2])
        shapes |= convolution(f"encoder.{i}.2", channels[s // 2], channels[s // 2])
    last = f"encoder.{len(halved) + 1}"
    styles = 2 * int(math.log2(size)) - 2
    shapes |= convolution(f"{last}.0", channels[4], channels[4])
    shapes[f"{last}.3.weight"] = (styles * 512, 16 * channels[4])
    shapes[f"{last}.3.bias"] = (styles * 512,)
    for i, s in enumerate([4, *halved[::-1]]):
        shapes |= convolution(f"fusion_out.{i}", 2 * channels[s], channels[s])
        shapes |= convolution(f"fusion_skip.{i}", channels[s] + 3, 3)
    made = [s for s in channels if side <= s <= size]
    for i, s in enumerate(made):
        inputs = channels[s] if s == side else 2 * channels[s]
        if s < size:
            shapes |= convolution(f"decoder.{i}.upsample_conv", inputs, 4 * channels[2 * s])
        else:
            shapes |= convolution(f"decoder.{i}.0", inputs, 64)
            shapes |= convolution(f"decoder.{i}.2", 64, 3)
    return shapes | {f"generator.{n}": s for n, s in generator(size, channels).items()}


@pytest.mark.parametrize(("side", "size"), [(32, 256), (16, 256), (64, 1024), (128, 1024)])
def test_every_tensor_of_the_published_networks_has_its_place(side, size):
    spec = find(f"glean-{side}-{size}")
    ours = {n: tuple(t.shape) for n, t in build_empty(spec, size // side).state_dict().items()}
    network = published(side, size)
    trained = sum(math.prod(s) for n, s in network.items() if not n.startswith("generator."))
    assert trained == spec.parameters[size // side]
    beside = {
        "discriminator.convs.0.0.conv.weight_orig": (128, 3, 1, 1),
        "perceptual_loss.vgg.vgg_layers.0.weight": (64, 3, 3, 3),
        "step_counter": (1,),
    }
    for prefix, others in (("", {}), ("generator.", beside)):
        theirs = {prefix + name: shape for name, shape in network.items()}
        found = names_in({**theirs, **others})
        assert {name: own_shape(name, theirs[full]) for name, full in found.items()} == ours
        unused = set(theirs) - set(found.values())
        assert all(".kernel" in name or ".style_mapping." in name for name in unused)


def test_other_files_are_no_glean():
    assert names_in(generator(64, CHANNELS)) == {}
    assert names_in({"conv_first.weight": (64, 3, 3, 3)}) == {}
    assert names_in(build_empty(find("glean-32-256"), 8).state_dict()) == {}


def drawn(shapes: Shapes, seed: int) -> dict[str, Tensor]:
    """Random tensors of these shapes, the size of each layer's results kept."""
    draw = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in shapes.items():
        numbers = torch.randn(shape, generator=draw, dtype=torch.float64)
        plain = name.endswith(".weight") and len(shape) > 1
        found[name] = numbers / math.sqrt(math.prod(shape[1:])) if plain else numbers
    return found


SMALL = {4: 6, 8: 6, 16: 6, 32: 6}


def computed(state: dict[str, Tensor], lr: Tensor) -> Tensor:
    """8x8 to 32x32 pixels by the formulas of the paper and of StyleGAN2, name by name."""

    def convolved(x: Tensor, name: str, stride: int = 1) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, padding=1)

    def leaky(x: Tensor) -> Tensor:
        return torch.where(x > 0, x, 0.2 * x)

    def dense(x: Tensor, name: str) -> Tensor:
        seen = [x]
        for k in (1, 2, 3, 4):
            seen.append(leaky(convolved(torch.cat(seen, dim=1), f"{name}.conv{k}")))
        return x + 0.2 * convolved(torch.cat(seen, dim=1), f"{name}.conv5")

    def drawn_by(x: Tensor, latent: Tensor, name: str, noise: int) -> Tensor:
        """A convolution with weights made for each picture, noise, bias and activation."""
        here = f"generator.{name}"
        style = state[f"{here}.conv.style_modulation.linear.weight_orig"] / math.sqrt(512)
        style = F.linear(latent, style, state[f"{here}.conv.style_modulation.bias"])
        base = state[f"{here}.conv.weight_orig"][0]
        results = []
        for one, scale in zip(x, style, strict=True):
            weight = base / math.sqrt(base[0].numel()) * scale[None, :, None, None]
            weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
            if f"{here}.conv.blur.kernel" in state:
                y = F.conv_transpose2d(one[None], weight.transpose(0, 1), stride=2)
                tile = torch.outer(*[torch.tensor([1.0, 3, 3, 1], dtype=x.dtype)] * 2) / 16
                y = F.conv2d(
                    F.pad(y, (1, 1, 1, 1)), tile.expand(len(base), 1, 4, 4), groups=len(base)
                )
            else:
                y = F.conv2d(one[None], weight, padding=1)
            results.append(y)
        y = (
            torch.cat(results)
            + state[f"{here}.noise_injector.weight"] * state[f"generator.injected_noise_{noise}"]
        )
        return leaky(y + state[f"{here}.activate.bias"][:, None, None]) * math.sqrt(2)

    first = convolved(lr * 2 - 1, "encoder.0.0.conv_first")
    x = first
    for j in (1, 2, 3):
        x = dense(x, f"encoder.0.0.body.0.rdb{j}")
    x = convolved(first + 0.2 * x, "encoder.0.0.conv_body")
    at_8 = leaky(convolved(first + x, "encoder.0.1"))
    at_4 = leaky(convolved(leaky(convolved(at_8, "encoder.1.0", 2)), "encoder.1.2"))
    x = leaky(convolved(at_4, "encoder.2.0")).flatten(1)
    latent = F.linear(x, state["encoder.2.3.weight"], state["encoder.2.3.bias"]).view(-1, 8, 512)

    x = state["generator.constant_input.input"].expand(len(lr), -1, -1, -1)
    x = drawn_by(x, latent[:, 0], "conv1", 0)
    x = convolved(torch.cat((x, at_4), dim=1), "fusion_out.0")
    x = drawn_by(x, latent[:, 1], "convs.0", 1)
    x = drawn_by(x, latent[:, 2], "convs.1", 2)
    x = convolved(torch.cat((x, at_8), dim=1), "fusion_out.1")
    x = drawn_by(x, latent[:, 3], "convs.2", 3)
    of_16 = drawn_by(x, latent[:, 4], "convs.3", 4)
    of_32 = drawn_by(of_16, latent[:, 5], "convs.4", 5)
    of_32 = drawn_by(of_32, latent[:, 6], "convs.5", 6)

    x = F.pixel_shuffle(convolved(at_8, "decoder.0.upsample_conv"), 2)
    x = F.pixel_shuffle(convolved(torch.cat((x, of_16), dim=1), "decoder.1.upsample_conv"), 2)
    x = leaky(convolved(torch.cat((x, of_32), dim=1), "decoder.2.0"))
    return (convolved(x, "decoder.2.2") + 1) / 2


def test_the_published_weights_compute_what_the_formulas_say():
    """Each layer's place matters: the result by names agrees with that of our network."""
    theirs = drawn(published(8, 32, SMALL, rrdb=8, blocks=1), seed=0)
    network = GLEAN(4, side=8, channels=6, rrdb_channels=8, rrdb_blocks=1).double()
    found = names_in(theirs)
    network.load_state_dict(
        {
            n: theirs[full].reshape(own_shape(n, tuple(theirs[full].shape)))
            for n, full in found.items()
        }
    )
    lr = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        expected = computed(theirs, lr)
        assert expected.std() > 0.1
        assert (network(lr) - expected).abs().max() < 1e-9


def test_a_state_dict_in_their_names_comes_back_equal():
    torch.manual_seed(0)
    network = GLEAN(4, side=8, channels=6, rrdb_channels=8, rrdb_blocks=1)
    state, shapes = network.state_dict(), published(8, 32, SMALL, rrdb=8, blocks=1)
    found = names_in(shapes)
    theirs = {full: state[name].reshape(shapes[full]) for name, full in found.items()}
    back = {n: theirs[f].reshape(own_shape(n, tuple(theirs[f].shape))) for n, f in found.items()}
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("ema", ["generator_ema.", "generator_ema.module.", ""])
def test_the_bank_is_filled_from_a_checkpoint_of_mmagic(tmp_path, ema):
    """The averaged generator is taken, not the one beside it; a generator alone is taken too."""
    theirs = {name: t.float() for name, t in drawn(generator(32, SMALL), seed=1).items()}
    stored = {ema + name: tensor for name, tensor in theirs.items()}
    if ema:
        stored |= {f"generator.{name}": tensor + 1 for name, tensor in theirs.items()}
        stored["discriminator.convs.0.0.conv.weight_orig"] = torch.zeros(6, 3, 1, 1)
    torch.save({"meta": {}, "state_dict": stored}, tmp_path / "stylegan2.pth")
    network = GLEAN(4, side=8, channels=6, rrdb_channels=8, rrdb_blocks=1)
    fill_bank(network, tmp_path / "stylegan2.pth")
    bank = network.bank.state_dict()
    assert torch.equal(bank["constant"], theirs["constant_input.input"])
    assert torch.equal(bank["blocks.2.convs.1.weight"], theirs["convs.3.conv.weight_orig"][0])
    assert torch.equal(bank["blocks.3.convs.0.noise"], theirs["injected_noise_5"])
    assert torch.equal(bank["blocks.1.to_rgb.bias"], theirs["to_rgbs.0.bias"].flatten())
    named = generator_tensors(theirs)
    assert {name.removeprefix("synthesis.") for name in named if "mapping" not in name} == set(bank)
    assert averaged(["a", "b.c"]) == {"a": "a", "b.c": "b.c"}
