"""What an awkward picture is, and what can be asked of it once it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from superfine.types import Image

from . import bytes as raw


@dataclass(frozen=True)
class AwkwardPicture:
    """One picture of the corpus.

    Attributes:
        name: Number in the list and a few words.
        make: Writes the file into a folder and says where.
        outcome: "ok", or the code of the error.
        check: What must hold for the picture read, where the outcome is "ok".
    """

    name: str
    make: Callable[[Path], Path]
    outcome: str = "ok"
    check: Callable[[Image], bool] = lambda image: True


def file(name: str, data: Callable[[], bytes]) -> Callable[[Path], Path]:
    return lambda folder: raw.write(folder, name, data())


def shaped(
    channels: int, height: int, width: int, *, bits: int = 8, alpha: bool = False
) -> Callable[[Image], bool]:
    def holds(image: Image) -> bool:
        return (
            tuple(image.pixels.shape) == (channels, height, width)
            and image.bit_depth == bits
            and (image.alpha is not None) == alpha
        )

    return holds


def noted(word: str) -> Callable[[Image], bool]:
    return lambda image: any(word in note for note in image.notes)


def same_codes(channels: int) -> Callable[[Image], bool]:
    expected = torch.from_numpy(raw.noise(8, 8, channels, np.uint16).astype(np.int32)).permute(
        2, 0, 1
    )

    def holds(image: Image) -> bool:
        planes = image.pixels if image.alpha is None else torch.cat([image.pixels, image.alpha])
        return torch.equal(planes.to(torch.int32), expected)

    return holds


def stretched(depth: int) -> Callable[[Image], bool]:
    expected = torch.tensor([255 * (at % 2**depth) // (2**depth - 1) for at in range(16)])
    return lambda image: image.grey and torch.equal(image.pixels[0, 0].long(), expected)
