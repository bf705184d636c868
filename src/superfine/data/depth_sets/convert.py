"""Any depth set in the layout that networks are trained on: `depth/NAME.png`, `guide/NAME.png`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from superfine.data.depth_sets import find_depth_set
from superfine.data.depth_sets.scene import SetScene
from superfine.data.own_folder import filling
from superfine.errors import OutputError
from superfine.io.depth import write_depth
from superfine.io.writer import write
from superfine.ops.codes import to_codes
from superfine.types import DepthMap, DepthStorage, Image

_SETTINGS = "depth_set.json"
_LARGEST = 65_534  # 65535 is a hole to those who read the layout
# As many codes a unit as fit: TUM's, or millimetres; KITTI's for disparity, or fewer.
_CODES = {"metre": (5000.0, 1000.0), "disparity_px": (256.0, 64.0, 16.0)}


@dataclass(frozen=True)
class Converted:
    """What is in a folder now.

    Attributes:
        made: Maps written by this call.
        kept: Maps that were there.
        alone: Maps without a photo.
        empty: Maps passed over because nothing was measured in them.
    """

    made: int
    kept: int
    alone: int
    empty: int


def convert(name: str, source: Path, out: Path, *, on_progress: Callable[[int], None]) -> Converted:
    """Writes the set called `name`, which lies in `source`, into `out`.

    Maps become 16-bit PNG with their side-car, 0 for holes: 5000 codes a metre or 256 a pixel of
    disparity, or fewer where a map goes beyond; a relative map is stretched to 1..65534. Photos
    become PNG of 8 or 16 bits. Called again, only what is missing is written.

    Args:
        name: As `DEPTH_SETS` has it.
        source: Folder or file of the set.
        out: A folder that does not exist, is empty, or was begun by this function.
        on_progress: Called with how many maps have been read.

    Raises:
        UnknownNameError: No set of that name.
        UsageError: `source` is not laid out as that set.
        PictureError: A file of it that is missing or cannot be read.
        SizeMismatchError: A photo of another size than its map.
        OutputError: `out` holds another set or is somebody else's, or cannot be written.
        DiskFullError: No room.
    """
    scenes = find_depth_set(name).read(source)
    first = next(scenes)  # so that a wrong source is said before anything is made
    settings = {"kind": "superfine depth set", "version": 1, "set": name}
    made = kept = alone = empty = 0
    with filling(out, _SETTINGS, settings, ("depth", "guide")):
        for number, one in enumerate((first, *scenes)):
            on_progress(number)
            alone += one.guide is None
            if (out / "depth" / _file_of(one)).exists():
                kept += 1
            elif bool(one.depth.valid.any()):
                _put(one, out)
                made += 1
            else:
                empty += 1
    return Converted(made, kept, alone, empty)


def _file_of(one: SetScene) -> str:
    return f"{one.name.replace('/', '_')}.png"


def _put(one: SetScene, out: Path) -> None:
    # The map last: where it is, all is.
    if one.guide is not None:
        pixels = one.guide.pixels
        if pixels.dtype == torch.float32:
            pixels = to_codes(pixels, torch.uint8)
        write(Image(pixels), out / "guide" / _file_of(one), overwrite=True)
    depth = _stretched(one.depth) if one.depth.unit == "relative" else one.depth
    write_depth(depth, out / "depth" / _file_of(one), overwrite=True, storage=_storage_for(depth))


def _stretched(depth: DepthMap) -> DepthMap:
    """A relative map on 1..65534; it has neither a zero nor a size that this could change."""
    low, high = torch.aminmax(depth.values[depth.valid].double())
    span = high - low if high > low else 1
    return replace(depth, values=1 + (depth.values.double() - low) / span * (_LARGEST - 1))


def _storage_for(depth: DepthMap) -> DepthStorage:
    farthest = float(depth.values[depth.valid].max())
    for codes in _CODES.get(depth.unit, (1.0,)):
        if math.floor(farthest * codes + 0.5) <= _LARGEST:
            return DepthStorage("png", ">u2", codes, 0.0, also_holes=(65535.0,))
    raise OutputError(
        f"A map goes as far as {farthest:g} ({depth.unit}), more than 16 bits hold.",
        hint="Is this the set it is said to be?",
    )
