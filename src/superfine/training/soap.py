"""SOAP: Adam in the axes in which the gradients of a layer are independent of each other.

Source: Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", ICLR 2025,
arXiv:2409.11321, algorithms 3 and 4; one-dimensional parameters take Adam, as there.

Differs from the paper: the weight of a convolution is a matrix of outputs by inputs x taps, and a
side longer than 2,048 values is left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

Matrix: TypeAlias = Float[Tensor, "m n"]

# What is remembered of a weight, beside its moments: for each side of the matrix the running
# covariance of the gradients and its eigenvectors.
_SIDES = (("rows", "row_axes"), ("columns", "column_axes"))

# Values of the longest side that has axes of its own: SRCNN's 64 inputs of 5x5 taps have them.
_LONGEST = 2048


class Soap(Optimizer):
    """Each weight's gradient is turned into the eigenvectors of its running covariances.

    A step costs a few products of small matrices more than Adam's. Every `every` steps the axes
    follow their covariance by one power iteration and a QR decomposition. The first gradient only
    makes the axes: the weights of matrices stay.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        every: int,
    ) -> None:
        """Takes torch's parameter groups.

        Args:
            groups: Each with its `params`.
            lr: The learning rate.
            betas: Weights of the past: of the mean gradient, and of its squares and covariances.
            eps: Added to the root of the squares.
            every: Steps between two sets of axes.
        """
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "every": every})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Changes every parameter that has a gradient; there is no closure."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._change(parameter, _as_matrix(parameter.grad), group)

    def _change(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        first = not state
        if first:
            state["step"] = torch.zeros(())
            state["mean"], state["squares"] = torch.zeros_like(gradient), torch.zeros_like(gradient)
            _start_axes(state, gradient, group["betas"][1])
            if "row_axes" in state or "column_axes" in state:
                return
        state["step"] += 1
        step, (slow, slower) = int(state["step"]), group["betas"]
        turned = _turn(gradient, state)
        state["mean"].lerp_(gradient, 1 - slow)
        state["squares"].mul_(slower).addcmul_(turned, turned, value=1 - slower)
        size = (state["squares"] / (1 - slower**step)).sqrt_().add_(group["eps"])
        change = _turn_back(_turn(state["mean"], state) / (1 - slow**step) / size, state)
        parameter.add_(change.view(parameter.shape), alpha=-group["lr"])
        _follow(state, gradient, slower, axes=step % group["every"] == 0)


def values_remembered(shape: Sequence[int]) -> int:
    """How many values `Soap` remembers of a parameter of this shape."""
    values = math.prod(shape)
    sides = (shape[0], values // shape[0]) if len(shape) > 1 else ()
    return 1 + 2 * values + sum(2 * side**2 for side in sides if 1 < side <= _LONGEST)


def _as_matrix(weight: Tensor) -> Tensor:
    """(outputs, inputs, taps, taps) -> (outputs, inputs·taps·taps); vectors as they are."""
    return weight.flatten(1).contiguous() if weight.ndim > 1 else weight


def _covariance(gradient: Matrix, side: int) -> Matrix:
    return gradient @ gradient.T if side == 0 else gradient.T @ gradient


def _start_axes(state: dict[str, Tensor], gradient: Tensor, past: float) -> None:
    """The covariances and axes of one gradient, largest first."""
    if gradient.ndim == 1:
        return
    for side, (covariance, axes) in enumerate(_SIDES):
        if 1 < gradient.shape[side] <= _LONGEST:
            state[covariance] = _covariance(gradient, side) * (1 - past)
            state[axes] = torch.linalg.eigh(state[covariance])[1].flip(1).contiguous()


def _turn(x: Tensor, state: dict[str, Tensor]) -> Tensor:
    """`x` in the axes of both sides."""
    if "row_axes" in state:
        x = state["row_axes"].T @ x
    return x @ state["column_axes"] if "column_axes" in state else x


def _turn_back(x: Tensor, state: dict[str, Tensor]) -> Tensor:
    if "row_axes" in state:
        x = state["row_axes"] @ x
    return x @ state["column_axes"].T if "column_axes" in state else x


def _follow(state: dict[str, Tensor], gradient: Tensor, past: float, *, axes: bool) -> None:
    """The covariances take in `gradient`; with `axes`, the axes are made anew from them."""
    for side, (covariance, name) in enumerate(_SIDES):
        if name not in state:
            continue
        state[covariance].lerp_(_covariance(gradient, side), 1 - past)
        if axes:
            # Ordered by size, so that a squared gradient stays with the axis it was measured on.
            image = state[covariance] @ state[name]
            order = (state[name] * image).sum(0).argsort(descending=True, stable=True)
            state["squares"] = state["squares"].index_select(side, order)
            state[name] = torch.linalg.qr(image[:, order])[0].contiguous()  # as a checkpoint has it
