"""Networks that tell real pictures from restored ones; partners of a network in training.

Both take pictures on [0, 1] and answer with logits: the larger, the more they believe it is real.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.stylegan2 import EqualLinear, blur, leaky, width


class PatchDiscriminator(nn.Module):
    """SRGAN's discriminator with a map of logits, one for each 16x16 pixels, instead of one logit.

    Source: Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative
    Adversarial Network", CVPR 2017, arXiv:1609.04802, section 2.1; the map instead of the dense
    layers as in Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
    CVPR 2017.
    """

    def __init__(self, *, channels: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise([3, *(channels * 2**i for i in range(4))]):
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
            if inputs != 3:  # the paper normalises everything but the first layer
                layers.append(nn.BatchNorm2d(outputs))
            layers += [
                nn.LeakyReLU(0.2),
                nn.Conv2d(outputs, outputs, 3, stride=2, padding=1),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * channels, 1, 3, padding=1))

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 n m"]:
        """Logits, each of the patch around it."""
        return self.layers(picture * 2 - 1)  # type: ignore[no-any-return]


class StyleGAN2Discriminator(nn.Module):
    """The residual discriminator of StyleGAN2: one logit for a picture of a fixed size.

    Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020,
    arXiv:1912.04958, configuration F.
    """

    def __init__(self, size: int, *, channels: int = 512) -> None:
        super().__init__()
        resolutions = [2**power for power in range(int(math.log2(size)), 1, -1)]
        widths = [width(resolution, channels) for resolution in resolutions]
        self.from_rgb = _EqualConv(3, widths[0], 1)
        self.blocks = nn.ModuleList(_Halving(i, o) for i, o in itertools.pairwise(widths))
        self.conv = _EqualConv(widths[-1] + 1, widths[-1], 3)
        self.hidden = EqualLinear(16 * widths[-1], widths[-1])
        self.answer = EqualLinear(widths[-1], 1)

    def forward(self, picture: Float[Tensor, "b 3 size size"]) -> Float[Tensor, "b 1"]:
        """One logit for each picture; it depends a little on the others of the batch."""
        x = leaky(self.from_rgb(picture * 2 - 1))
        for block in self.blocks:
            x = block(x)
        x = leaky(self.conv(with_deviation(x)))
        return self.answer(leaky(self.hidden(x.flatten(1))))  # type: ignore[no-any-return]


class _EqualConv(nn.Module):
    """A convolution whose weights are about one and are scaled when used (equalised rate)."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        scale = 1 / math.sqrt(self.weight[0].numel())
        return F.conv2d(x, self.weight * scale, self.bias, padding=self.weight.shape[-1] // 2)


class _Halving(nn.Module):
    """Two convolutions beside a straight way; the result is half as large."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = _EqualConv(inputs, inputs, 3)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.straight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o n m"]:
        inputs = x.shape[1]
        weight = self.weight / math.sqrt(9 * inputs)
        y = blur(leaky(self.first(x)), padding=2)
        y = leaky(F.conv2d(y, weight, self.bias, stride=2))
        straight = F.conv2d(blur(x, padding=1), self.straight / math.sqrt(inputs), stride=2)
        return (y + straight) / math.sqrt(2)


def with_deviation(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
    """`x` with one channel more: how much the pictures of a group differ, averaged over all.

    A group is up to four pictures, as many as divide the batch; the restorer that draws the same
    for everybody is found out by it. Source: Karras et al., "Progressive Growing of GANs for
    Improved Quality, Stability, and Variation", ICLR 2018, section 3.
    """
    batch, channels, height, w = x.shape
    size = max(n for n in (1, 2, 3, 4) if batch % n == 0)
    grouped = x.view(size, batch // size, channels, height, w)
    deviation = (grouped.var(dim=0, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    channel = deviation.repeat(size)[:, None, None, None].expand(-1, 1, height, w)
    return torch.cat((x, channel), dim=1)


# Of a halving block, and of everything else.
_PORT_ROLES = {
    "conv1.0.weight": "first.weight",
    "conv1.1.bias": "first.bias",
    "conv2.1.weight": "weight",
    "conv2.2.bias": "bias",
    "skip.1.weight": "straight",
}
_PORT_NAMES = {
    "convs.0.0.weight": "from_rgb.weight",
    "convs.0.1.bias": "from_rgb.bias",
    "final_conv.0.weight": "conv.weight",
    "final_conv.1.bias": "conv.bias",
    "final_linear.0.weight": "hidden.weight",
    "final_linear.0.bias": "hidden.bias",
    "final_linear.1.weight": "answer.weight",
    "final_linear.1.bias": "answer.bias",
}


def names_in(names: Iterable[str]) -> dict[str, str]:
    """Our name -> their name of the tensors of a StyleGAN2 discriminator in another layout.

    Two layouts are known, as those of `stylegan2_layouts`: of the public port, whose names begin
    with the network's own, and of MMagic, whose checkpoints hold three networks and mark this one
    by `discriminator.`. The blur, which is always the same, is left out; a name of no known layout
    stands for itself.
    """
    found = {name.removeprefix("discriminator."): name for name in names}
    marked = {inside: name for inside, name in found.items() if inside != name}
    kept = {inside: name for inside, name in (marked or found).items() if inside[-7:] != ".kernel"}
    return {_own_name(inside): name for inside, name in kept.items()}


def _own_name(name: str) -> str:
    # MMagic's modules of one layer each, whose weights are about one.
    name = re.sub(r"\.(conv|linear)\.weight_orig$", ".weight", name)
    block = re.fullmatch(r"convs\.(\d+)\.(.+)", name)
    if block and block[2] in _PORT_ROLES:
        return f"blocks.{int(block[1]) - 1}.{_PORT_ROLES[block[2]]}"
    return _PORT_NAMES.get(name, name)
