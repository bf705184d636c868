"""What a step of training costs, told from shapes: nothing is computed and nothing allocated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from superfine.models import ModelSpec, find, parameter_count
from superfine.schema import build_empty
from superfine.training.network import form
from superfine.training.recipe.types import Optimiser, Recipe, Sgd, Soap
from superfine.training.soap import values_remembered

_BYTES = 4  # of a float32


@dataclass(frozen=True)
class ForwardCost:
    """What a network does with one patch while it learns.

    Attributes:
        macs: Multiplications with additions: those of convolutions and matrix products.
        saved_bytes: What is kept for the backward pass, in float32.
    """

    macs: int
    saved_bytes: int


@dataclass(frozen=True)
class Memory:
    """About how many bytes training takes, beside Python and torch themselves.

    Attributes:
        weights: The network.
        gradients: One value for each weight.
        optimiser: What it remembers of each weight.
        averaged: The averaged network; 0 where averaging is off.
        activations: What the forward pass keeps for the backward pass, for one piece of a batch.
        batch: The samples of a step.
        pictures: Decoded training data; 0 where it stays in its file.
    """

    weights: int
    gradients: int
    optimiser: int
    averaged: int
    activations: int
    batch: int
    pictures: int

    @property
    def lasting(self) -> int:
        """What stays whatever the batch is."""
        return self.weights + self.gradients + self.optimiser + self.averaged + self.pictures

    @property
    def total(self) -> int:
        """All of it."""
        return self.lasting + self.activations + self.batch


def inputs(spec: ModelSpec, scale: int, side: int, *, device: str = "meta") -> tuple[Tensor, ...]:
    """The arguments of a network for one square patch of `side` LR pixels, all zero."""
    lr = torch.zeros(1, spec.lr_channels, side, side, device=device)
    if not spec.guide_channels:
        return (lr,)
    return lr, torch.zeros(1, spec.guide_channels, scale * side, scale * side, device=device)


def forward_cost(spec: ModelSpec, scale: int, side: int) -> ForwardCost:
    """The cost of one patch of `side` LR pixels at `scale`."""
    return _forward_cost(spec.name, scale, side)


def output_scales(spec: ModelSpec, scale: int) -> tuple[int, ...]:
    """The scale of each output of a network while it learns, coarse to fine; the answer is last."""
    return _output_scales(spec.name, scale)


@cache
def _output_scales(name: str, scale: int) -> tuple[int, ...]:
    spec = find(name)
    side = spec.side or 8
    network = build_empty(spec, scale).to("meta").train()
    with torch.no_grad():
        found = network(*inputs(spec, scale, side))
    outputs = found if isinstance(found, tuple) else (found,)
    return tuple(output.shape[-1] // side for output in outputs)


@cache
def _forward_cost(name: str, scale: int, side: int) -> ForwardCost:
    spec = find(name)
    network = build_empty(spec, scale).to("meta").train()  # some buffers are made elsewhere
    own = {p.untyped_storage()._cdata for p in (*network.parameters(), *network.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        # Several operations keep the same values; the tensor is held so that its number stays its.
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    counter = FlopCounterMode(display=False)
    with counter, saved_tensors_hooks(keep, lambda tensor: tensor):
        network(*inputs(spec, scale, side))
    return ForwardCost(
        macs=counter.get_total_flops() // 2,
        saved_bytes=sum(
            t.untyped_storage().nbytes() for number, t in kept.items() if number not in own
        ),
    )


def memory(recipe: Recipe, spec: ModelSpec, costs: dict[int, ForwardCost], pictures: int) -> Memory:
    """About what training `recipe` takes.

    Args:
        recipe: What is trained.
        spec: Its network.
        costs: Scale -> the cost of one patch.
        pictures: Bytes of the decoded training data.
    """
    with torch.device("meta"):
        network = form(spec, wide=recipe.wide)(recipe.scale[0])
    held = _BYTES * sum(t.numel() for t in network.state_dict().values())
    learned = _BYTES * parameter_count(network)
    piece = recipe.batch // recipe.accumulate
    # Convolutions keep half as much in 16 bits; what is small stays in float32.
    share = 1.0 if recipe.precision == "fp32" or recipe.exact_end else 0.5
    return Memory(
        weights=held,
        gradients=learned,
        optimiser=_BYTES * _remembered(recipe.optimiser, network),
        averaged=held if recipe.averaging else 0,
        activations=int(max(cost.saved_bytes for cost in costs.values()) * piece * share),
        batch=recipe.batch * max(_sample_bytes(spec, scale, recipe) for scale in costs),
        pictures=pictures,
    )


def _remembered(optimiser: Optimiser, network: nn.Module) -> int:
    """Values the optimiser remembers of the weights."""
    if isinstance(optimiser, Soap):
        return sum(values_remembered(p.shape) for p in network.parameters() if p.requires_grad)
    learned = parameter_count(network)
    if isinstance(optimiser, Sgd):
        return learned if optimiser.momentum else 0
    return 2 * learned


def _sample_bytes(spec: ModelSpec, scale: int, recipe: Recipe) -> int:
    """Bytes of one LR patch, its guide and what it is compared with."""
    arguments = sum(t.numel() for t in inputs(spec, scale, recipe.patch))
    truth = sum(
        spec.lr_channels * (recipe.patch * level) ** 2 for level in set(output_scales(spec, scale))
    )
    return _BYTES * (arguments + truth)
