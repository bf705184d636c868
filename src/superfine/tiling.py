"""How a picture is cut into tiles: as large as memory allows, with the context they need.

A tile with as much context as the network sees equals the whole. A network that sees everything,
or so far that such tiles are out of proportion, gets a fixed context: its tiles are close to the
whole, but not equal. The measured difference is in `docs/community.md`.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import torch

from superfine.checkpoints import LoadedModel
from superfine.community import MeasuredReach
from superfine.errors import UsageError
from superfine.ops.allocations import Allocations
from superfine.ops.tile import Span, cut, fitting_tile
from superfine.window import Work, cell_of

# What the activations of one tile may take on the CPU. Larger tiles are hardly faster, and the
# promise of docs/memory.md rests on this number.
_TILE_BYTES = 256 * 2**20
# The same where the context alone would fill that, and for a whole picture whose tiles would not
# equal it; at most this share of the machine's memory.
_LARGE_TILE_BYTES = 2 * 2**30
_SHARE = 8

# Context up to here is always given in full, however small the tile. Beyond, a tile is at least as
# wide as its context, or it would cost more than nine times its own pixels.
_NEAR = 64
# Context of tiles that do not equal the whole, in LR pixels; at the borders the last of it serves
# to fade them into each other.
_OVERLAP = 64
_FADE = 8

# Side of the picture on which memory is measured.
_SAMPLE = 32
# Memory in all for each byte that is seen in tensors: convolutions have workspaces.
_UNSEEN = 1.5


@dataclass(frozen=True)
class Tiling:
    """The windows of a result.

    Attributes:
        rows: Of the result.
        columns: Of the result.
        overlap: Rows, and columns, of the result that neighbours share and fade over.
        context: LR pixels around each window; None takes the whole picture.
        note: In words for the user that the tiles do not equal the whole; empty where they do.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    overlap: tuple[int, int]
    context: int | None
    note: str = ""


@dataclass(frozen=True)
class Load:
    """What a tiling makes the network do.

    Attributes:
        pixels: LR pixels it works on in all, the context of every tile among them.
        largest: LR pixels of the largest tile with its context.
        strip: Rows of the result that are held until they go out, at most.
    """

    pixels: int
    largest: int
    strip: int


