"""Networks built without working out what they start with, because a file replaces it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# Steps of a network's start that a file makes idle; and what such steps take constants from.
_IDLE = (
    nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_,
    Tensor.normal_, Tensor.uniform_, Tensor.mul_,
)  # fmt: skip
_CONSTANT = (torch.tensor, torch.arange, torch.eye)


class Unfilled(TorchFunctionMode):
    """Inside, networks built for their shapes alone do not work out what they start with.

    For sums on memory that is not there torch imports its compiler, which takes seconds.
    """

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Iterable[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        named = dict(kwargs or {})
        filled = args[0] if args else named.get("tensor")
        if isinstance(filled, Tensor) and filled.is_meta:
            if func in _IDLE:
                return filled
            if func is torch.norm_except_dim:  # of weight normalisation
                return filled.new_empty(filled.shape[0], *[1] * (filled.ndim - 1))
        if func in _CONSTANT and str(named.get("device")) == "meta":
            named["device"] = "cpu"
        return func(*args, **named)
