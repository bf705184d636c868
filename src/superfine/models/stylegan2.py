"""StyleGAN2's generator: pictures of one kind of thing, drawn from vectors of 512 numbers.

Source: Karras, Laine, Aittala, Hellsten, Lehtinen, Aila, "Analyzing and Improving the Image Quality
of StyleGAN", CVPR 2020, arXiv:1912.04958, configuration F (skips to RGB, large networks).

The latents are one per style: 2·log2(size) - 2 of them, in the order the layers use them, where the
RGB layer of a resolution shares its latent with the first convolution of the next.

Differs from the paper:
- The noise is drawn once, when the network is made, and belongs to its weights: the generator
  serves as a frozen bank, and the same latents give the same picture.
- Weights are modulated by scaling the input and demodulated by scaling the output of one plain
  convolution, which is the same up to rounding and needs no weights per picture.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

LATENT = 512


def width(resolution: int, channels: int) -> int:
    """Channels at `resolution`: `channels` up to 64 pixels, then half for each doubling."""
    return channels if resolution <= 64 else max(1, 64 * channels // resolution)


def style_count(size: int) -> int:
    """Latents a generator of pictures of `size` pixels takes."""
    return 2 * int(math.log2(size)) - 2


def leaky(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Leaky ReLU of slope 0.2 times √2, which keeps the mean square about one."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def blur(x: Float[Tensor, "b c h w"], *, padding: int) -> Float[Tensor, "b c n m"]:
    """`x` smoothed by 1-3-3-1 / 8 in both directions.

    Args:
        x: Features.
        padding: Zeros put to each side first, 0 to 3; the result is 2·padding - 3 larger.
    """
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 8
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, padding=padding, groups=x.shape[1])


def enlarge(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c sh sw"]:
    """`x` twice as large: zeros put between the pixels, and smoothed by 1-3-3-1 / 4."""
    # The first 1-1 of the three in 1-3-3-1, over pixels with zeros between, doubles each pixel.
    x = F.interpolate(x, scale_factor=2.0, mode="nearest")
    x = F.avg_pool2d(x, 2, stride=1, padding=1)
    return F.avg_pool2d(x, 2, stride=1)


class EqualLinear(nn.Module):
    """A linear layer whose weights are about one and are scaled when used (equalised rate)."""

    def __init__(self, inputs: int, outputs: int, *, start: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), start))
        self.rate = rate

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b o"]:
        """The affine map of `x`."""
        scale = self.rate / math.sqrt(self.weight.shape[1])
        return F.linear(x, self.weight * scale, self.bias * self.rate)


class StyledConv(nn.Module):
    """A 3x3 convolution whose input channels a latent scales, then noise, bias and leaky ReLU.

    The paper's modulation and demodulation (section 2.2, equations 1 and 3).
    """

    noise: Tensor

    def __init__(self, inputs: int, outputs: int, resolution: int, *, doubles: bool) -> None:
        super().__init__()
        self.affine = EqualLinear(LATENT, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros(1))
        self.register_buffer("noise", torch.randn(1, 1, resolution, resolution))
        self.doubles = doubles

    def forward(
        self, x: Float[Tensor, "b i h w"], latent: Float[Tensor, "b 512"]
    ) -> Float[Tensor, "b o sh sw"]:
        """Features of the layer's resolution, which is twice that of `x` when it doubles."""
        style = self.affine(latent)
        weight = self.weight / math.sqrt(self.weight[0].numel())
        # Σ (weight·style)² over inputs and taps, for each picture and output channel.
        energy = F.linear(style.square(), weight.square().sum(dim=(2, 3)))
        x = x * style[:, :, None, None]
        if self.doubles:
            x = blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), padding=1) * 4
        else:
            x = F.conv2d(x, weight, padding=1)
        x = x * (energy + 1e-8).rsqrt()[:, :, None, None]
        return leaky(x + self.strength * self.noise + self.bias[:, None, None])