def load_of(work: Work, tiling: Tiling) -> Load:
    """What `tiling` makes the network of `work` do."""
    sides = []
    for spans, out, size in zip(
        (tiling.rows, tiling.columns), work.size, _lr_size(work), strict=True
    ):
        context = size if tiling.context is None else tiling.context
        # From the result down to LR pixels, whatever the scale between them.
        seen = (Span(s.start * size // out, -(-s.stop * size // out)) for s in spans)
        sides.append([span.grown(context, size).length for span in seen])
    rows, columns = sides
    strip = max(span.length for span in tiling.rows)
    return Load(sum(rows) * sum(columns), max(rows) * max(columns), strip)


def plan_tiles(work: Work, tile: int | None, memory: int | None = None) -> Tiling:
    """The windows of `work`.

    Args:
        tile: LR pixels on a side of a tile; None chooses by memory.
        memory: Bytes that a tile may take, where less than usual; tiles of 16 pixels with their
            context take what they must.

    Raises:
        UsageError: When `tile` is not positive.
    """
    if tile is not None and tile < 1:
        raise UsageError(f"A tile of {tile} pixels is too small.", hint="Use 32 or more.")
    if tile is None:
        return _by_memory(work, _room(work.device, memory))
    if work.model.spec.side is not None or tile >= max(_lr_size(work)):
        return _whole(work)
    if work.reach is not None and work.reach <= max(_NEAR, tile):
        return _cut(work, (tile, tile), work.reach)
    return _faded(work, (tile, tile), _OVERLAP)


@dataclass(frozen=True)
class _Room:
    """Bytes a tile may take, usually and at most.

    The most is for tiles where smaller ones would not equal the whole, or be all context.
    """

    usual: int
    most: int


def _by_memory(work: Work, room: _Room) -> Tiling:
    lr_pixels = math.prod(_lr_size(work))
    if work.model.spec.side is not None or lr_pixels <= _SAMPLE**2:
        return _whole(work)
    each = bytes_per_pixel(work.model, work.device)
    pixels = room.usual // each
    if lr_pixels <= pixels:
        return _whole(work)
    if work.reach is not None:
        enough = _enough(work, work.reach, pixels, room.most // each)
        if work.reach <= _NEAR or math.isqrt(enough) >= 3 * work.reach:
            return _cut(work, _fitting(work, work.reach, enough), work.reach)
    if lr_pixels <= room.most // each:
        return _whole(work)
    enough = _enough(work, _OVERLAP, pixels, room.most // each)
    context = min(_OVERLAP, math.isqrt(enough) // 4)
    return _faded(work, _fitting(work, context, enough), context)


def _whole(work: Work) -> Tiling:
    # Nobody asks how far an unknown network sees while the whole picture fits.
    measured = isinstance(work.model.spec.reach, MeasuredReach)
    return _cut(work, _lr_size(work), None if measured else work.reach)


def _enough(work: Work, context: int, pixels: int, most: int) -> int:
    """The pixels of a tile with its context: `pixels`, or more where the context fills those."""
    if math.isqrt(pixels) >= 3 * context or work.device.type == "cuda":
        return pixels
    return min((6 * context) ** 2, most)


def _fitting(work: Work, context: int, pixels: int) -> tuple[int, int]:
    # Windows are widened to whole cells.
    reach = context + work.cell - 1
    return fitting_tile(work.image.height, work.image.width, reach=reach, pixels=pixels)


def _cut(work: Work, tile: tuple[int, int], context: int | None) -> Tiling:
    """The windows of tiles of `tile` LR rows and columns, beside each other."""
    rows, columns = (
        cut(out, max(1, length * out // size))
        for length, out, size in zip(tile, work.size, _lr_size(work), strict=True)
    )
    return Tiling(rows, columns, (0, 0), context)


def _faded(work: Work, tile: tuple[int, int], context: int) -> Tiling:
    """The windows of tiles of `tile` LR rows and columns that fade into each other."""
    plain = _cut(work, tile, context)
    fade = min(_FADE, context // 2)
    widened, overlaps = [], []
    for spans, out, size in zip(
        (plain.rows, plain.columns), work.size, _lr_size(work), strict=True
    ):
        shortest = min(span.length for span in spans)
        by = min(fade * out // size, shortest // 2) if len(spans) > 1 else 0
        widened.append(tuple(span.grown(by, out) for span in spans))
        overlaps.append(2 * by)
    note = (
        f"{work.model.spec.name} worked on tiles of {tile[1]}x{tile[0]} pixels with {context} "
        "around each; it sees farther, so the result is close to that of the whole picture, but "
        "not equal."
    )
    return Tiling(widened[0], widened[1], (overlaps[0], overlaps[1]), context - fade, note)


def _lr_size(work: Work) -> tuple[int, int]:
    return work.image.height, work.image.width


def _room(device: torch.device, limit: int | None) -> _Room:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        usual = most = free // 2
    else:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        usual, most = _TILE_BYTES, max(_TILE_BYTES, min(_LARGE_TILE_BYTES, memory // _SHARE))
    return _Room(usual, most) if limit is None else _Room(min(usual, limit), min(most, limit))


def bytes_per_pixel(model: LoadedModel, device: torch.device) -> int:
    """Memory that one LR pixel of a tile needs, measured on a small picture."""
    cell = cell_of(model.network)
    side = -(-_SAMPLE // cell) * cell
    channels = 1 if model.spec.channels == "y" else 3
    sample = torch.zeros(1, channels, side, side, device=device)
    taken = Allocations()
    with torch.inference_mode(), taken:
        model.network(sample)
    # The picture itself in floats before and after, whatever the network does.
    itself = 64 * (1 + model.scale**2)
    return max(itself, math.ceil(_UNSEEN * taken.peak / side**2))


def most_bytes(device: torch.device) -> int:
    """What a piece of a picture may take at most on this machine."""
    return _room(device, None).most
