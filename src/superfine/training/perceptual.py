"""The perceptual loss: pictures compared by what a VGG network sees in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from superfine.checkpoints import foreign_tensors
from superfine.errors import ModelFileError, SizeMismatchError, UsageError
from superfine.foreign import StoredTensor
from superfine.losses import Loss
from superfine.own_file import refuse_not_finite
from superfine.schema import difference


@dataclass(frozen=True)
class _Vgg:
    """How many 3x3 convolutions stand before each of the five poolings."""

    name: str
    convolutions: tuple[int, int, int, int, int]


_WIDTHS = (64, 128, 256, 512, 512)
_VGG16 = _Vgg("VGG16", (2, 2, 3, 3, 3))
_VGG19 = _Vgg("VGG19", (2, 2, 4, 4, 4))
# Up to index 15 the two are built alike; here VGG19 has a convolution and VGG16 a pooling.
_ONLY_IN_VGG19 = "features.16.weight"

# Mean and standard deviation of the RGB values on [0, 1] of ImageNet.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class PerceptualLoss(nn.Module):
    """Distance between the features of two pictures; its weights are fixed.

    Source: Johnson, Alahi, Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and
    Super-Resolution", ECCV 2016; features of Simonyan and Zisserman, "Very Deep Convolutional
    Networks for Large-Scale Image Recognition", ICLR 2015.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, features: nn.Sequential, distance: Loss) -> None:
        super().__init__()
        self.features = features.requires_grad_(False)
        self.distance = distance
        self.smallest = 2 ** sum(isinstance(layer, nn.MaxPool2d) for layer in features)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))

    def forward(
        self, sr: Float[Tensor, "b c h w"], hr: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, ""]:
        """The distance between the features of `sr` and `hr`, both RGB or grey on [0, 1].

        Grey, which may be luma or depth, is shown as all three colours.

        Raises:
            SizeMismatchError: When the pictures vanish in the poolings.
        """
        height, width = sr.shape[-2:]
        if min(height, width) < self.smallest:
            raise SizeMismatchError(
                f"This layer of VGG needs at least {self.smallest}x{self.smallest} pixels, "
                f"not {height}x{width}.",
                hint="Train on larger patches, or compare an earlier layer.",
            )
        with torch.no_grad():
            wanted = self._seen(hr)
        return self.distance(self._seen(sr), wanted)

    def _seen(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f p q"]:
        features: Tensor = self.features((x.expand(-1, 3, -1, -1) - self.mean) / self.deviation)
        return features


def load_perceptual(file: Path, *, layer: int, distance: Loss) -> PerceptualLoss:
    """The loss with the VGG16 or VGG19 of `file`, on the CPU, in float32.

    Args:
        file: Tensors in torchvision's names, "features.0.weight"; `.pth` or `.safetensors`.
            Only those up to `layer` are read. Nothing in the file is run.
        layer: Index in torchvision's `features` whose output is compared: a convolution before
            its ReLU, a ReLU or a pooling.
        distance: A mean over values, such as `losses.mse`.

    Raises:
        ModelFileError: When the file is damaged or lacks a tensor.
        UnsafeModelError: When it holds more than tensors.
        UsageError: When VGG has no such layer.
    """
    with foreign_tensors(file) as stored:
        vgg = _VGG19 if _ONLY_IN_VGG19 in stored.tensors else _VGG16
        features = _features(vgg, layer)
        tensors = _read(vgg, features, stored.tensors)
    features.load_state_dict(tensors, strict=True, assign=True)
    return PerceptualLoss(features, distance)


def _features(vgg: _Vgg, layer: int) -> nn.Sequential:
    """The layers up to `layer`, counted as torchvision does, without memory for their weights."""
    layers: list[nn.Module] = []
    channels = 3
    with torch.device("meta"):
        for count, width in zip(vgg.convolutions, _WIDTHS, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
    if layer >= len(layers):
        raise UsageError(
            f"{vgg.name} has the layers 0 to {len(layers) - 1}, not {layer}.",
            hint="Give another `layer` to the perceptual loss.",
        )
    return nn.Sequential(*layers[: layer + 1])


def _read(
    vgg: _Vgg, features: nn.Sequential, stored: Mapping[str, StoredTensor]
) -> dict[str, Tensor]:
    theirs = {name: f"features.{name}" for name in features.state_dict()}
    expected = {theirs[name]: tuple(t.shape) for name, t in features.state_dict().items()}
    found = {name: stored[name].shape for name in expected if name in stored}
    if wrong := difference(expected, found):
        raise ModelFileError(
            f"The file is not {vgg.name} in torchvision's names: {wrong}.",
            hint="Give the weights of torchvision's vgg16 or vgg19, without batch norm.",
        )
    tensors = {name: stored[key].read() for name, key in theirs.items()}
    refuse_not_finite(tensors)
    return tensors
