"""GLEAN as one reader of the paper built it: a frozen StyleGAN, faces of 32x32 to 1024x1024.

Source: the folder super_resolution of github.com/543877815/cv_practise, after Chan, Wang, Xu, Gu,
Loy, "GLEAN: Generative Latent Bank for Large-Factor Image Super-Resolution", CVPR 2021. It came out
before the authors' code, which `glean.py` follows.

Differs from the paper:
- The bank is StyleGAN's first generator and draws from one latent for all its layers.
- No picture of the bank is mixed with the encoder's features, and halving is without activations.
- Three more convolutions follow the RRDB blocks, in the places where ESRGAN enlarges.

Differs from the code:
- There the bank's latents are random numbers with the mean and deviation that the mapped latents
  have over the batch: with one picture the deviation is NaN, and with more each becomes what its
  neighbours make of it. Here a picture is a batch of its own and its deviation that of one value,
  zero, which leaves the mean: the mapped latent itself, for every layer. So the same input gives
  the same picture, and the gradient reaches the encoder through the frozen mapping.
- The noise is drawn once, not anew for each picture.
- The discriminator learns (there its loss is never propagated): `PatchDiscriminator`, which has the
  same layers, in the adversarial loop of the training.

Kept as it is there: `encoder.picture`, ESRGAN's last convolution, reaches no output and so learns
nothing; the counts and weights hold it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.errors import ModelFileError, SizeMismatchError
from superfine.models import stylegan1
from superfine.models.rrdbnet import RRDBFeatures
from superfine.models.spec import ModelSpec
from superfine.models.stylegan2 import LATENT


class SeedGLEAN(nn.Module):
    """Encoder, latent bank and decoder, for an input of `side` x `side` pixels.

    `channels` are those of the bank at 32 pixels and below, `features` those of the encoder;
    `side` and `scale` are powers of two.
    """

    def __init__(
        self,
        scale: int,
        *,
        side: int,
        channels: int = 512,
        features: int = 64,
        rrdb_blocks: int = 23,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.side = side
        size = scale * side
        halvings = int(math.log2(side)) - 2
        fine = [side * 2**power for power in range(1, int(math.log2(scale)) + 1)]
        drawn = [stylegan1.width(resolution, channels) for resolution in fine]
        # The decoder is as wide as the bank, but at most a quarter of its widest.
        made = [min(channels // 4, number) for number in drawn]

        self.encoder = SeedEncoder(features, rrdb_blocks)
        self.halving = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(features, features, 3, stride=2, padding=1),
                nn.Conv2d(features, features, 3, padding=1),
            )
            for _ in range(halvings)
        )
        self.to_latent = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1),
            nn.Flatten(),
            nn.Linear(16 * features, LATENT),
        )
        self.mapping = stylegan1.Mapping().requires_grad_(False)
        self.synthesis = stylegan1.Synthesis(size, channels=channels).requires_grad_(False)
        widths = [stylegan1.width(4 * 2**i, channels) for i in range(halvings + 1)]
        self.fuse = nn.ModuleList(nn.Conv2d(n + features, n, 3, padding=1) for n in widths)
        inputs = [features, *(m + d for m, d in zip(made, drawn, strict=True))]
        self.doubling = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, 4 * o, 3, padding=1), nn.PixelShuffle(2))
            for i, o in zip(inputs[:-1], made, strict=True)
        )
        self.tail = nn.Conv2d(inputs[-1], 3, 3, padding=1)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1].

        Raises:
            SizeMismatchError: When `lr` is not `side` x `side` pixels.
        """
        height, w = lr.shape[2:]
        if (height, w) != (self.side, self.side):
            raise SizeMismatchError(
                f"The picture is {w}x{height}, but this GLEAN takes {self.side}x{self.side} only.",
                hint="Crop it to the face and shrink it to that size.",
            )
        features = [self.encoder(lr)]
        for halve in self.halving:
            features.append(halve(features[-1]))
        drawn = self._drawn(features[::-1], self.mapping(self.to_latent(features[-1])))
        x = features[0]
        for double, bank in zip(self.doubling, drawn[len(features) :], strict=True):
            x = torch.cat((double(x), bank), dim=1)
        return self.tail(x)  # type: ignore[no-any-return]

    def _drawn(
        self, features: list[Float[Tensor, "b _ _ _"]], latent: Float[Tensor, "b 512"]
    ) -> list[Float[Tensor, "b _ _ _"]]:
        """The bank's features from 4x4 to the full size, each drawn from those before it mixed
        with the encoder's of the same size."""
        latents = latent[:, None].expand(-1, 2, -1)
        drawn = []
        x = self.synthesis.start(latents)
        for index, block in enumerate(self.synthesis.blocks):
            if 0 < index <= len(features):
                x = self.fuse[index - 1](torch.cat((x, features[index - 1]), dim=1))
            x = block(x, latents)
            drawn.append(x)
        return drawn


class SeedEncoder(nn.Module):
    """ESRGAN's network without its enlarging: features as large as the picture."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.features = RRDBFeatures(channels, blocks)
        convolutions = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3)]
        self.after = nn.Sequential(
            *itertools.chain.from_iterable((conv, nn.LeakyReLU(0.2)) for conv in convolutions)
        )
        self.picture = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Features of the size of `x`."""
        return self.after(self.features(x))  # type: ignore[no-any-return]


def load_stylegan(network: SeedGLEAN, tensors: Mapping[str, Tensor]) -> None:
    """Puts the weights of a trained StyleGAN into the bank of `network`.

    Args:
        network: Its mapping and synthesis are overwritten but for the noise; nothing else changes.
        tensors: Of both parts, in PULSE's names or in ours; others are passed over.

    Raises:
        ModelFileError: When a tensor is missing or has another shape; then nothing has changed.
    """
    found = {stylegan1.pulse_name(name): tensor for name, tensor in tensors.items()}
    state = network.state_dict()
    bank = {name: state[name] for name in bank_names(network)}
    for name, ours in bank.items():
        if name not in found or found[name].shape != ours.shape:
            came = f"is {tuple(found[name].shape)}" if name in found else "is missing"
            size = network.scale * network.side
            raise ModelFileError(
                f"The generator does not fit: {name} {came}, expected {tuple(ours.shape)}.",
                hint=f"Give PULSE's synthesis.pt with mapping.pt beside it, of {size}x{size} "
                "pictures.",
            )
    with torch.no_grad():
        for name, ours in bank.items():
            ours.copy_(found[name])


def bank_names(network: SeedGLEAN) -> list[str]:
    """The tensors of `network` that come from a trained generator."""
    return [
        name
        for name in network.state_dict()
        if name.startswith(("mapping.", "synthesis.")) and not name.endswith(".noise")
    ]


SPEC = ModelSpec(
    name="glean-seed",
    build=partial(SeedGLEAN, side=32),
    scales=(32,),
    channels="rgb",
    reach={32: None},
    paper="after Chan et al., GLEAN: Generative Latent Bank for Large-Factor Image "
    "Super-Resolution, CVPR 2021",
    parameters={32: 30_941_030},
    side=32,
)
