"""The GLEAN of one reader, small enough for seconds; the full size is only counted."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from superfine.errors import ModelFileError, SizeMismatchError
from superfine.models import find, parameter_count
from superfine.models.glean_seed import SeedGLEAN, bank_names, load_stylegan
from superfine.models.stylegan1 import Mapping, Synthesis, pulse_name, width
from superfine.schema import build_empty
from superfine.training.bank import fill_bank


def small() -> SeedGLEAN:
    """8x8 to 32x32 pixels."""
    torch.manual_seed(0)
    return SeedGLEAN(4, side=8, channels=16, features=8, rrdb_blocks=1).eval()


def pictures(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_the_counts_are_those_of_the_projects_specification():
    spec = find("glean-seed")
    assert (spec.scales, spec.side) == ((32,), 32)
    network = build_empty(spec, 32)
    assert isinstance(network, SeedGLEAN)
    assert parameter_count(network.encoder) == 16_697_987
    assert parameter_count(network) == spec.parameters[32] == 30_941_030
    assert not any(
        p.requires_grad for p in [*network.mapping.parameters(), network.synthesis.constant]
    )


def test_the_layers_are_those_of_the_projects_specification():
    """c(i -> o) as the specification lists them for 32x32 to 1024x1024 pixels."""
    network = build_empty(find("glean-seed"), 32)

    def sizes(layers) -> list[tuple[int, int]]:
        return [(c.in_channels, c.out_channels) for c in layers]

    assert sizes(part[0] for part in network.doubling) == [
        (64, 512), (128 + 256, 512), (128 + 128, 256), (64 + 64, 128), (32 + 32, 64),
    ]  # fmt: skip
    assert sizes(network.fuse) == [(64 + 512, 512)] * 4
    assert sizes([network.tail]) == [(16 + 16, 3)]
    assert [width(4 * 2**i, 512) for i in range(9)] == [512] * 4 + [256, 128, 64, 32, 16]


def test_a_picture_is_what_it_is_whatever_the_batch():
    """One picture alone gives numbers (there: NaN), the same as among others, and again."""
    network, lr = small().double(), pictures(3).double()
    with torch.no_grad():
        together = network(lr)
        assert together.shape == (3, 3, 32, 32)
        singles = torch.cat([network(one[None]) for one in lr])
        assert torch.isfinite(singles).all()
        assert (together - singles).abs().max() < 1e-9
        assert torch.equal(network.train()(lr), together)


def test_gradient_reaches_all_that_learns_and_none_of_the_bank():
    """All but the last convolution of ESRGAN, which the counts hold and which reaches no output."""
    network = small().train()
    lr = pictures(1).requires_grad_()
    network(lr).square().mean().backward()
    assert lr.grad is not None
    assert lr.grad.abs().max() > 0
    for name, parameter in network.named_parameters():
        frozen = name.startswith(("mapping.", "synthesis."))
        assert parameter.requires_grad != frozen
        if frozen or name.startswith("encoder.picture."):
            assert parameter.grad is None, name
        else:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0, name


def test_another_size_is_refused():
    with pytest.raises(SizeMismatchError, match="8x9, but this GLEAN takes 8x8 only"):
        small()(torch.rand(1, 3, 9, 8))


def pulse_files(size: int, channels: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Random tensors under the names and in the shapes of PULSE's mapping.pt and synthesis.pt."""
    draw = torch.Generator().manual_seed(3)

    def numbers(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw)

    mapping = {}
    for i in range(8):
        mapping[f"dense{i}.weight"], mapping[f"dense{i}.bias"] = numbers(512, 512), numbers(512)
    synthesis, before = {}, channels
    for power in range(2, int(math.log2(size)) + 1):
        side = 2**power
        now = min(channels, 32 * channels // side)
        here = f"blocks.{side}x{side}"
        if side == 4:
            synthesis[f"{here}.const"] = numbers(1, now, 4, 4)
            synthesis[f"{here}.bias"] = numbers(now)
            convolutions = {"conv": now}
        else:
            convolutions = {"conv0_up": before, "conv1": now}
            synthesis[f"{here}.conv0_up.intermediate.kernel"] = torch.full((1, 1, 3, 3), 1 / 16)
        for name, inputs in convolutions.items():
            synthesis[f"{here}.{name}.weight"] = numbers(now, inputs, 3, 3)
            synthesis[f"{here}.{name}.bias"] = numbers(now)
        for name in ("epi1", "epi2"):
            synthesis[f"{here}.{name}.noise.weight"] = numbers(now)
            synthesis[f"{here}.{name}.style_mod.lin.weight"] = numbers(2 * now, 512)
            synthesis[f"{here}.{name}.style_mod.lin.bias"] = numbers(2 * now)
        before = now
    synthesis["torgb.weight"], synthesis["torgb.bias"] = numbers(3, before, 1, 1), numbers(3)
    return mapping, synthesis


def drawn_plainly(
    files: tuple[dict[str, Tensor], dict[str, Tensor]], z: Tensor, noise: list[Tensor]
) -> Tensor:
    """The picture of `z` by StyleGAN's formulas, step by step, in float64."""
    mapping, synthesis = ({n: t.double() for n, t in file.items()} for file in files)
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    for i in range(8):
        weight = mapping[f"dense{i}.weight"] * math.sqrt(2 / 512) * 0.01
        x = F.leaky_relu(F.linear(x, weight, mapping[f"dense{i}.bias"] * 0.01), 0.2)
    latent, noises = x, iter(noise)

    def styled(x: Tensor, name: str) -> Tensor:
        strength = synthesis[f"{name}.noise.weight"][:, None, None]
        x = F.leaky_relu(x + strength * next(noises), 0.2)
        deviation, mean = torch.std_mean(x, dim=(2, 3), correction=0, keepdim=True)
        x = (x - mean) / (deviation.square() + 1e-5).sqrt()
        weight = synthesis[f"{name}.style_mod.lin.weight"] / math.sqrt(512)
        style = F.linear(latent, weight, synthesis[f"{name}.style_mod.lin.bias"])
        half = x.shape[1]
        return x * (style[:, :half, None, None] + 1) + style[:, half:, None, None]

    x = synthesis["blocks.4x4.const"].expand(len(z), -1, -1, -1)
    side = 4
    while f"blocks.{side}x{side}.epi1.noise.weight" in synthesis:
        here = f"blocks.{side}x{side}"
        bias = f"{here}.bias"
        if side > 4:
            bias = f"{here}.conv0_up.bias"
            weight = synthesis[f"{here}.conv0_up.weight"]
            weight = weight * math.sqrt(2 / weight[0].numel())
            if side >= 128:  # fused: four shifted kernels added, as the transposed convolution's
                wide = F.pad(weight.transpose(0, 1), (1, 1, 1, 1))
                four = (
                    wide[..., 1:, 1:]
                    + wide[..., :-1, 1:]
                    + wide[..., 1:, :-1]
                    + wide[..., :-1, :-1]
                )
                x = F.conv_transpose2d(x, four, stride=2, padding=1)
            else:
                x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
                x = F.conv2d(x, weight, padding=1)
            tent = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 1])).double() / 16
            x = F.conv2d(x, tent.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])
        x = styled(x + synthesis[bias][:, None, None], f"{here}.epi1")
        name = f"{here}.conv" if side == 4 else f"{here}.conv1"
        weight = synthesis[f"{name}.weight"]
        weight = weight * math.sqrt(2 / weight[0].numel())
        x = styled(F.conv2d(x, weight, synthesis[f"{name}.bias"], padding=1), f"{here}.epi2")
        side *= 2
    weight = synthesis["torgb.weight"]
    return F.conv2d(x, weight / math.sqrt(weight.shape[1]), synthesis["torgb.bias"])


