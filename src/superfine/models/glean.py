"""GLEAN: a frozen StyleGAN2 as a bank of what faces (cats, ...) look like, steered by the picture.

Source: Chan, Wang, Xu, Gu, Loy, "GLEAN: Generative Latent Bank for Large-Factor Image
Super-Resolution", CVPR 2021, arXiv:2012.00739; sizes of the layers as in the authors' MMEditing.

An encoder makes features down to 4x4 and one latent for each style of the bank; its features are
mixed into those of the bank up to the size of the input, and a decoder joins what the bank draws
beyond that size to the encoder's features. The bank's own weights never learn, and mean nothing
until `load_generator` has put those of a trained generator there.

Works on pictures of one size (a face of 32x32 pixels) and only on aligned ones of the kind the bank
knows, made small by bicubic.

Differs from the paper: as in the authors' code the bank's RGB pictures are mixed with the encoder's
features too (`fuse_rgb`), but reach no output and so learn nothing. They are kept because the
published parameter counts and weights hold them; `bank_picture` shows what they do.
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
from superfine.models.rrdbnet import RRDBFeatures
from superfine.models.spec import ModelSpec
from superfine.models.stylegan2 import LATENT, Synthesis, latents_of, style_count, width
from superfine.models.stylegan2_layouts import generator_tensors


class GLEAN(nn.Module):
    """Encoder, latent bank and decoder, for an input of `side` x `side` pixels.

    `channels` are those of the bank at 64 pixels and below; `side` and `scale` are powers of two.
    """

    def __init__(
        self,
        scale: int,
        *,
        side: int,
        channels: int = 512,
        rrdb_channels: int = 64,
        rrdb_blocks: int = 23,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.side = side
        size = scale * side
        coarse = [width(2**p, channels) for p in range(2, int(math.log2(side)) + 1)]  # 4 to side
        fine = [width(side * 2**p, channels) for p in range(int(math.log2(scale)) + 1)]

        self.encoder = nn.Sequential(
            RRDBFeatures(rrdb_channels, rrdb_blocks),
            nn.Conv2d(rrdb_channels, coarse[-1], 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.halving = nn.ModuleList(_halving(i, o) for i, o in itertools.pairwise(coarse[::-1]))
        self.to_latents = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(16 * channels, style_count(size) * LATENT),
            nn.Unflatten(1, (style_count(size), LATENT)),
        )
        self.bank = Synthesis(size, channels=channels).requires_grad_(False)
        self.fuse = nn.ModuleList(nn.Conv2d(2 * n, n, 3, padding=1) for n in coarse)
        self.fuse_rgb = nn.ModuleList(nn.Conv2d(n + 3, 3, 3, padding=1) for n in coarse)
        inputs = [fine[0], *(2 * n for n in fine[1:])]
        self.doubling = nn.ModuleList(
            _doubling(i, o) for i, o in zip(inputs[:-1], fine[1:], strict=True)
        )
        self.tail = nn.Sequential(
            nn.Conv2d(inputs[-1], 64, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 3, 3, padding=1),
        )

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """`lr` enlarged; values on [0, 1].

        Raises:
            SizeMismatchError: When `lr` is not `side` x `side` pixels.
        """
        features, latents = self._encoded(lr)
        drawn = self._drawn(features, latents)[len(features) :]
        x = features[-1]
        for double, bank in zip(self.doubling, drawn, strict=True):
            x = torch.cat((double(x), bank), dim=1)
        return (self.tail(x) + 1) / 2  # type: ignore[no-any-return]

    def bank_picture(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 sh sw"]:
        """What the bank alone draws for `lr`, on about [0, 1]; not part of the answer.

        Raises:
            SizeMismatchError: When `lr` is not `side` x `side` pixels.
        """
        features, latents = self._encoded(lr)
        picture = None
        for index, x in enumerate(self._drawn(features, latents)):
            if picture is not None and index <= len(features):
                mixed = torch.cat((picture, features[index - 1]), dim=1)
                picture = self.fuse_rgb[index - 1](mixed)
            picture = self.bank.painted(picture, index, x, latents)
        assert picture is not None
        return (picture + 1) / 2

    def _encoded(
        self, lr: Float[Tensor, "b 3 h w"]
    ) -> tuple[list[Float[Tensor, "b _ _ _"]], Float[Tensor, "b n 512"]]:
        """Features from 4x4 to the size of `lr`, and the latents."""
        height, w = lr.shape[2:]
        if (height, w) != (self.side, self.side):
            raise SizeMismatchError(
                f"The picture is {w}x{height}, but this GLEAN takes {self.side}x{self.side} only.",
                hint="Crop it to the object and shrink it to that size.",
            )
        features = [self.encoder(lr * 2 - 1)]
        for halve in self.halving:
            features.append(halve(features[-1]))
        return features[::-1], self.to_latents(features[-1])

    def _drawn(
        self, features: list[Float[Tensor, "b _ _ _"]], latents: Float[Tensor, "b n 512"]
    ) -> list[Float[Tensor, "b _ _ _"]]:
        """The bank's features from 4x4 to the full size, each drawn from those before it mixed
        with the encoder's of the same size."""
        drawn = []
        x = self.bank.start(latents)
        for index, block in enumerate(self.bank.blocks):
            if 0 < index <= len(features):
                x = self.fuse[index - 1](torch.cat((x, features[index - 1]), dim=1))
            x = block(x, latents_of(latents, index))
            drawn.append(x)
        return drawn


