"""The first of two passes over the pictures: what is there, and how many patches it gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from superfine.data.listing import pictures_in
from superfine.data.prepare.options import PrepareOptions
from superfine.data.prepare.patches import counted
from superfine.errors import PictureError, SuperfineError, UsageError
from superfine.io.gate import PictureFile
from superfine.io.pictures import read


@dataclass(frozen=True)
class Planned:
    """One picture as the first pass found it.

    Attributes:
        path: Where it is.
        sha256: Of its bytes.
        counts: Upscale factor -> how many patches it gives.
    """

    path: Path
    sha256: str
    counts: dict[int, int]


@dataclass(frozen=True)
class Plan:
    """What will be made."""

    options: PrepareOptions
    pictures: tuple[Planned, ...]

    @cached_property
    def counts(self) -> dict[int, int]:
        """Upscale factor -> how many patches there are of it."""
        return {
            factor: sum(picture.counts[factor] for picture in self.pictures)
            for factor in self.options.upscale_factors
        }

    @cached_property
    def fingerprint(self) -> str:
        """Equal only for the same options over the same pictures."""
        options = {**asdict(self.options), "folder": self.options.folder.name}
        pictures = [[p.path.name, p.sha256, list(p.counts.values())] for p in self.pictures]
        text = json.dumps({"v": 1, "options": options, "pictures": pictures}, sort_keys=True)
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def survey(options: PrepareOptions, on_progress: Callable[[int, int], None]) -> Plan:
    """Reads every picture once and counts.

    Args:
        on_progress: Called with the number of pictures read and their total.

    Raises:
        PictureError: A picture that cannot be read, or has not 8 bits.
        UsageError: No picture holds a patch.
    """
    paths = pictures_in(options.folder)[: options.number]
    pictures = []
    for done, path in enumerate(paths):
        on_progress(done, len(paths))
        sha256, codes = load(path)
        counts = counted((codes.shape[1], codes.shape[2]), options)
        pictures.append(Planned(path, sha256, counts))
    plan = Plan(options, tuple(pictures))
    for factor, count in plan.counts.items():
        if not count:
            raise UsageError(
                f"No picture of {options.folder} holds a patch of {options.width}×{options.height} "
                f"for upscale factor {factor}.",
                hint="Use smaller patches, larger --scales or larger pictures.",
            )
    return plan


def load(path: Path) -> tuple[str, UInt8[Tensor, "c h w"]]:
    """SHA-256 of the bytes of a picture, and the codes in those very bytes; alpha is left out.

    Raises:
        PictureError: It cannot be read, or has not 8 bits.
    """
    try:
        with PictureFile(path) as file:
            data = file.at(0, file.size)
        image = read(data)
    except SuperfineError as error:
        raise PictureError(
            f"{path}: {error.message}",
            hint=error.hint or "Find all such pictures: superfine data check FOLDER",
            code=error.code,
        ) from error
    if image.pixels.dtype != torch.uint8:
        raise PictureError(
            f"{path} has {image.bit_depth} bits per sample, expected 8.",
            hint="Convert it to 8 bits first.",
        )
    return hashlib.sha256(data).hexdigest(), image.pixels
