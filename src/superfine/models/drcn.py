"""DRCN: one convolution used sixteen times, a prediction after each use, and their average.

Source: Kim, Lee, Lee, "Deeply-Recursive Convolutional Network for Image Super-Resolution",
CVPR 2016, arXiv:1511.04491.

Start: the shared convolution passes its input through, the others as He et al. 2015, biases 0.

Differs from the paper: the last layer starts near 0, so that training starts from bicubic; it has
no ReLU after it, which would forbid a negative residual; and the weights of the predictions are
divided by their sum, so that the answer stays an average of them.

Variants: `drcn-17` is the form of a port that is often copied: the first of its 17 predictions is
made before any recursion, and the first reconstruction layer, without its ReLU, lies inside the
recursion, which makes the network 36 layers deep. It starts as `drcn` does and has no dropout,
unlike the port.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.models.spec import ModelSpec
from superfine.ops.resize import imresize


class DRCN(nn.Module):
    """A recursive residual on the bicubic picture; one set of weights serves every scale.

    While training, every prediction is returned before the ensemble, all at full size.
    """

    def __init__(
        self, scale: int, *, recursions: int = 16, feeds_back: bool = False, channels: int = 1
    ) -> None:
        """Builds the network.

        Args:
            scale: HR pixels per LR pixel.
            recursions: How often the shared convolution is used.
            feeds_back: Put the first reconstruction layer inside the recursion, as `drcn-17`.
            channels: Of the picture.
        """
        super().__init__()
        self.scale = scale
        self.recursions = recursions
        self.feeds_back = feeds_back
        self.embed_first = nn.Conv2d(channels, 256, 3, padding=1)
        self.embed_second = nn.Conv2d(256, 256, 3, padding=1)
        self.shared = nn.Conv2d(256, 256, 3, padding=1)
        self.rebuild = nn.Conv2d(256, 256, 3, padding=1)
        self.last = nn.Conv2d(256, channels, 3, padding=1)
        predictions = recursions + 1 if feeds_back else recursions
        self.ensemble = nn.Parameter(torch.full((predictions,), 1 / predictions))
        for layer in (self.embed_first, self.embed_second, self.rebuild):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * layer.in_channels)))
        nn.init.dirac_(self.shared.weight)
        nn.init.normal_(self.last.weight, std=0.001)
        for layer in (self.embed_first, self.embed_second, self.shared, self.rebuild, self.last):
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(
        self, lr: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c sh sw"] | tuple[Float[Tensor, "b c sh sw"], ...]:
        """The average of the predictions; values on [0, 1]. While training, they stand before."""
        enlarged = imresize(lr, scale=self.scale)
        embedded = torch.relu(self.embed_second(torch.relu(self.embed_first(enlarged))))
        states = self._fed_back(embedded) if self.feeds_back else self._recursion(embedded)
        predictions = tuple(enlarged + self.last(state) for state in states)
        weights = (self.ensemble / self.ensemble.sum()).view(-1, 1, 1, 1, 1)
        # Not an einsum: autocast would compute the answer in half precision.
        answer = (weights * torch.stack(predictions)).sum(dim=0)
        return (*predictions, answer) if self.training else answer

    def _recursion(self, state: Float[Tensor, "b f h w"]) -> Iterator[Float[Tensor, "b f h w"]]:
        for _ in range(self.recursions):
            state = torch.relu(self.shared(state))
            yield torch.relu(self.rebuild(state))

    def _fed_back(self, state: Float[Tensor, "b f h w"]) -> Iterator[Float[Tensor, "b f h w"]]:
        state = self.rebuild(state)
        yield state
        for _ in range(self.recursions):
            state = self.rebuild(torch.relu(self.shared(state)))
            yield state


_SCALES = (1, 2, 3, 4)


def _spec(name: str, feeds_back: bool, layers: int, parameters: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(DRCN, feeds_back=feeds_back),
        scales=_SCALES,
        channels="y",
        reach={s: math.ceil(layers / s) + 2 for s in _SCALES},
        paper="Kim et al., Deeply-Recursive Convolutional Network for Image Super-Resolution, "
        "CVPR 2016",
        parameters=dict.fromkeys(_SCALES, parameters),
    )


SPECS = (
    _spec("drcn", False, 20, 1_775_121),
    _spec("drcn-17", True, 36, 1_775_122),
)