def _halving(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.LeakyReLU(0.2),
    )


def _doubling(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, padding=1), nn.PixelShuffle(2))


def load_generator(network: GLEAN, tensors: Mapping[str, Tensor]) -> None:
    """Puts the weights of a trained StyleGAN2 generator into the bank of `network`.

    Args:
        network: Its bank is overwritten; nothing else changes.
        tensors: Those of a `StyleGAN2Generator`, of its `Synthesis`, or of a generator in the
            layout of the public PyTorch port; the mapping may be missing and is not used.

    Raises:
        ModelFileError: When a tensor of the bank is missing or has another shape; then nothing
            has changed.
    """
    found = {
        name.removeprefix("synthesis."): tensor
        for name, tensor in generator_tensors(tensors).items()
    }
    state = network.bank.state_dict()
    for name, ours in state.items():
        came = f"is {tuple(found[name].shape)}" if name in found else "is missing"
        if name not in found or found[name].shape != ours.shape:
            size = network.scale * network.side
            raise ModelFileError(
                f"The generator does not fit: {name} {came}, expected {tuple(ours.shape)}.",
                hint=f"Give a StyleGAN2 generator of {size}x{size} pictures (configuration F).",
            )
    network.bank.load_state_dict({name: found[name] for name in state})


def _spec(
    side: int, size: int, parameters: int, narrow: Mapping[str, int] | None = None
) -> ModelSpec:
    scale = size // side
    return ModelSpec(
        name=f"glean-{side}-{size}",
        build=partial(GLEAN, side=side, **(narrow or {})),
        scales=(scale,),
        channels="rgb",
        reach={scale: None},
        paper="Chan et al., GLEAN: Generative Latent Bank for Large-Factor Image "
        "Super-Resolution, CVPR 2021",
        parameters={scale: parameters},
        side=side,
    )


SPECS = (
    _spec(32, 256, 132_445_523),
    _spec(16, 256, 141_869_311),
    _spec(64, 1024, 145_146_663),
    _spec(128, 1024, 143_826_555),
    # Nobody else's: narrow and small, so that a bank and all of it can be trained in minutes.
    _spec(8, 64, 3_655_883, {"channels": 32, "rrdb_channels": 32, "rrdb_blocks": 4}),
)
