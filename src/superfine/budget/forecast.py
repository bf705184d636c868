"""What a picture will take: seconds from what was measured, bytes from the plan of its tiles."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

from superfine.budget.amounts import told_bytes
from superfine.budget.kept import forget, remembered
from superfine.budget.speed import Speed, network_speed, writing_speed
from superfine.checkpoints import LoadedModel, load_model
from superfine.errors import MemoryLimitError
from superfine.inference import pick_device
from superfine.tiling import Load, bytes_per_pixel, load_of, plan_tiles
from superfine.types import Image
from superfine.window import Work

_VIEWS = 8  # of a self-ensemble
# A strip of the result: its tiles, and the row they are put together to.
_STRIPS = 2
# Raw results up to this size wait in memory (`io.rows`), and are there again while they are
# encoded and compared; beside them, what an encoder and a decoder keep.
_HELD = 64 * 2**20
_COPIES = 2
_CODEC = 48 * 2**20
# What the process has when it starts grows in steps, so that a run plans like the one before.
_STEP = 32 * 2**20


@dataclass(frozen=True)
class Picture:
    """What is known of a picture before it is decoded.

    Attributes:
        width: Columns.
        height: Rows.
        channels: Colour channels and alpha.
        sample: Bytes of a sample.
        frames: Of an animation; 1 for a still picture.
    """

    width: int
    height: int
    channels: int = 3
    sample: int = 1
    frames: int = 1


@dataclass(frozen=True)
class Way:
    """How pictures are enlarged.

    Attributes:
        size: Width and height of the result; None for `scale` of the model times the input.
        tile: LR pixels on a side of a tile; None chooses by memory.
        self_ensemble: Whether eight views are averaged.
        device: As for `pick_device`.
        suffix: Ending of the result.
        memory: Bytes the whole process may take; None for the usual tiles.
    """

    size: tuple[int, int] | None = None
    tile: int | None = None
    self_ensemble: bool = False
    device: str = "auto"
    suffix: str = ".png"
    memory: int | None = None


@dataclass(frozen=True)
class Fit:
    """How a picture fits into memory.

    Attributes:
        load: What its tiles make the network do.
        tile_memory: Bytes a tile may take; None for the usual.
        tile_pixels: LR pixels that is; None for the usual.
        memory: Bytes the whole process will take.
    """

    load: Load
    tile_memory: int | None
    tile_pixels: int | None
    memory: int


def fit(model: LoadedModel, picture: Picture, way: Way) -> Fit:
    """The plan of tiles with which `picture` stays within `way.memory`, or the usual one.

    The bytes are those of the process where nothing else happened in it before.

    Raises:
        MemoryLimitError: When not even the smallest tiles do; it says what would be needed.
    """
    work = _work(model, picture, way)
    each, beside = bytes_per_pixel(work.model, work.device), _beside_tiles(picture, work.size)

    def with_tiles_of(share: int | None) -> Fit:
        load = load_of(work, plan_tiles(work, way.tile, share))
        strip = _STRIPS * load.strip * work.size[1] * picture.channels * picture.sample
        pixels = None if share is None else share // each
        return Fit(load, share, pixels, beside + load.largest * each + strip)

    if way.memory is None:
        return with_tiles_of(None)
    share = max(1, way.memory - beside)
    found = with_tiles_of(share)
    while found.memory > way.memory:
        if found.load.largest * each > 2 * share:  # the smallest tiles there are
            raise MemoryLimitError(
                f"{model.spec.name} needs about {told_bytes(found.memory)} for a picture of "
                f"{picture.width}x{picture.height}; the limit is {told_bytes(way.memory)}.",
                hint=f"Give --max-memory {-(-found.memory // 2**20)}M.",
            )
        share //= 2
        found = with_tiles_of(share)
    return found


def seconds_for(model: LoadedModel, picture: Picture, way: Way, found: Fit) -> float:
    """What `picture` takes from the moment it is opened until its result is in place.

    Measures, where that is not known, within the memory that is allowed.
    """
    network = _speed_of(model, way, found)
    writing = remembered(_of_writing(way), lambda: writing_speed(way.suffix))
    width, height = _size(model, picture, way)
    seconds = (_VIEWS if way.self_ensemble else 1) * network.seconds(found.load.pixels)
    if (width, height) != _size(model, picture, replace(way, size=None)):
        # The way from there to the size asked for takes about what bicubic would for all of it.
        bicubic = _speed_of(load_model("bicubic", scale=model.scale), way, found)
        seconds += bicubic.seconds(picture.width * picture.height)
    # Reading takes less than writing for as many pixels, and is counted as much.
    pixels = width * height + picture.width * picture.height
    return picture.frames * (seconds + writing.seconds(pixels))


def distrust(model: LoadedModel, way: Way) -> None:
    """Lets the machine be measured anew: it was not as fast as it had been."""
    forget(_of_model(model, way))
    forget(_of_writing(way))


def picture_of(image: Image, *, frames: int = 1) -> Picture:
    """The facts of a picture that was read."""
    channels = image.pixels.shape[0] + (image.alpha is not None)
    return Picture(image.width, image.height, channels, image.pixels.itemsize, frames)


def _speed_of(model: LoadedModel, way: Way, found: Fit) -> Speed:
    what = _of_model(model, way)
    return remembered(what, lambda: network_speed(model, way.device, found.tile_pixels))


def _of_model(model: LoadedModel, way: Way) -> str:
    name = f"{model.spec.name}-x{model.scale} {model.card.sha256}"
    return f"{name} on {pick_device(way.device)}"


def _of_writing(way: Way) -> str:
    return f"writing {way.suffix.lower()}"


def _size(model: LoadedModel, picture: Picture, way: Way) -> tuple[int, int]:
    return way.size or (picture.width * model.scale, picture.height * model.scale)


def _work(model: LoadedModel, picture: Picture, way: Way) -> Work:
    """What `inference` will do, with a picture of that size that takes no memory."""
    blank = torch.zeros(1, 1, 1, dtype=torch.uint8).expand(3, picture.height, picture.width)
    width, height = _size(model, picture, way)
    device = pick_device(way.device)
    network = model.network.to(device)
    return Work(Image(blank), model, (height, width), resize=None, run=network, device=device)


def _beside_tiles(picture: Picture, size: tuple[int, int]) -> int:
    """Bytes of everything but tiles and strips; `size` is rows and columns of the result."""
    pixel = picture.channels * picture.sample
    before = picture.width * picture.height * pixel
    after = size[0] * size[1] * pixel
    if picture.frames > 1:  # all of them are there until they are written
        return at_rest() + picture.frames * (before + after) + _CODEC
    return at_rest() + before + _COPIES * min(after, _HELD) + _CODEC


@cache
def at_rest() -> int:
    """Bytes this process took when it was asked first, in whole steps."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        taken = pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        # The most it ever had, in KiB, on macOS in bytes.
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        taken = most * (1 if sys.platform == "darwin" else 1024)
    return -(-taken // _STEP) * _STEP