def test_pulses_files_draw_what_stylegans_formulas_say():
    """Up to 128 pixels, where enlarging turns its kernel around."""
    files = pulse_files(128, channels=8)
    mapping, synthesis = Mapping(), Synthesis(128, channels=8)
    named = {pulse_name(name): t for file in files for name, t in file.items()}
    state = {f"mapping.{name}": t for name, t in mapping.state_dict().items()}
    state |= {f"synthesis.{name}": t for name, t in synthesis.state_dict().items()}
    noise = [t.double() for name, t in state.items() if name.endswith(".noise")]
    assert len(noise) == 12
    for name, ours in state.items():
        if not name.endswith(".noise"):
            ours.copy_(named[name])
    left = {name for name in named if name not in state}
    assert all(name.endswith(".kernel") for name in left)
    mapping, synthesis = mapping.double(), synthesis.double()
    z = torch.randn(2, 512, generator=torch.Generator().manual_seed(2)).double()
    with torch.no_grad():
        picture = synthesis(mapping(z)[:, None].expand(-1, 12, -1))
        assert picture.shape == (2, 3, 128, 128)
        assert (picture - drawn_plainly(files, z, noise)).abs().max() < 1e-9


def test_the_bank_is_filled_from_pulses_two_files(tmp_path):
    mapping, synthesis = pulse_files(32, channels=16)
    torch.save(mapping, tmp_path / "mapping.pt")
    torch.save(synthesis, tmp_path / "synthesis.pt")
    torch.save({**mapping, **synthesis}, tmp_path / "both.pth")
    for file in ("synthesis.pt", "both.pth"):
        network = small()
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        fill_bank(network, tmp_path / file)
        named = {pulse_name(name): t for name, t in {**mapping, **synthesis}.items()}
        for name, tensor in network.state_dict().items():
            expected = named[name] if name in bank_names(network) else before[name]
            assert torch.equal(tensor, expected), name
        assert set(named) - set(bank_names(network)) == {n for n in named if n.endswith(".kernel")}


def test_generators_that_do_not_fit_change_nothing(tmp_path):
    mapping, synthesis = pulse_files(16, channels=16)
    network = small()
    before = network.synthesis.constant.clone()
    torch.save(synthesis, tmp_path / "synthesis.pt")
    with pytest.raises(
        ModelFileError, match=r"synthesis.pt: .* mapping\.layers\.0\.weight is miss"
    ):
        fill_bank(network, tmp_path / "synthesis.pt")
    with pytest.raises(ModelFileError, match=r"blocks\.3\.layers\.0\.weight is missing"):
        load_stylegan(network, {**mapping, **synthesis})
    with pytest.raises(
        ModelFileError, match=r"constant is \(1, 8, 4, 4\), expected \(1, 16, 4, 4\)"
    ):
        load_stylegan(network, {**mapping, **pulse_files(32, channels=8)[1]})
    assert torch.equal(network.synthesis.constant, before)
