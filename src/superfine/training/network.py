"""The network of a recipe, at one scale or at several that share their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from superfine.models import ModelSpec

Outputs = Tensor | tuple[Tensor, ...]


class Network(nn.Module):
    """One network at each scale of a recipe; all of them hold the same parameters."""

    def __init__(self, spec: ModelSpec, scales: tuple[int, ...], *, wide: bool) -> None:
        """Builds it.

        Args:
            spec: Of the zoo.
            scales: Of the recipe.
            wide: Take the form it is trained in, where that is another.
        """
        super().__init__()
        self._trained_wide = wide and spec.training is not None
        build = form(spec, wide=wide)
        self.at_scale = nn.ModuleDict({str(scale): build(scale) for scale in scales})
        first = self.at_scale[str(scales[0])]
        for scale in scales[1:]:
            _share(first, self.at_scale[str(scale)])
        self.first = scales[0]

    def forward(self, lr: Tensor, guide: Tensor | None, scale: int) -> Outputs:
        """The outputs for `lr` enlarged by `scale`."""
        network = self.at_scale[str(scale)]
        outputs: Outputs = network(lr) if guide is None else network(lr, guide)
        return outputs

    def single(self) -> nn.Module:
        """The network at the first scale, which holds every weight."""
        return self.at_scale[str(self.first)]

    def for_use(self) -> nn.Module:
        """`single` as the zoo builds it: merged, where it is trained in another form."""
        if not self._trained_wide:
            return self.single()
        merged: nn.Module = self.single().merged()  # type: ignore[operator]
        return merged


def form(spec: ModelSpec, *, wide: bool) -> Callable[[int], nn.Module]:
    """What builds the network of `spec` at a scale, in its wider form if asked and there is one."""
    return spec.training if wide and spec.training is not None else spec.build


def _share(first: nn.Module, other: nn.Module) -> None:
    """Lets `other` hold the parameters of `first`."""
    for name, parameter in first.named_parameters():
        parent, _, leaf = name.rpartition(".")
        setattr(other.get_submodule(parent), leaf, parameter)


def levels(spec: ModelSpec, scale: int, patch: int) -> tuple[int, ...]:
    """The scales of the outputs of a network while it learns, coarse to fine."""
    if spec.side is not None:  # the large ones, which have one output
        return (scale,)
    guide = torch.zeros(1, spec.guide_channels, patch * scale, patch * scale)
    with torch.random.fork_rng(devices=()), torch.no_grad():
        network = spec.build(scale).train()
        lr = torch.zeros(1, spec.lr_channels, patch, patch)
        outputs = network(lr, guide) if spec.guide_channels else network(lr)
    found = outputs if isinstance(outputs, tuple) else (outputs,)
    return tuple(sorted({output.shape[-1] // patch for output in found}))


def differing(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> list[str]:
    """Names whose shapes differ or that only one side has."""
    return sorted(
        name
        for name in left.keys() | right.keys()
        if name not in left or name not in right or left[name].shape != right[name].shape
    )
