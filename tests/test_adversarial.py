"""Adversarial losses against values worked out by hand."""

import math

import pytest
import torch

from superfine.adversarial import (
    relativistic_discriminator,
    relativistic_generator,
    vanilla_discriminator,
    vanilla_generator,
)

# σ(ln 3) = 3/4 and σ(-ln 3) = 1/4; σ(0) = 1/2.
LN2, LN3 = math.log(2), math.log(3)


def test_vanilla_generator():
    """-ln 3/4 and -ln 1/4, averaged."""
    expected = (-math.log(3 / 4) - math.log(1 / 4)) / 2
    assert vanilla_generator(torch.tensor([[LN3], [-LN3]])).item() == pytest.approx(expected)


def test_vanilla_discriminator():
    """Real ones believed with 3/4 and 1/2; one restored, believed with 3/4, thus 1/4 refused."""
    real, fake = torch.tensor([LN3, 0.0]), torch.tensor([LN3, LN3])
    expected = (-math.log(3 / 4) - math.log(1 / 2)) / 2 - math.log(1 / 4)
    assert vanilla_discriminator(real, fake).item() == pytest.approx(expected)


def test_who_only_guesses_has_two_ln_two():
    same = torch.full((2, 1, 3, 3), 5.0)
    assert vanilla_discriminator(same * 0, same * 0).item() == pytest.approx(2 * LN2)
    assert relativistic_discriminator(same, same).item() == pytest.approx(2 * LN2)
    assert relativistic_generator(same, same).item() == pytest.approx(2 * LN2)


def test_relativistic_average():
    """Real 2·ln 3 and 0 around ln 3, restored all 0: the real ones are 2·ln 3 and 0 above the mean
    of the restored, believed with 9/10 and 1/2; the restored are ln 3 below the mean of the real,
    believed with 1/4, thus 3/4 refused."""
    real, fake = torch.tensor([2 * LN3, 0.0]), torch.zeros(2)
    expected = -(math.log(9 / 10) + math.log(1 / 2)) / 2 - math.log(3 / 4)
    assert relativistic_discriminator(real, fake).item() == pytest.approx(expected)
    turned = -(math.log(1 / 10) + math.log(1 / 2)) / 2 - math.log(1 / 4)
    assert relativistic_generator(real, fake).item() == pytest.approx(turned)


def test_only_differences_count_for_the_relativistic():
    real, fake = torch.tensor([0.3, -1.2, 2.0]), torch.tensor([0.1, 0.7, -0.4])
    one = relativistic_discriminator(real, fake)
    assert relativistic_discriminator(real + 7, fake + 7).item() == pytest.approx(one.item())


def test_each_side_is_pulled_its_own_way():
    """The discriminator raises real logits and lowers restored ones; the network raises these."""
    real = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    fake = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    for loss in (vanilla_discriminator(real, fake), relativistic_discriminator(real, fake)):
        to_real, to_fake = torch.autograd.grad(loss, (real, fake))
        assert to_real.max() < 0 < to_fake.min()
    for loss in (vanilla_generator(fake), relativistic_generator(real.detach(), fake)):
        (to_fake,) = torch.autograd.grad(loss, fake)
        assert to_fake.max() < 0


def test_very_large_logits_stay_finite():
    huge = torch.full((2,), 1e4)
    for loss in (vanilla_generator(-huge), vanilla_discriminator(-huge, huge)):
        assert torch.isfinite(loss)
    assert relativistic_discriminator(-huge, huge).item() == pytest.approx(4e4)
