"""Metrics of other people's packages, with weight files of the user's own; nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from superfine.benchmark.installed import dists, lpips
from superfine.errors import SizeMismatchError, find_named

# Result and truth with a batch of one, RGB on [0, 1], in float32.
Distance = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class _Known:
    """A metric that looks through a network.

    Attributes:
        name: What users type.
        load: The metric, with the network in a file.
        smallest: Pixels on a side of a picture of which its deepest layer still sees something.
    """

    name: str
    load: Callable[[Path], Distance]
    smallest: int


_KNOWN = (
    _Known("lpips", lpips.through_alexnet, 31),
    _Known("lpips-vgg", lpips.through_vgg16, 16),
    _Known("dists", dists.through_vgg16, 16),
)


def installed_metric(
    name: str, weights: Path
) -> Callable[[Float[Tensor, "3 h w"], Float[Tensor, "3 h w"]], float]:
    """The metric called `name`: result and truth, RGB on [0, 1], to a number; lower is better.

    `lpips` looks through AlexNet, `lpips-vgg` and `dists` through VGG16; 0 when equal, no unit.
    LPIPS has no upper end, DISTS is at most about 1. What is compared, and how much a layer counts,
    is the packages' own, with the small weights they bring; only the network comes from `weights`.
    In float32 on the CPU.

    Args:
        name: `lpips`, `lpips-vgg` or `dists`.
        weights: Tensors in torchvision's names, "features.0.weight"; `.pth` or `.safetensors`.
            Nothing in the file is run, and nothing is downloaded.

    Raises:
        UnknownNameError: When no such metric is known.
        UsageError: When its package is not installed or cannot be imported.
        MissingModelError: When `weights` is not a file.
        ModelFileError: When it is damaged or not this network.
        UnsafeModelError: When it holds more than tensors.

    Source: Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features
    as a perceptual metric", CVPR 2018; Ding, Ma, Wang, Simoncelli, "Image quality assessment:
    unifying structure and texture similarity", TPAMI 2022.
    """
    known = find_named("metric with weights", name, _KNOWN, listing="docs/metrics.md")
    distance = known.load(weights)

    def measure(sr: Float[Tensor, "3 h w"], hr: Float[Tensor, "3 _ _"]) -> float:
        if sr.shape != hr.shape or min(sr.shape[-2:]) < known.smallest:
            raise SizeMismatchError(
                f"{known.name} compares pictures of one size with at least {known.smallest} pixels "
                f"on each side, not {tuple(sr.shape)} and {tuple(hr.shape)}.",
                hint="Leave this metric out for smaller pictures.",
            )
        with torch.inference_mode():
            return float(distance(sr[None].float(), hr[None].float()))

    return measure
