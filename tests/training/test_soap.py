"""SOAP beside torch's Adam, which it is in axes of its own."""

import pytest
import torch
from torch import nn

from superfine.training.soap import Soap, values_remembered


def soap(parameters, **values):
    settings = {"lr": 0.01, "betas": (0.95, 0.95), "eps": 1e-8, "every": 10} | values
    return Soap([{"params": list(parameters)}], **settings)


def gradients(shape, steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for _ in range(steps)]


def walk(optimiser, parameter, steps):
    for gradient in steps:
        parameter.grad = gradient.clone()
        optimiser.step()
    return parameter.detach()


def test_vectors_take_adam():
    steps = gradients((7,), 20)
    own, theirs = nn.Parameter(torch.ones(7)), nn.Parameter(torch.ones(7))
    expected = walk(torch.optim.Adam([theirs], lr=0.01, betas=(0.9, 0.99)), theirs, steps)
    torch.testing.assert_close(walk(soap([own], betas=(0.9, 0.99)), own, steps), expected)


def test_sides_too_long_for_axes_take_adam():
    shape = (1, 2049)
    steps = gradients(shape, 5)
    own, theirs = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.ones(shape))
    expected = walk(torch.optim.Adam([theirs], lr=0.01, betas=(0.95, 0.95)), theirs, steps)
    torch.testing.assert_close(walk(soap([own]), own, steps), expected)


def test_the_axes_are_the_eigenvectors_of_the_mean_covariance():
    """Gradients always spread along the same turned axes: those are found, largest first."""
    true = torch.linalg.qr(gradients((6, 6), 1, seed=1)[0])[0]
    spread = torch.tensor([32.0, 16, 8, 4, 2, 1])
    weight = nn.Parameter(torch.zeros(6, 40))
    used = soap([weight], betas=(0.95, 0.99), every=5)
    walk(used, weight, [true @ (spread[:, None] * g) for g in gradients((6, 40), 300)])
    found = used.state[weight]["row_axes"]
    torch.testing.assert_close((true.T @ found).abs(), torch.eye(6), atol=0.05, rtol=0)


def test_axes_and_squares_stay_what_they_are_called():
    """Axes stay orthogonal, and each square stays with the axes it was measured on."""
    weight = nn.Parameter(torch.zeros(5, 3, 3, 3))
    used = soap([weight], every=2)
    walk(used, weight, gradients(weight.shape, 41))
    state = used.state[weight]
    for axes in (state["row_axes"], state["column_axes"]):
        torch.testing.assert_close(axes.T @ axes, torch.eye(len(axes)), atol=1e-5, rtol=0)
    # Noise of 1 in every direction: no axis is larger than another.
    assert state["squares"].mean() == pytest.approx(1, abs=0.2)


def test_a_turned_valley_is_left_sooner_than_by_adam():
    """min |A W B - C|², ill-conditioned along axes that no parameter follows; what it is for."""
    generator = torch.Generator().manual_seed(0)

    def ill(n):
        turn = torch.linalg.qr(torch.randn(n, n, generator=generator))[0]
        return turn @ torch.diag(torch.logspace(0, -2, n)) @ turn.T

    left, right = ill(8), ill(12)
    target = left @ torch.randn(8, 12, generator=generator) @ right

    def loss_after(make):
        weight = nn.Parameter(torch.zeros(8, 12))
        used = make([weight])
        for step in range(400):
            for group in used.param_groups:
                group["lr"] = 0.05 * (1 - step / 400)
            used.zero_grad()
            loss = (left @ weight @ right - target).square().sum()
            loss.backward()
            used.step()
        return float(loss.detach())

    assert loss_after(soap) < 0.1 * loss_after(lambda p: torch.optim.Adam(p, lr=0.05))


def test_the_first_gradient_only_makes_the_axes():
    weight, bias = nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(3))
    weight.grad, bias.grad = torch.ones(3, 4), torch.ones(3)
    soap([weight, bias]).step()
    assert bool((weight == 1).all())
    assert bool((bias < 1).all())


@pytest.mark.parametrize("shape", [(3,), (5, 1), (4, 3, 3, 3), (2, 2049), (1, 9)])
def test_what_is_remembered_is_told_before(shape):
    weight = nn.Parameter(torch.zeros(shape))
    used = soap([weight])
    walk(used, weight, gradients(shape, 12))
    state = used.state[weight].values()
    assert sum(t.numel() for t in state) == values_remembered(shape)
