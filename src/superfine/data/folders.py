"""Folders of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from superfine.errors import PictureError, UsageError
from superfine.io.pictures import read

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".gif", ".bmp", ".ppm", ".pgm")
)


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """The picture files of `folder`, sorted by name; sub-folders are left alone.

    Raises:
        UsageError: When the folder does not exist or holds no picture.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", hint="Give a folder of pictures.")
    found = tuple(sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES))
    if not found:
        raise UsageError(f"{folder} holds no picture.", hint="Give a folder of pictures.")
    return found


def read_uint8(path: Path) -> UInt8[Tensor, "c h w"]:
    """The codes of an 8-bit picture; transparency is left out.

    Raises:
        PictureError: When it holds 16-bit or float samples: tables and training here are 8-bit.
    """
    image = read(path)
    if image.pixels.dtype != torch.uint8:
        raise PictureError(
            f"{path} has {image.bit_depth} bits per sample, expected 8.",
            hint="Convert it to 8 bits first.",
        )
    return image.pixels


def read_all(folders: Iterable[Path]) -> Sequence[UInt8[Tensor, "_ _ _"]]:
    """Every picture of every folder, in order."""
    return [read_uint8(path) for folder in folders for path in pictures_in(folder)]
