"""Which module of a network does which operation, how often, and what memory all of it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from superfine.ops.allocations import Allocations


@dataclass
class Use:
    """What a module did so far."""

    times: int = 0
    output: tuple[int, ...] = ()
    kernel: tuple[int, ...] = ()
    macs: int = 0
    activations: int = 0


def watched(network: nn.Module, arguments: tuple[Tensor, ...]) -> dict[str, Use]:
    """What each module does, in the order of their first use."""
    watcher = _Watcher()
    counter = FlopCounterMode(display=False, custom_mapping=watcher.formulas())
    with torch.no_grad(), watcher.watching(network), counter:
        network(*arguments)
    return watcher.uses


def peak_memory(network: nn.Module, arguments: tuple[Tensor, ...]) -> int:
    """The most bytes of tensors there at one time, made from `arguments`, with memory or without.

    What a convolution takes for itself and gives back is not seen: it depends on the machine.
    """
    taken = Allocations(imagined=arguments[0].is_meta)
    taken.pass_over((*network.parameters(), *network.buffers(), *arguments))
    with torch.inference_mode(), taken:
        network(*arguments)
    return taken.peak


def modules_of(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module by its name but those that only make weights out of other weights."""
    for name, module in network.named_modules():
        if "parametrizations" not in name.split("."):
            yield name, module


class _Watcher:
    """Sees which module of a network does which operation.

    Attributes:
        uses: Module -> what it did, in the order of their first use.
    """

    def __init__(self) -> None:
        self.uses: dict[str, Use] = {}
        self._running: list[Use] = []  # outermost first

    @contextmanager
    def watching(self, network: nn.Module) -> Iterator[None]:
        """Follows `network` into its modules and out of them."""
        with ExitStack() as hooks:
            for name, module in modules_of(network):
                hooks.enter_context(module.register_forward_pre_hook(partial(self._enter, name)))
                hooks.enter_context(module.register_forward_hook(self._leave))
            yield

    def _enter(self, name: str, _module: nn.Module, _inputs: object) -> None:
        use = self.uses.setdefault(name, Use())
        use.times += 1
        self._running.append(use)

    def _leave(self, _module: nn.Module, _inputs: object, output: object) -> None:
        use = self._running.pop()
        use.output = tuple(output.shape[1:]) if isinstance(output, Tensor) else ()

    def formulas(self) -> dict[object, Callable[..., int]]:
        """Torch's formula of every operation it counts, each of which also tells this watcher."""
        aten = torch.ops.aten
        attention = aten._scaled_dot_product_flash_attention
        known = {
            **flop_registry,
            aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[attention],
        }
        return {
            operation: partial(self._count, operation is aten.convolution, formula)
            for operation, formula in known.items()
        }

    def _count(
        self,
        convolves: bool,
        formula: Callable[..., int],
        *shapes: tuple[int, ...],
        out_shape: tuple[int, ...],
        **options: object,
    ) -> int:
        operations = formula(*shapes, out_val=out_shape, **options)
        use = self._running[-1]
        use.macs += operations // 2  # torch counts the multiplication and the addition
        if convolves:
            use.kernel = tuple(shapes[1][2:])
            use.activations += math.prod(out_shape)
        return operations
