"""StyleGAN's first generator: pictures of one kind of thing, drawn from vectors of 512 numbers.

Source: Karras, Laine, Aila, "A Style-Based Generator Architecture for Generative Adversarial
Networks", CVPR 2019, arXiv:1812.04948; weights in the layout of PULSE (Menon et al., "PULSE:
Self-Supervised Photo Upsampling via Latent Space Exploration of Generative Models", CVPR 2020),
which has the two parts in two files, `mapping.pt` and `synthesis.pt`.

Differs from the paper:
- As in PULSE the variance that features are divided by is at least 1e-5, not 1e-8.
- The noise is drawn once, when the network is made, and belongs to its weights: the generator
  serves as a frozen bank, and the same latents give the same picture. PULSE's files hold none.
"""

from __future__ import annotations

import math
import re

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from superfine.models.stylegan2 import LATENT, EqualLinear

# From this resolution on the weights belong to the paper's fused enlarging, which is a convolution
# with the kernel turned around.
_FUSED = 128


def width(resolution: int, channels: int) -> int:
    """Channels at `resolution`: `channels` up to 32 pixels, then half for each doubling."""
    return channels if resolution <= 32 else max(1, 32 * channels // resolution)


class Mapping(nn.Module):
    """Eight layers that make latents of vectors of any length."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EqualLinear(LATENT, LATENT, rate=0.01) for _ in range(8))

    def forward(self, z: Float[Tensor, "b 512"]) -> Float[Tensor, "b 512"]:
        """One latent for each row, whose length does not matter."""
        x = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            # He's gain is for the weights alone; put on the input it leaves the bias out.
            x = F.leaky_relu(layer(x * math.sqrt(2)), 0.2)
        return x


class StyledLayer(nn.Module):
    """A 3x3 convolution, noise, leaky ReLU, and per channel a mean and a spread from a latent.

    The first layer of all has no convolution; one that doubles enlarges before it and smooths by
    1-2-1 after it.
    """

    noise: Tensor

    def __init__(self, inputs: int | None, outputs: int, resolution: int, *, doubles: bool) -> None:
        super().__init__()
        self.weight = None
        if inputs is not None:
            self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros(outputs))
        self.affine = EqualLinear(LATENT, 2 * outputs)
        self.register_buffer("noise", torch.randn(1, 1, resolution, resolution))
        self.doubles = doubles

    def forward(
        self, x: Float[Tensor, "b i h w"], latent: Float[Tensor, "b 512"]
    ) -> Float[Tensor, "b o sh sw"]:
        """Features of the layer's resolution, which is twice that of `x` when it doubles."""
        if self.weight is not None:
            weight = self.weight * math.sqrt(2 / self.weight[0].numel())
            x = self._doubled(x, weight) if self.doubles else F.conv2d(x, weight, padding=1)
        x = x + self.bias[:, None, None] + self.strength[:, None, None] * self.noise
        style: Tensor = self.affine(latent)[:, :, None, None]
        spread, mean = torch.chunk(style, 2, dim=1)
        return F.instance_norm(F.leaky_relu(x, 0.2)) * (spread + 1) + mean

    def _doubled(
        self, x: Float[Tensor, "b i h w"], weight: Float[Tensor, "o i 3 3"]
    ) -> Float[Tensor, "b o sh sw"]:
        """Each pixel made four, convolved with `weight` and smoothed."""
        if self.noise.shape[-1] < _FUSED:
            weight = weight.flip(2, 3)
        # Four pixels for one and a 3x3 kernel are one transposed convolution with a 4x4 kernel.
        kernel = 4 * F.avg_pool2d(weight, 2, stride=1, padding=1)
        x = F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2, padding=1)
        return F.avg_pool2d(F.avg_pool2d(x, 2, stride=1, padding=1), 2, stride=1)


class Block(nn.Module):
    """The two layers of one resolution; in every block but that of 4x4 the first one doubles."""

    def __init__(self, resolution: int, channels: int) -> None:
        super().__init__()
        outputs = width(resolution, channels)
        first = resolution == 4
        inputs = None if first else width(resolution // 2, channels)
        self.layers = nn.ModuleList(
            [
                StyledLayer(inputs, outputs, resolution, doubles=not first),
                StyledLayer(outputs, outputs, resolution, doubles=False),
            ]
        )

    def forward(
        self, x: Float[Tensor, "b i h w"], latents: Float[Tensor, "b 2 512"]
    ) -> Float[Tensor, "b o sh sw"]:
        """The features of this resolution; each layer takes the next of `latents`."""
        for index, layer in enumerate(self.layers):
            x = layer(x, latents[:, index])
        return x


class Synthesis(nn.Module):
    """The part of the generator that draws: two latents for each resolution to a picture."""

    def __init__(self, size: int, *, channels: int = 512) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.ones(1, channels, 4, 4))
        resolutions = [2**power for power in range(2, int(math.log2(size)) + 1)]
        self.blocks = nn.ModuleList(Block(resolution, channels) for resolution in resolutions)
        self.to_rgb = nn.Conv2d(width(size, channels), 3, 1)

    def start(self, latents: Float[Tensor, "b n 512"]) -> Float[Tensor, "b c 4 4"]:
        """The learned constant from which every picture grows, once for each of the batch."""
        return self.constant.expand(latents.shape[0], -1, -1, -1)

    def forward(self, latents: Float[Tensor, "b n 512"]) -> Float[Tensor, "b 3 size size"]:
        """A picture on about [-1, 1]; block number i takes the latents 2i and 2i + 1."""
        x = self.start(latents)
        for index, block in enumerate(self.blocks):
            x = block(x, latents[:, 2 * index : 2 * index + 2])
        # The rate of this layer is equalised too, with a gain of 1.
        weight = self.to_rgb.weight / math.sqrt(x.shape[1])
        return F.conv2d(x, weight, self.to_rgb.bias)


def pulse_name(name: str) -> str:
    """What a tensor of PULSE's `mapping.pt` or `synthesis.pt` is called here, by its part.

    "mapping." or "synthesis." and the name in that module; any other name comes back as it is.
    """
    if match := re.fullmatch(r"dense(\d)\.(weight|bias)", name):
        return f"mapping.layers.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"torgb\.(weight|bias)", name):
        return f"synthesis.to_rgb.{match[1]}"
    match = re.fullmatch(r"blocks\.(\d+)x\1\.(.+)", name)
    if match is None:
        return name
    if match[2] == "const":
        return "synthesis.constant"
    block = f"synthesis.blocks.{int(match[1]).bit_length() - 3}"
    for pattern, ours in _PULSE_ROLES:
        if role := re.fullmatch(pattern, match[2]):
            return f"{block}.{role.expand(ours)}"
    return name


# The constant's bias stands where other blocks have their first convolution.
_PULSE_ROLES = (
    (r"bias", "layers.0.bias"),
    (r"conv0_up\.(weight|bias)", r"layers.0.\1"),
    (r"conv1?\.(weight|bias)", r"layers.1.\1"),
    (r"epi1\.noise\.weight", "layers.0.strength"),
    (r"epi2\.noise\.weight", "layers.1.strength"),
    (r"epi1\.style_mod\.lin\.(weight|bias)", r"layers.0.affine.\1"),
    (r"epi2\.style_mod\.lin\.(weight|bias)", r"layers.1.affine.\1"),
)