class ToRGB(nn.Module):
    """A 1x1 convolution to red, green and blue whose input channels a latent scales."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.affine = EqualLinear(LATENT, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(
        self, x: Float[Tensor, "b i h w"], latent: Float[Tensor, "b 512"]
    ) -> Float[Tensor, "b 3 h w"]:
        """What the features `x` add to the picture, in its unit."""
        style = self.affine(latent)[:, :, None, None]
        return F.conv2d(x * style, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class Block(nn.Module):
    """The layers of one resolution; every block but that of 4x4 first doubles its input."""

    def __init__(self, resolution: int, channels: int) -> None:
        super().__init__()
        outputs = width(resolution, channels)
        plain = StyledConv(outputs, outputs, resolution, doubles=False)
        if resolution == 4:
            self.convs = nn.ModuleList([plain])
        else:
            inputs = width(resolution // 2, channels)
            doubling = StyledConv(inputs, outputs, resolution, doubles=True)
            self.convs = nn.ModuleList([doubling, plain])
        self.to_rgb = ToRGB(outputs)

    def forward(
        self, x: Float[Tensor, "b i h w"], latents: Float[Tensor, "b n 512"]
    ) -> Float[Tensor, "b o sh sw"]:
        """The features of this resolution; each convolution takes the next of `latents`."""
        for index, conv in enumerate(self.convs):
            x = conv(x, latents[:, index])
        return x


class Synthesis(nn.Module):
    """The part of the generator that draws: latents to a picture, coarse to fine."""

    def __init__(self, size: int, *, channels: int = 512) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, channels, 4, 4))
        resolutions = [2**power for power in range(2, int(math.log2(size)) + 1)]
        self.blocks = nn.ModuleList(Block(resolution, channels) for resolution in resolutions)

    def start(self, latents: Float[Tensor, "b n 512"]) -> Float[Tensor, "b c 4 4"]:
        """The learned constant from which every picture grows, once for each of the batch."""
        return self.constant.expand(latents.shape[0], -1, -1, -1)

    def features(self, latents: Float[Tensor, "b n 512"]) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """What each block computes, from 4x4 to the full size."""
        x, found = self.start(latents), []
        for index, block in enumerate(self.blocks):
            x = block(x, latents_of(latents, index))
            found.append(x)
        return tuple(found)

    def forward(self, latents: Float[Tensor, "b n 512"]) -> Float[Tensor, "b 3 size size"]:
        """A picture on about [-1, 1] for each row of one latent per style."""
        picture = None
        for index, x in enumerate(self.features(latents)):
            picture = self.painted(picture, index, x, latents)
        assert picture is not None
        return picture

    def painted(
        self,
        picture: Float[Tensor, "b 3 n n"] | None,
        index: int,
        x: Float[Tensor, "b c h w"],
        latents: Float[Tensor, "b styles 512"],
    ) -> Float[Tensor, "b 3 h w"]:
        """The picture of the block before number `index` enlarged, plus what its features add."""
        block = self.blocks[index]
        assert isinstance(block, Block)
        added: Tensor = block.to_rgb(x, latents_of(latents, index)[:, -1])
        return added if picture is None else enlarge(picture) + added


def latents_of(latents: Float[Tensor, "b n 512"], block: int) -> Float[Tensor, "b m 512"]:
    """The latents of block number `block`: those of its convolutions and, last, of its RGB."""
    return latents[:, max(0, 2 * block - 1) : 2 * block + 2]


class StyleGAN2Generator(nn.Module):
    """The whole generator: a mapping of normal random vectors to latents, and the synthesis."""

    def __init__(self, size: int, *, channels: int = 512) -> None:
        super().__init__()
        self.size = size
        self.mapping = nn.ModuleList(EqualLinear(LATENT, LATENT, rate=0.01) for _ in range(8))
        self.synthesis = Synthesis(size, channels=channels)

    def forward(self, z: Float[Tensor, "b 512"]) -> Float[Tensor, "b 3 size size"]:
        """A picture on about [-1, 1] for each row of normal random numbers."""
        picture: Tensor = self.synthesis(self.latents(z))
        return picture

    def latents(self, z: Float[Tensor, "b 512"]) -> Float[Tensor, "b n 512"]:
        """What the mapping makes of normal random numbers: for every style the same latent."""
        latent = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.mapping:
            latent = leaky(layer(latent))
        return latent[:, None].expand(-1, style_count(self.size), -1)
