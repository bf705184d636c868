"""Step sizes as the schedules draw them, clipping, and an optimiser that goes on where it was."""

import itertools

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from superfine.errors import UsageError
from superfine.models import find
from superfine.training.optimiser import (
    PlateauState,
    clip,
    make_optimiser,
    restore,
    set_rate,
    share_of_rate,
    tensors_of,
)
from superfine.training.recipe.types import Clip, Optimiser, Plateau, Schedule


def schedule(**values):
    return TypeAdapter(Schedule).validate_python(values)


def shares(steps: int, **values) -> list[float]:
    return [share_of_rate(schedule(**values), s, steps, PlateauState()) for s in range(steps)]


def test_the_cosine_climbs_and_falls():
    found = shares(1000, kind="cosine", warm_up=100)
    assert found[0] == pytest.approx(0.01)
    assert max(found) == 1
    assert found.index(1.0) in (99, 100)
    assert found[550] == pytest.approx(0.5)
    assert found[-1] < 1e-4
    assert all(a >= b for a, b in itertools.pairwise(found[100:]))


def test_the_cosine_ends_at_its_floor():
    assert shares(1000, kind="cosine", floor=0.1)[-1] == pytest.approx(0.1, abs=1e-4)


def test_steps_halve_until_the_floor():
    found = shares(50, kind="step", every=10, factor=0.5, floor=0.2)
    assert found[::10] == [1, 0.5, 0.25, 0.2, 0.2]
    assert found[9] == 1


def test_milestones():
    assert shares(6, kind="multistep", at=[2, 4], factor=0.1) == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_a_polynomial_of_power_two():
    assert shares(4, kind="poly", power=2) == [1, 0.5625, 0.25, 0.0625]


def test_the_plateau_waits_and_falls():
    state, plan = PlateauState(), Plateau(patience=2, factor=0.1, floor=0.005, better_by=0.1)
    for score, expected in ((30, 1), (31, 1), (31.05, 1), (31, 0.1), (32, 0.1), (32, 0.1)):
        state.see(score, plan)
        assert state.share == expected, score
    for _ in range(9):
        state.see(0, plan)
    assert state.share == 0.005
    assert share_of_rate(plan, 3, 10, state) == 0.005


def optimiser(network, **values):
    return make_optimiser(TypeAdapter(Optimiser).validate_python(values), network)


def test_layers_have_rates_of_their_own():
    network = find("srcnn-915").build(2)
    found = optimiser(network, kind="sgd", learning_rate=1e-4, layers={"reconstruct": 0.1})
    set_rate(found, 1e-4)
    rates = {id(p): group["lr"] for group in found.param_groups for p in group["params"]}
    assert rates[id(network.reconstruct.bias)] == pytest.approx(1e-5)
    assert rates[id(network.extract.weight)] == pytest.approx(1e-4)
    assert len(rates) == 6


def test_the_longest_name_counts():
    network = find("vdsr").build(2)
    found = optimiser(
        network, kind="adam", learning_rate=1, layers={"layers.1": 0.5, "layers.19": 0.1}
    )
    factors = {id(p): group["rate"] for group in found.param_groups for p in group["params"]}
    assert factors[id(network.layers[19].weight)] == 0.1
    assert factors[id(network.layers[10].weight)] == 0.5
    assert factors[id(network.layers[2].weight)] == 1


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"layers.*'tail'") as caught:
        optimiser(find("srcnn-915").build(2), kind="adamw", learning_rate=1, layers={"tail": 1})
    assert "reconstruct" in caught.value.hint


def gradient(values) -> nn.Parameter:
    parameter = nn.Parameter(torch.zeros(len(values)))
    parameter.grad = torch.tensor(values)
    return parameter


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"kind": "norm", "at": 2.5}, [1.5, -2.0]),
        ({"kind": "value", "at": 3.5}, [3.0, -3.5]),
        # VDSR: ± theta / rate = ± 0.01 / 0.004.
        ({"kind": "adjustable", "theta": 0.01}, [2.5, -2.5]),
    ],
)
def test_clipping(words, expected):
    parameter = gradient([3.0, -4.0])
    clip(TypeAdapter(Clip).validate_python(words), [parameter], 0.004)
    assert parameter.grad.tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "words",
    [
        {"kind": "sgd", "momentum": 0.9, "weight_decay": 1e-4},
        {"kind": "adam", "weight_decay": 1e-4},
        {"kind": "adamw", "weight_decay": 1e-2},
        {"kind": "soap", "every": 2},
    ],
)
def test_an_optimiser_goes_on_where_it_was(words):
    """Three steps, or one, a rest and two, end in the same bits, channels last included."""

    def steps(network, used, first, last):
        for i in range(first, last):
            used.zero_grad()
            lr = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(i))
            network(lr.contiguous(memory_format=torch.channels_last)).square().mean().backward()
            used.step()

    def fresh():
        torch.manual_seed(0)
        network = find("espcn").build(2).to(memory_format=torch.channels_last)
        return network, optimiser(network, learning_rate=1e-2, **words)

    whole, used = fresh()
    steps(whole, used, 0, 3)
    first, early = fresh()
    steps(first, early, 0, 1)
    kept = {name: value.contiguous().clone() for name, value in tensors_of(early).items()}
    weights = {name: value.contiguous().clone() for name, value in first.state_dict().items()}
    second, late = fresh()
    second.load_state_dict(weights)
    restore(late, kept)
    steps(second, late, 1, 3)
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
