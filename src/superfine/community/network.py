"""A network of spandrel under the contract of the zoo."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

# Before the name of an architecture, where the names of the zoo are expected.
PREFIX = "community:"

# Plain convolutions run a quarter faster on CPUs with the channels last; many of the others view
# their tensors in plain order and cannot.
_CONVOLUTIONS = frozenset(
    ("Compact", "DnCNN", "ESRGAN", "MoSR", "PLKSR", "RCAN", "SPAN", "SwiftSRGAN")
)

# Hyper-parameters of spandrel's classes that are sides of windows in pixels.
_WINDOWS = ("window_size", "win_size", "split_size", "split_size_0", "split_size_1", "stripe_size",
            "patch_size")  # fmt: skip
# Where no hyper-parameter tells: the windows and the halvings of what is known divide it.
_USUAL_CELL = 64


class CommunityNetwork(nn.Module):
    """Runs a network as spandrel runs it: fills up small and odd sides, cuts to [0, 1].

    A network for grey pictures gets luma as the zoo keeps it, on [16/255, 235/255], and is asked
    in plain grey on [0, 1].

    Attributes:
        model: The network itself, as spandrel builds it.
        cell: Tiles start on multiples of this many LR pixels, so that windows of attention and
            halved grids lie as in the whole picture.
    """

    def __init__(self, descriptor: ImageModelDescriptor[Any]) -> None:
        """Puts the network into evaluation mode, its weights not trainable.

        Args:
            descriptor: A network for pictures of 1 or 3 channels, which has as many results.
        """
        super().__init__()
        self.model: nn.Module = descriptor.model.eval().requires_grad_(False)
        self.cell = _cell(descriptor)
        self._descriptor = descriptor
        if descriptor.architecture.id in _CONVOLUTIONS:
            self.model.to(memory_format=torch.channels_last)

    @property
    def grey(self) -> bool:
        """Whether it takes one channel."""
        return bool(self._descriptor.input_channels == 1)

    def forward(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
        """`lr` enlarged; values on [0, 1], luma on [16/255, 235/255]."""
        x = (lr * 255 - 16) / 219 if self.grey else lr.clone()  # some change what they are given
        sr = torch.cat([self._descriptor(one.contiguous()) for one in x.unsqueeze(1)])
        return (sr * 219 + 16) / 255 if self.grey else sr

    def state_dict(  # type: ignore[override]
        self, *args: object, **kwargs: object
    ) -> dict[str, Tensor]:
        """The tensors under the names that spandrel knows."""
        return self.model.state_dict(*args, **kwargs)  # type: ignore[call-overload, no-any-return]


def _cell(descriptor: ImageModelDescriptor[Any]) -> int:
    told = getattr(descriptor.model, "hyperparameters", {})
    sides: list[object] = []
    for name in _WINDOWS:
        value = told.get(name, ())
        sides += value if isinstance(value, list | tuple) else [value]
    multiple = int(descriptor.size_requirements.multiple_of)
    cell = math.lcm(multiple, *(side for side in sides if isinstance(side, int) and side > 0))
    if cell > 1 or descriptor.architecture.id in _CONVOLUTIONS:
        return cell
    return _USUAL_CELL
