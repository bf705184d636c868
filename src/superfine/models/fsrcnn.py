"""FSRCNN: a thin hourglass on the LR picture and one learned enlargement at the end.

Source: Dong, Loy, Tang, "Accelerating the Super-Resolution Convolutional Neural Network",
ECCV 2016, arXiv:1608.00367. FSRCNN is d = 56, s = 12, m = 4; FSRCNN-s is d = 32, s = 5, m = 1.

Convention: the 9x9 transposed convolution keeps the framing of the public ports (padding 4,
output padding scale - 1): output pixel 0 sits on input pixel 0, so the network learns the shift of
(scale - 1) / 2 pixels to a centre-aligned picture.

Differs from the paper: training starts from bicubic interpolation (one channel carries the
picture through, the rest is He's initialisation), which reaches in 1,000 steps what the paper's
start reaches in several times as many.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.spec import ModelSpec
from superfine.ops.resize import bicubic_kernel


class FSRCNN(nn.Module):
    """Feature extraction, shrinking, mapping, expanding, transposed convolution."""

    def __init__(self, scale: int, *, width: int = 56, shrunk: int = 12, depth: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.extract = nn.Sequential(nn.Conv2d(1, width, 5, padding=2), nn.PReLU(width))
        self.shrink = nn.Sequential(nn.Conv2d(width, shrunk, 1), nn.PReLU(shrunk))
        mapping: list[nn.Module] = []
        for _ in range(depth):
            mapping += [nn.Conv2d(shrunk, shrunk, 3, padding=1), nn.PReLU(shrunk)]
        self.map = nn.Sequential(*mapping)
        self.expand = nn.Sequential(nn.Conv2d(shrunk, width, 1), nn.PReLU(width))
        self.enlarge = nn.ConvTranspose2d(
            width, 1, 9, stride=scale, padding=4, output_padding=scale - 1
        )
        self._start_as_interpolation()

    @torch.no_grad()
    def _start_as_interpolation(self) -> None:
        """He's initialisation, with the first channel carrying the picture straight through."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.out_channels * module.kernel_size[0] ** 2
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
                middle = module.kernel_size[0] // 2
                module.weight[0] = 0
                module.weight[0, 0, middle, middle] = 1
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.enlarge.weight, std=0.001)
        self.enlarge.weight[0] = 0
        self.enlarge.weight[0, 0] = _interpolation_kernel(self.scale)
        nn.init.zeros_(self.enlarge.bias)  # type: ignore[arg-type]

    def forward(self, lr: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 sh sw"]:
        """`lr` enlarged; values on [0, 1]."""
        x = self.expand(self.map(self.shrink(self.extract(lr))))
        assert self.enlarge.bias is not None
        kernel = sub_pixel_kernel(self.enlarge.weight, self.scale)
        bias = self.enlarge.bias.expand(self.scale**2)
        # (b, s², h, w) -> (b, 1, s h, s w)
        return F.pixel_shuffle(F.conv2d(x, kernel, bias, padding="same"), self.scale)


def sub_pixel_kernel(
    weight: Float[Tensor, "c 1 9 9"], scale: int
) -> Float[Tensor, "outputs c taps taps"]:
    """The convolution that, followed by a pixel shuffle, equals the transposed convolution.

    The same products in the same places, several times faster on a CPU. Output
    o = scale * i + r reads input i + d through tap k = r + 4 - scale * d; taps outside 0..8 are 0.
    """
    farthest = max(4 // scale, (scale + 3) // scale)
    phase = torch.arange(scale)[:, None]
    offset = torch.arange(-farthest, farthest + 1)
    tap = phase + 4 - scale * offset
    tap = torch.where((tap >= 0) & (tap <= 8), tap, 9).to(weight.device)
    padded = F.pad(weight[:, 0], (0, 1, 0, 1))
    # (c, 10, 10) -> (c, phase, tap, phase, tap) -> (phase·phase, c, tap, tap)
    return padded[:, tap][..., tap].permute(1, 3, 0, 2, 4).flatten(0, 1)


def _interpolation_kernel(scale: int) -> Float[Tensor, "9 9"]:
    """Bicubic interpolation as a 9x9 transposed convolution, cut to its taps where it is wider."""
    # Tap k adds input i to output o = scale * i + k - 4, whose centre lies this far from i's.
    distance = (torch.arange(9) - 4 + 0.5) / scale - 0.5
    weight = bicubic_kernel(distance)
    for phase in range(scale):
        weight[phase::scale] /= weight[phase::scale].sum()
    return torch.outer(weight, weight)


_SCALES = (1, 2, 3, 4)


def _reach(scale: int, depth: int) -> int:
    # 5x5 gives 2, each 3x3 gives 1. Output o = scale * i + r reads inputs i' with
    # |o - scale * i'| <= 4: up to 4 // scale before i and (scale + 3) // scale after it.
    return 2 + depth + max(4 // scale, (scale + 3) // scale)


def _spec(name: str, width: int, shrunk: int, depth: int, parameters: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        build=partial(FSRCNN, width=width, shrunk=shrunk, depth=depth),
        scales=_SCALES,
        channels="y",
        reach={s: _reach(s, depth) for s in _SCALES},
        paper="Dong et al., Accelerating the Super-Resolution Convolutional Neural Network, "
        "ECCV 2016",
        parameters=dict.fromkeys(_SCALES, parameters),
    )


SPECS = (
    _spec("fsrcnn", 56, 12, 4, 12_809),
    _spec("fsrcnn-small", 32, 5, 1, 4_086),
)
