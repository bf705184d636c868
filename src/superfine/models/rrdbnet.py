"""RRDBNet: residual-in-residual dense blocks; the network of ESRGAN and Real-ESRGAN.

Source: Wang, Yu, Wu, Gu, Liu, Dong, Qiao, Loy, "ESRGAN: Enhanced Super-Resolution Generative
Adversarial Networks", ECCV Workshops 2018, arXiv:1809.00219. `rrdbnet` has 23 blocks of 64
features, `rrdbnet-6`, of Real-ESRGAN's model for drawings, 6.

Scales 2 and 1 are those of Wang, Xie, Dong, Shan, "Real-ESRGAN", ICCV Workshops 2021,
arXiv:2107.10833: the same network, which enlarges four times, on the picture gathered to cells of
2x2 or 4x4 pixels. So at these scales a tile equals the whole only where it starts on a cell.

Convention: RGB on [0, 1] goes in as it is; no mean colour is taken off.

Differs from the authors' code: sides that are no whole number of cells are filled up by repeating
the last pixel, which works for every size; theirs are mirrored.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.spec import ModelSpec

_WIDTH = 64
_SLOPE = 0.2


class RRDBNet(nn.Module):
    """Features of the picture, or of its cells, doubled twice by repeating pixels."""

    def __init__(self, scale: int, *, blocks: int) -> None:
        """Builds the network.

        Args:
            scale: HR pixels per LR pixel: 1, 2 or 4.
            blocks: Residual-in-residual dense blocks.
        """
        super().__init__()
        self.scale = scale
        self.cell = 4 // scale
        self.features = RRDBFeatures(_WIDTH, blocks, inputs=3 * self.cell**2)
        self.enlarge = nn.ModuleList(nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1) for _ in range(2))
        self.tail = nn.Sequential(
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.LeakyReLU(_SLOPE, inplace=True),
            nn.Conv2d(_WIDTH, 3, 3, padding=1),
        )

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        height, width = lr.shape[-2:]
        x = self.features(self._gathered(lr))
        for layer in self.enlarge:
            x = F.leaky_relu(layer(F.interpolate(x, scale_factor=2, mode="nearest")), _SLOPE)
        sr: Tensor = self.tail(x)
        return sr[..., : self.scale * height, : self.scale * width]

    def _gathered(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b i m n"]:
        """Each cell of `lr` as one pixel of more channels."""
        if self.cell == 1:
            return lr
        height, width = lr.shape[-2:]
        filled = F.pad(lr, (0, -width % self.cell, 0, -height % self.cell), mode="replicate")
        return F.pixel_unshuffle(filled, self.cell)


class RRDBFeatures(nn.Module):
    """Features of a picture by residual-in-residual dense blocks.

    Section 3.1 of the paper: without batch normalisation, residuals times 0.2, and a start from a
    tenth of He's weights.
    """

    def __init__(self, channels: int, blocks: int, *, inputs: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(_RRDB(channels) for _ in range(blocks)))
        self.last = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b c h w"]:
        """Features of the size of `x`."""
        x = self.first(x)
        return x + self.last(self.blocks(x))  # type: ignore[no-any-return]


class _RRDB(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(_Dense(channels) for _ in range(3)))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + 0.2 * self.blocks(x)  # type: ignore[no-any-return]


class _Dense(nn.Module):
    """Five convolutions, each of which sees all before it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        growth = channels // 2
        outputs = [growth] * 4 + [channels]
        self.convs = nn.ModuleList(
            nn.Conv2d(channels + i * growth, out, 3, padding=1) for i, out in enumerate(outputs)
        )
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            nn.init.kaiming_normal_(conv.weight)
            conv.weight.data.mul_(0.1)
            nn.init.zeros_(conv.bias)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        seen = x
        for conv in self.convs[:-1]:
            seen = torch.cat((seen, F.leaky_relu(conv(seen), _SLOPE)), dim=1)
        return x + 0.2 * self.convs[-1](seen)  # type: ignore[no-any-return]


def _reach(scale: int, blocks: int) -> int:
    # In cells: one for each convolution of the blocks, one before and one after them, and two for
    # the four layers that work on doubled pixels.
    return 4 // scale * (3 * 5 * blocks + 4)


def _spec(name: str, *, blocks: int, parameters: dict[int, int]) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(RRDBNet, blocks=blocks),
        scales=tuple(parameters),
        channels="rgb",
        reach={s: _reach(s, blocks) for s in parameters},
        paper="Wang et al., ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks, "
        "ECCV Workshops 2018",
        parameters=parameters,
    )


SPECS = (
    _spec("rrdbnet", blocks=23, parameters={1: 16_723_907, 2: 16_703_171, 4: 16_697_987}),
    _spec("rrdbnet-6", blocks=6, parameters={4: 4_467_779}),
)
