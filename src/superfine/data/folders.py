"""Folders of pictures, read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from superfine.data.listing import pictures_in
from superfine.data.pairs import read_named
from superfine.errors import PictureError


def read_uint8(path: Path) -> UInt8[Tensor, "c h w"]:
    """The codes of an 8-bit picture; transparency is left out.

    Raises:
        PictureError: When it is none, or holds 16-bit or float samples: tables and training here
            are 8-bit. Its name is said.
    """
    image = read_named(path)
    if image.pixels.dtype != torch.uint8:
        raise PictureError(
            f"{path} has {image.bit_depth} bits per sample, expected 8.",
            hint="Convert it to 8 bits first.",
        )
    return image.pixels


def read_all(folders: Iterable[Path]) -> Sequence[UInt8[Tensor, "_ _ _"]]:
    """Every picture of every folder, in order."""
    return [read_uint8(path) for folder in folders for path in pictures_in(folder)]
