"""What a network costs, in the convention of this room."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import type_before_parametrizations

from superfine.errors import UsageError
from superfine.inspection.watch import Use, modules_of, peak_memory, watched
from superfine.ledger import STANDARD_SIZE, Cost
from superfine.models import ModelSpec
from superfine.models.fsrcnn import FSRCNN

# Some networks of other people look at values, which only tensors with memory have: these are
# computed once, with their weights, on a picture of so many LR pixels across.
_SMALL = 64
_COMPUTED = (
    f"Counted from {_SMALL}x{_SMALL} pixels, whatever size is asked for: the network could not be "
    "followed by shapes alone."
)


@dataclass(frozen=True)
class Layer:
    """A part of a network that has weights or multiplies.

    Attributes:
        name: As in the network; empty for the network itself.
        kind: The class of the module.
        uses: How often it is called for one picture.
        output: Its last output without the batch: channels, height, width; empty where it has
            none or several.
        kernel: Height and width of its convolution; empty where it has none.
        parameters: Its own values, learned or frozen.
        macs: Of all its uses.
        activations: Of all its uses.
    """

    name: str
    kind: str
    uses: int
    output: tuple[int, ...]
    kernel: tuple[int, ...]
    parameters: int
    macs: int
    activations: int


@dataclass(frozen=True)
class Inspection:
    """A network, measured at one size.

    Attributes:
        layers: In the order of their first use; those without use last.
        lr: Width and height of the input.
        sr: Width and height of the result.
        parameters: Trainable values.
        frozen: Values that never learn.
        macs: For one picture.
        activations: For one picture.
        memory: Bytes of the tensors there at one time, the result among them, for one picture in
            float32; beside its weights and the input.
        receptive_field: Height and width in LR pixels of what an output pixel sees; None where it
            sees the whole picture.
        notes: Where it could not be counted as asked, a sentence about it.
    """

    layers: tuple[Layer, ...]
    lr: tuple[int, int]
    sr: tuple[int, int]
    parameters: int
    frozen: int
    macs: int
    activations: int
    memory: int
    receptive_field: int | None
    notes: tuple[str, ...] = ()

    @property
    def cost(self) -> Cost:
        """The totals, as the ledger holds them."""
        return Cost(self.parameters, self.macs, self.activations, self.memory, self.receptive_field)


def inspect(
    network: nn.Module, spec: ModelSpec, scale: int, *, size: tuple[int, int] | None = None
) -> Inspection:
    """What `network` costs.

    Args:
        network: What `spec` builds at `scale`, in evaluation mode, with weights or on the device
            "meta", which is faster.
        spec: Its facts.
        scale: HR pixels per LR pixel.
        size: Width and height of the result; None for 1280x720, or for the only one it makes.

    Raises:
        UsageError: When it does not make results of `size`.
    """
    lr = _lr_size(spec, scale, size)
    notes: tuple[str, ...] = ()
    try:
        bare, arguments = _without_memory(network), _arguments(spec, scale, lr, device="meta")
        memory, uses = peak_memory(bare, arguments), watched(_as_published(bare), arguments)
    except RuntimeError:
        if any(p.is_meta for p in network.parameters()):
            raise
        lr, notes = (_SMALL, _SMALL), (_COMPUTED,)
        arguments = _arguments(spec, scale, lr, device="cpu")
        memory, uses = peak_memory(network, arguments), watched(_as_published(network), arguments)
    layers = tuple(_layers(_as_published(network), uses))
    held = sum(p.numel() for p in network.parameters())
    reach = spec.reach[scale]
    return Inspection(
        layers=layers,
        lr=lr,
        sr=(scale * lr[0], scale * lr[1]),
        parameters=spec.parameters[scale],
        frozen=held - spec.parameters[scale],
        macs=sum(layer.macs for layer in layers),
        activations=sum(layer.activations for layer in layers),
        memory=memory,
        receptive_field=None if reach is None else 2 * reach + 1,
        notes=notes,
    )


def _lr_size(spec: ModelSpec, scale: int, size: tuple[int, int] | None) -> tuple[int, int]:
    if spec.side is None:
        width, height = size or STANDARD_SIZE
        return math.ceil(width / scale), math.ceil(height / scale)
    only = spec.side * scale
    if size not in (None, (only, only)):
        raise UsageError(
            f"{spec.name} makes pictures of {only}x{only} only, not {size[0]}x{size[1]}.",
            hint="Leave out --size.",
        )
    return spec.side, spec.side


def _arguments(
    spec: ModelSpec, scale: int, lr: tuple[int, int], *, device: str
) -> tuple[Tensor, ...]:
    """What the network is called with: zeros, with memory or without."""
    width, height = lr
    picture = torch.zeros(1, spec.lr_channels, height, width, device=device)
    if not spec.guide_channels:
        return (picture,)
    guide = torch.zeros(1, spec.guide_channels, scale * height, scale * width, device=device)
    return picture, guide


def _as_published(network: nn.Module) -> nn.Module:
    """The layers as the paper has them, where the network computes them in another way."""
    if isinstance(network, FSRCNN):
        # Its forward turns the last, a transposed convolution, into a convolution that is faster
        # though it also multiplies zeros.
        return nn.Sequential(OrderedDict(network.named_children()))
    return network


def _without_memory(network: nn.Module) -> nn.Module:
    """A copy whose parameters and buffers are shapes alone; `network` itself where its are.

    A copy, because networks of other people change themselves while they run.
    """
    if all(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        return network
    memo: dict[int, Tensor] = {id(buffer): buffer.to("meta") for buffer in network.buffers()}
    for p in network.parameters():
        memo[id(p)] = nn.Parameter(p.to("meta"), requires_grad=False)
    return copy.deepcopy(network, memo)


def _layers(network: nn.Module, uses: Mapping[str, Use]) -> Iterator[Layer]:
    modules = dict(modules_of(network))
    told: set[int] = set()
    for name in (*uses, *(n for n in modules if n not in uses)):
        module, use = modules[name], uses.get(name, Use())
        own = {id(p): p.numel() for p in _own_parameters(module) if id(p) not in told}
        told |= own.keys()
        parameters = sum(own.values())
        if parameters or use.macs:
            yield Layer(
                name=name,
                kind=type_before_parametrizations(module).__name__,
                uses=use.times,
                output=use.output,
                kernel=use.kernel,
                parameters=parameters,
                macs=use.macs,
                activations=use.activations,
            )


def _own_parameters(module: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of `module` that belong to no module of `modules_of` inside it."""
    yield from module.parameters(recurse=False)
    if "parametrizations" in dict(module.named_children()):
        yield from module.get_submodule("parametrizations").parameters()
