"""DARSR's correction and score networks, which are trained anew for every picture.

Source: Zhou, Wei, Wang, Gu, Wang, Zhang, "Learning Correction Filter via Degradation-Adaptive
Regression for Blind Single Image Super-Resolution", ICCV 2023, and the authors' code, from which
the sizes of the layers are. They are no networks of the zoo: their weights are of use for the one
picture they were made for.
"""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.ops.filter_dictionary import SIDE, filter_dictionary

# How each of the blocks weighs its channels, in order.
Attention = tuple[Tensor, ...]

_WIDTH = 128
_FILTERS: Final = 72


class CorrectionNetwork(nn.Module):
    """Each pixel's own mixture of 72 fixed 5x5 filters, the same for all its colours ("DARM").

    Deviations from the authors' code: beyond its border a picture goes on with the edge pixel,
    where theirs is mirrored, so that a picture of one pixel has a result; a grey picture is seen
    as three equal colours; and the mixture is asked for its sum, see `keeps_brightness`. The
    paper's figure adds each block's input to its output, the authors' code does not, nor is it
    done here.

    Start: He's normal for all layers, as in the authors' code.

    Attributes:
        keeps_brightness: The weights of a pixel sum to 1, by an equal share for each filter, so
            that even areas stay as they are. In the authors' code nothing holds the sum.
    """

    filters: Tensor

    def __init__(self, *, keeps_brightness: bool = True) -> None:
        super().__init__()
        self.keeps_brightness = keeps_brightness
        self.head = nn.Conv2d(3, _WIDTH, 3, padding=1)
        self.first, self.second = Attended(), Attended()
        self.tail = nn.Conv2d(_WIDTH, _FILTERS, 3, padding=1)
        dictionary = filter_dictionary(_FILTERS).float().view(_FILTERS, 1, SIDE, SIDE)
        self.register_buffer("filters", dictionary, persistent=False)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(_there(layer.bias))

    @property
    def blocks(self) -> tuple[Attended, Attended]:
        """In the order they are passed through."""
        return self.first, self.second

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x`, c = 1 or 3, corrected."""
        return self.mixed(x, self.weights(x))

    def weights(
        self, x: Float[Tensor, "b c h w"], attention: Attention = ()
    ) -> Float[Tensor, "b 72 h w"]:
        """How much of each filter each pixel takes; the last layer is always in full precision.

        Args:
            x: The picture, or a part of it.
            attention: Of the whole picture, for one block after the other; for what is not given,
                that of `x`.
        """
        y: Tensor = self.head(x.expand(-1, 3, -1, -1))
        for number, block in enumerate(self.blocks):
            y = block.layers(y)
            mean = y.mean(dim=(2, 3), keepdim=True)
            y = y * (attention[number] if number < len(attention) else block.attention(mean))
        with torch.autocast("cpu", enabled=False):
            return self.summing_to_1(self.tail(y.float()))

    def unweighed(
        self, x: Float[Tensor, "b c h w"], attention: Attention
    ) -> Float[Tensor, "b 128 h w"]:
        """What the first block that `attention` says nothing of makes of `x`, before its own.

        The mean of it over a picture is what that block's attention is made of.
        """
        y: Tensor = self.head(x.expand(-1, 3, -1, -1))
        for number, weight in enumerate(attention):
            y = self.blocks[number].layers(y) * weight
        return self.blocks[len(attention)].layers(y)  # type: ignore[no-any-return]

    def summing_to_1(self, weights: Float[Tensor, "b 72 h w"]) -> Float[Tensor, "b 72 h w"]:
        """`weights` as they are used."""
        if not self.keeps_brightness:
            return weights
        return weights + (1 - weights.sum(dim=1, keepdim=True)) / _FILTERS

    def mixed(
        self, x: Float[Tensor, "b c h w"], weights: Float[Tensor, "b 72 h w"]
    ) -> Float[Tensor, "b c h w"]:
        """`x`, filtered at each pixel by the sum of the filters times their `weights`.

        The 25 taps of each pixel are mixed first: 72 filtered pictures of each colour would take
        nine times the memory.
        """
        taps = torch.einsum("fk,bfhw->bkhw", self.filters.flatten(1), weights)
        reach = SIDE // 2
        seen = F.unfold(F.pad(x, (reach,) * 4, mode="replicate"), SIDE)
        seen = seen.view(len(x), x.shape[1], SIDE * SIDE, *x.shape[2:])
        return (seen * taps[:, None]).sum(dim=2)

    @torch.no_grad()
    def start_as_nothing(self) -> None:
        """From now on the network returns what it is given, until it is trained.

        The single 1 is a mixture of the 72 filters, exact but for rounding. They are symmetric
        about their centre, so that 13 directions are all they have.
        """
        wanted = torch.zeros(SIDE * SIDE, 1, dtype=torch.float64)
        wanted[SIDE * SIDE // 2] = 1
        mixture = torch.linalg.pinv(self.filters.double().flatten(1).T, rtol=1e-6) @ wanted
        self.tail.weight.zero_()
        _there(self.tail.bias).copy_(mixture.flatten())


class Attended(nn.Module):
    """Two activated layers whose channels are weighed by what the whole picture holds of them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
        )
        self.attention = nn.Sequential(
            nn.Conv2d(_WIDTH, _WIDTH // 16, 1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH // 16, _WIDTH, 1),
            nn.Sigmoid(),
        )


class ScoreNetwork(nn.Module):
    """How much a picture looks degraded as the one in hand is: 1, or as bicubic does: 0 ("DSEM").

    Start: torch's own, as in the authors' code.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1),
            _Residual(64),
            _Residual(64),
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
            _Residual(128),
            _Residual(128),
            nn.Conv2d(128, 256, 3, stride=2, padding=1),
            _Residual(256),
            _Residual(256),
        )
        self.answer = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1), nn.Sigmoid())

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1"]:
        """One score for each picture, c = 1 or 3, of any size."""
        features = self.layers(x.expand(-1, 3, -1, -1))
        return self.answer(features.mean(dim=(2, 3)))  # type: ignore[no-any-return]


class _Residual(nn.Module):
    """Two layers whose result is added to what they see."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.layers(x)  # type: ignore[no-any-return]


def _there(bias: Tensor | None) -> Tensor:
    """The bias of a layer that was made with one."""
    assert bias is not None
    return bias
