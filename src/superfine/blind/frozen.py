"""The network that enlarges, as the blind methods see it: its weights do not learn."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec
from superfine.ops.color import luma


class Frozen:
    """A network of colours or of luma, for pictures with 1 or 3 channels.

    As `superfine.inference` does, but for chroma, of which a loss need not know: colour networks
    see a grey picture as three equal colours, luma networks see the luma of colours, and of grey.
    """

    def __init__(self, network: nn.Module, spec: ModelSpec) -> None:
        """The network is brought to evaluation; its weights stay as they are."""
        self._network = network.eval()
        self._of_colours = spec.channels == "rgb"

    def compared(self, picture: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """`picture` in the channels that `enlarged` answers in."""
        if self._of_colours:
            return picture
        return luma(picture.expand(-1, 3, -1, -1))

    def enlarged(self, lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d sh sw"]:
        """`lr` `scale` times larger; gradients reach `lr`, and no weight of the network."""
        if not self._of_colours:
            return self._run(self.compared(lr))
        sr = self._run(lr.expand(-1, 3, -1, -1))
        return sr.mean(dim=1, keepdim=True) if lr.shape[1] == 1 else sr

    def _run(self, lr: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d sh sw"]:
        weights = dict(self._network.named_parameters())
        still = {name: weight.detach() for name, weight in weights.items()}
        return torch.func.functional_call(self._network, still, (lr,))  # type: ignore[no-any-return]
