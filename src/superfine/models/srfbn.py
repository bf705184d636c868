"""SRFBN: a block of up- and down-projections that sees its own last output, four times over.

Source: Li, Yang, Liu, Yang, Jeon, Wu, "Feedback Network for Image Super-Resolution", CVPR 2019,
arXiv:1903.09814; sizes of the layers as in the authors' code. `srfbn-s` is its small form: 32
features and 3 groups of projections, 4 steps. Every activation is a PReLU with one slope.

Start: convolutions normal with He's standard deviation, biases 0, slopes 0.2.

Convention: the layers see the picture less the mean colour of DIV2K, on a range of 1. The authors'
code works on a range of 255; it computes the same once every bias of its weights is divided by 255.
What takes the mean off and adds it again are layers of the authors' weights too: they were meant to
stay, but had learned a little in the published files. They are kept as buffers, which do not learn.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.edsr import div2k_mean
from superfine.models.spec import ModelSpec

_WIDTH = 32
_GROUPS = 3
_STEPS = 4


class SRFBN(nn.Module):
    """Steps of one feedback block, whose results are added to the picture enlarged bilinearly.

    While training, the picture after every step is returned, all at full size.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.mean_off = ColourMap(-div2k_mean())
        self.features = nn.Sequential(
            *_activated(nn.Conv2d(3, 4 * _WIDTH, 3, padding=1)),
            *_activated(nn.Conv2d(4 * _WIDTH, _WIDTH, 1)),
        )
        self.feedback = FeedbackBlock(scale)
        self.enlarge = _enlarging(scale)
        self.tail = nn.Conv2d(_WIDTH, 3, 3, padding=1)
        self.mean_on = ColourMap(div2k_mean())
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                assert layer.bias is not None
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(
        self, lr: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b 3 sh sw"] | tuple[Float[Tensor, "b 3 sh sw"], ...]:
        """`lr` enlarged; values on [0, 1]. While training, after each step."""
        x = self.mean_off(lr)
        enlarged = bilinear(x, self.scale)
        features = hidden = self.features(x)
        states = []
        for _ in range(_STEPS):
            hidden = self.feedback(features, hidden)
            states.append(hidden)
        pictures = tuple(
            self.mean_on(enlarged + self.tail(self.enlarge(state)))
            for state in (states if self.training else states[-1:])
        )
        return pictures if self.training else pictures[0]


class FeedbackBlock(nn.Module):
    """Projections up to the full size and down again, each of which sees all of its kind before."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.join = _pointwise(2)
        self.up = nn.ModuleList(_enlarging(scale) for _ in range(_GROUPS))
        self.down = nn.ModuleList(_shrinking(scale) for _ in range(_GROUPS))
        # What the later projections see is brought to the width of the first by these.
        self.before_up = nn.ModuleList(_pointwise(n) for n in range(2, _GROUPS + 1))
        self.before_down = nn.ModuleList(_pointwise(n) for n in range(2, _GROUPS + 1))
        self.fusion = _pointwise(_GROUPS)

    def forward(
        self, features: Float[Tensor, "b c h w"], hidden: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """What the block makes of the picture's `features` and its own last output, `hidden`."""
        small = [self.join(torch.cat((features, hidden), dim=1))]
        large: list[Tensor] = []
        for index, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            seen = torch.cat(small, dim=1)
            large.append(up(self.before_up[index - 1](seen) if index else seen))
            seen = torch.cat(large, dim=1)
            small.append(down(self.before_down[index - 1](seen) if index else seen))
        return self.fusion(torch.cat(small[1:], dim=1))  # type: ignore[no-any-return]


class ColourMap(nn.Module):
    """A linear map of the colours that does not learn; at first it only adds a colour."""

    weight: Tensor
    bias: Tensor

    def __init__(self, colour: Float[Tensor, "1 3 1 1"]) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(3).view(3, 3, 1, 1))
        self.register_buffer("bias", colour.flatten().to(self.weight.device))

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """`x` in the mapped colours."""
        # Not a convolution: autocast would compute the picture in half precision.
        return (self.weight * x[:, None]).sum(dim=2) + self.bias.view(3, 1, 1)


def bilinear(x: Float[Tensor, "b c h w"], scale: int) -> Float[Tensor, "b c sh sw"]:
    """`x` enlarged by bilinear interpolation about the middle of its pixels.

    As torch's own, which at scale 3 rounds the place of a pixel the more, the farther it lies from
    the corner, so that tiles would not equal the whole.
    """
    return _linear(_linear(x, scale).transpose(2, 3), scale).transpose(2, 3)


def _linear(x: Float[Tensor, "b c h w"], scale: int) -> Float[Tensor, "b c h sw"]:
    """`bilinear` along the last axis alone."""
    filled = F.pad(x, (1, 1, 0, 0), mode="replicate")
    before, at, after = (t.unsqueeze(-1) for t in (filled[..., :-2], x, filled[..., 2:]))
    offset = ((torch.arange(scale, device=x.device) + 0.5) / scale - 0.5).to(x.dtype)
    weighted = before * (-offset).clamp(min=0) + at * (1 - offset.abs())
    return (weighted + after * offset.clamp(min=0)).flatten(-2)


def _activated(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer, nn.PReLU(init=0.2))


def _pointwise(inputs: int) -> nn.Sequential:
    """`inputs` times the width brought to the width."""
    return _activated(nn.Conv2d(inputs * _WIDTH, _WIDTH, 1))


def _enlarging(scale: int) -> nn.Sequential:
    return _activated(nn.ConvTranspose2d(_WIDTH, _WIDTH, scale + 4, stride=scale, padding=2))


def _shrinking(scale: int) -> nn.Sequential:
    return _activated(nn.Conv2d(_WIDTH, _WIDTH, scale + 4, stride=scale, padding=2))


def _reach(scale: int) -> int:
    # A pixel of a LR cell is made of LR pixels up to 1 + 1 / scale cells away from the cell's
    # border. A shrinking layer sees 2 pixels more to each side of its cell, the tail 1 pixel more.
    projections = math.floor((scale + 3) / scale)
    return 1 + _STEPS * _GROUPS * projections + math.floor((scale + 2) / scale)


_SCALES = (2, 3, 4, 8)

SPEC = ModelSpec(
    name="srfbn-s",
    build=SRFBN,
    scales=_SCALES,
    channels="rgb",
    reach={s: _reach(s) for s in _SCALES},
    paper="Li et al., Feedback Network for Image Super-Resolution, CVPR 2019",
    parameters={2: 282_418, 3: 375_602, 4: 483_122, 8: 1_056_562},
)
