"""Training a StyleGAN2 for the bank: both networks learn, the average follows, and it is used."""

import math

import numpy as np
import pytest
import torch

from superfine.errors import TrainingError, UsageError
from superfine.models.glean import GLEAN
from superfine.models.stylegan2 import StyledConv
from superfine.training.bank import fill_bank
from superfine.training.generator import (
    GeneratorLearner,
    GeneratorRecipe,
    crops_of,
    save_weights,
    train_generator,
)

CPU = torch.device("cpu")


def recipe_of(**changes) -> GeneratorRecipe:
    values = {"size": 16, "steps": 3, "channels": 8, "batch": 4, "half_life": 100.0}
    return GeneratorRecipe(**{**values, **changes})


def stripes(count: int = 3) -> list[torch.Tensor]:
    """Pictures of 24x20 pixels whose columns alternate between two colours."""
    draw = torch.Generator().manual_seed(0)
    colours = torch.randint(256, (count, 2, 3), generator=draw)
    return [
        torch.stack([pair[x % 2] for x in range(20)], dim=1)[:, None]
        .expand(-1, 24, -1)
        .byte()
        .contiguous()
        for pair in colours
    ]


def values_of(network) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.named_parameters()}


def test_every_value_of_both_networks_learns_and_r1_comes_every_16th_step():
    learner = GeneratorLearner(recipe_of(), CPU)
    before = values_of(learner.generator), values_of(learner.discriminator)
    real = torch.rand(4, 3, 16, 16)
    told = [learner.step(real) for _ in range(17)]
    for network, old in zip((learner.generator, learner.discriminator), before, strict=True):
        for name, parameter in network.named_parameters():
            assert not torch.equal(parameter, old[name]), name
    assert [step for step, losses in enumerate(told) if "r1" in losses] == [0, 16]


def test_r1_is_the_squared_gradient_for_pictures_on_plus_and_minus_one():
    """A discriminator that adds up the values on [0, 1] has a slope of a half everywhere."""
    learner = GeneratorLearner(recipe_of(), CPU)

    class Sum(torch.nn.Module):
        def forward(self, picture):
            return picture.sum(dim=(1, 2, 3))[:, None]

    learner.discriminator = Sum()
    assert learner._slope(torch.rand(2, 3, 16, 16)).item() == pytest.approx(3 * 16 * 16 / 4)


def test_the_average_follows_the_generator_and_keeps_its_noise():
    learner = GeneratorLearner(recipe_of(half_life=1.5), CPU)
    noise = [m.noise.clone() for m in learner.averaged.modules() if isinstance(m, StyledConv)]
    constants = [learner.averaged.synthesis.constant.clone()]
    for _ in range(12):
        learner.step(torch.rand(4, 3, 16, 16))
        constants.append(learner.generator.synthesis.constant.detach().clone())
    # Half is forgotten after 5 % of the pictures so far, or after one and a half.
    expected = constants[0]
    for step, constant in enumerate(constants[1:], start=1):
        expected = torch.lerp(constant, expected, 0.5 ** (4 / min(1.5, 0.05 * 4 * step)))
    assert (learner.averaged.synthesis.constant - expected).abs().max() < 1e-5
    kept = [m.noise for m in learner.averaged.modules() if isinstance(m, StyledConv)]
    assert all(torch.equal(a, b) for a, b in zip(noise, kept, strict=True))
    drawn = [m.noise for m in learner.generator.modules() if isinstance(m, StyledConv)]
    assert not any(torch.equal(a, b) for a, b in zip(noise, drawn, strict=True))


def test_the_same_recipe_gives_the_same_networks_and_leaves_the_global_numbers_alone():
    state = torch.random.get_rng_state()
    one, two, other = (
        train_generator(crops_of(stripes(), size=16), recipe_of(seed=seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    for a, b in zip(one.averaged.parameters(), two.averaged.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.averaged.synthesis.constant, other.averaged.synthesis.constant)


def test_crops_are_squares_of_the_pictures():
    source = crops_of(stripes(), size=16)
    assert source.count(1) == 3 * 9 * 5
    crops = source.batch(np.arange(50, dtype=np.uint64), 1).lr
    assert crops.shape == (50, 3, 16, 16)
    assert (crops[..., 2:] == crops[..., :-2]).all()  # columns alternate: mirrored, never turned
    with pytest.raises(UsageError, match="holds a patch of 25x25"):
        crops_of(stripes(), size=25)


@pytest.mark.slow
def test_what_it_draws_comes_to_look_like_the_pictures():
    """After seconds it draws squares of about one colour, about that of the pictures."""
    colour = torch.tensor([220, 60, 90])
    draw = torch.Generator().manual_seed(0)
    varied = colour + torch.randint(-20, 21, (16, 3), generator=draw)
    flat = [one[:, None, None].expand(3, 20, 20).byte().contiguous() for one in varied]
    told = []
    learner = train_generator(
        crops_of(flat, size=16),
        recipe_of(steps=60, batch=8, r1=1.0, half_life=50.0, learning_rate=1e-2),
        on_step=lambda step, losses: told.append((step, set(losses))),
    )
    assert [step for step, _ in told] == list(range(1, 61))
    assert told[0][1] == {"generator", "discriminator", "r1"}
    z = torch.randn(16, 512, generator=torch.Generator().manual_seed(0))
    found = []
    for generator in (GeneratorLearner(recipe_of(), CPU).averaged, learner.averaged):
        with torch.no_grad():
            pictures = (generator(z) + 1) / 2
        wrong = (pictures.mean(dim=(0, 2, 3)) - colour / 255).abs().max().item()
        found.append((wrong, pictures.std(dim=(2, 3)).mean().item()))
    (wrong_before, varied_before), (wrong, varied_now) = found
    assert wrong < 0.15 < wrong_before / 4
    assert varied_now < 0.3 < varied_before / 2


def test_a_loss_that_is_no_number_ends_the_training():
    learner = GeneratorLearner(recipe_of(), CPU)
    with torch.no_grad():
        learner.discriminator.answer.bias.fill_(math.nan)
    with pytest.raises(TrainingError, match="no number in step 1"):
        learner.step(torch.rand(4, 3, 16, 16))


def test_what_was_trained_fills_the_bank_of_a_glean(tmp_path):
    learner = train_generator(crops_of(stripes(), size=16), recipe_of())
    save_weights(learner.averaged, tmp_path / "bank.safetensors")
    network = GLEAN(2, side=8, channels=8, rrdb_channels=8, rrdb_blocks=1)
    fill_bank(network, tmp_path / "bank.safetensors")
    trained = learner.averaged.synthesis.state_dict()
    assert all(torch.equal(network.bank.state_dict()[n], t) for n, t in trained.items())
