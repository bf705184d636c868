"""How fast this machine is: a second of trying out, and a straight line through what it took."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from superfine import io
from superfine.checkpoints import LoadedModel
from superfine.inference import upscale_image
from superfine.ops.resize import imresize_uint8
from superfine.types import Image

# Squares of these sides are tried, until one takes `_ENOUGH` seconds.
_SIDES = (48, 96, 192, 384, 768)
_ENOUGH = 0.05
_TURNS = 3
# What takes so long is not tried again: the start is lost in it.
_LONG = 0.5


@dataclass(frozen=True)
class Speed:
    """What something takes: `start` seconds, and `each` for every pixel."""

    start: float
    each: float

    def seconds(self, pixels: float) -> float:
        """What `pixels` take."""
        return self.start + self.each * pixels


def network_speed(model: LoadedModel, device: str, most: int | None = None) -> Speed:
    """That of `model` by LR pixels, from a picture in memory to a picture in memory.

    Args:
        model: The network.
        device: As for `pick_device`.
        most: LR pixels that memory has room for; the smallest square is tried whatever it says.
    """

    def enlarge(photo: Image) -> None:
        upscale_image(photo, model, device=device)

    return _measured(enlarge, most)


def writing_speed(suffix: str) -> Speed:
    """That of pictures that end in `suffix`, by pixels: encoded, written, read back, compared."""
    with tempfile.TemporaryDirectory(prefix="superfine-") as folder:
        target = Path(folder) / f"picture{suffix}"

        def write(photo: Image) -> None:
            io.write(photo, target, overwrite=True)

        return _measured(write)


def _measured(work: Callable[[Image], None], most: int | None = None) -> Speed:
    """The line through what the smallest and the largest square took."""
    small = _photo(_SIDES[0])
    _timed(work, small)  # libraries load and memory comes, which is not counted
    if (second := _timed(work, small)) > _LONG:
        return Speed(0.0, second / _SIDES[0] ** 2)
    taken: list[tuple[int, float]] = []
    for side in _SIDES:
        if taken and most is not None and side**2 > most:
            break
        photo = _photo(side)
        # Whatever else the machine does makes a turn longer, never shorter.
        taken.append((side**2, min(_timed(work, photo) for _ in range(_TURNS))))
        if taken[-1][1] > _ENOUGH:
            break
    (few, little), (many, much) = taken[0], taken[-1]
    if len(taken) == 1 or much <= little:
        return Speed(0.0, much / many)
    each = (much - little) / (many - few)
    return Speed(max(0.0, little - each * few), each)


def _timed(work: Callable[[Image], None], photo: Image) -> float:
    started = time.perf_counter()
    work(photo)
    return time.perf_counter() - started


def _photo(side: int) -> Image:
    """Something that compresses about like a photo: soft shapes under a little noise."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 256, (3, -(-side // 16), -(-side // 16)), generator=random)
    soft = imresize_uint8(coarse.to(torch.uint8), scale=16)[:, :side, :side].to(torch.int16)
    noise = torch.randint(-4, 5, soft.shape, generator=random, dtype=torch.int16)
    return Image((soft + noise).clamp(0, 255).to(torch.uint8))
