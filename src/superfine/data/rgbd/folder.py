"""Made-up scenes as files, in the layout that depth networks are trained on.

`OUT/depth/NAME.png` is a 16-bit map where 0 is a hole, with its side-car: 5000 codes a metre, as
TUM's, or 256 codes a pixel of disparity, as KITTI's. `OUT/guide/NAME.png` is its picture,
`OUT/facts/NAME.json` what is in it. Of a sensor, `OUT/clean/NAME.png` is the truth. `OUT/rgbd.json`
holds the settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from superfine.data.own_folder import filling, json_bytes
from superfine.data.rgbd.scene import GENERATOR, Scene, scene
from superfine.errors import UsageError
from superfine.io.atomic import write_bytes_atomic
from superfine.io.depth import write_depth
from superfine.io.writer import write
from superfine.ops.disparity import disparity_from_depth
from superfine.types import DepthMap, DepthStorage, Image

# Codes of 16 bits reach from the nearest to the farthest of all scenes.
CODES_PER_METRE = 5000
CODES_PER_PIXEL = 256
# Of the stereo camera that sees disparity, pixels times metres: 250 pixels at 0.2 m, 4.2 at 12 m.
FOCAL_TIMES_BASELINE = 50.0
_SETTINGS = "rgbd.json"


@dataclass(frozen=True)
class Synthesized:
    """What is in a folder now.

    Attributes:
        made: Scenes made by this call.
        kept: Scenes that were there.
    """

    made: int
    kept: int


def synthesize(
    out: Path,
    *,
    count: int,
    size: tuple[int, int],
    seed: int,
    with_sensor: bool,
    disparity: bool,
    on_progress: Callable[[int, int], None],
) -> Synthesized:
    """Scenes 0 to `count` - 1 of `seed` as files in `out`, with the same bytes every time.

    Called again it makes only what is missing; with a larger `count`, more.

    Args:
        out: A folder that does not exist, is empty, or was begun by this function.
        count: How many scenes.
        size: Width and height in pixels.
        seed: Of the set.
        with_sensor: Whether `depth/` holds what a depth camera reports, and `clean/` the truth.
        disparity: Whether maps hold disparity, as those of stereo sets do, instead of depth.
        on_progress: Called with how many scenes are there, and of how many.

    Raises:
        UsageError: A number out of range.
        OutputError: `out` was begun with other settings or is somebody else's, or is not writable.
        DiskFullError: No room.
    """
    if count < 1:
        raise UsageError(f"{count} scenes are none.", hint="Give a --count of 1 or more.")
    settings: dict[str, object] = {
        "kind": "superfine rgbd scenes",
        "generator": GENERATOR,
        "seed": seed,
        "width": size[0],
        "height": size[1],
        "sensor": with_sensor,
        **_meaning(disparity),
        "hole": 0,
    }
    first = scene(seed, 0, size)  # so that a number out of range is said before anything is made
    folders = ("depth", "guide", "facts", *(("clean",) if with_sensor else ()))
    made = 0
    with filling(out, _SETTINGS, settings, folders):
        for index in range(count):
            on_progress(index, count)
            # The facts are written last: where they are, all is.
            if not (out / "facts" / f"{index:06d}.json").exists():
                made_up = scene(seed, index, size) if index else first
                _put(made_up, out, with_sensor=with_sensor, disparity=disparity)
                made += 1
    return Synthesized(made, count - made)


def _meaning(disparity: bool) -> dict[str, object]:
    if disparity:
        return {
            "unit": "disparity_px",
            "codes_per_unit": CODES_PER_PIXEL,
            "focal_times_baseline": FOCAL_TIMES_BASELINE,
        }
    return {"unit": "metre", "codes_per_unit": CODES_PER_METRE}


def _put(made: Scene, out: Path, *, with_sensor: bool, disparity: bool) -> None:
    name = f"{made.index:06d}.png"
    write(Image(made.guide), out / "guide" / name, overwrite=True)
    if with_sensor:
        _put_depth(made.depth, out / "clean" / name, disparity=disparity)
    depth = made.sensed() if with_sensor else made.depth
    _put_depth(depth, out / "depth" / name, disparity=disparity)
    facts = out / "facts" / f"{made.index:06d}.json"
    write_bytes_atomic(facts, json_bytes(made.facts), overwrite=True)


def _put_depth(depth: DepthMap, path: Path, *, disparity: bool) -> None:
    codes = float(CODES_PER_PIXEL if disparity else CODES_PER_METRE)
    if disparity:
        values, valid = disparity_from_depth(
            depth.values, depth.valid, focal=FOCAL_TIMES_BASELINE, baseline=1.0
        )
        depth = replace(depth, values=values, valid=valid, unit="disparity_px")
    write_depth(depth, path, overwrite=True, storage=DepthStorage("png", ">u2", codes, hole=0.0))
