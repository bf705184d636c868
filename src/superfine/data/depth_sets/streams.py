"""Sequences of real depth cameras: Microsoft 7-Scenes and TUM RGB-D."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from superfine.data.depth_sets.scene import SetScene, files_in, read_guide
from superfine.data.maps import read_map
from superfine.errors import PictureError, UsageError
from superfine.types import Intrinsics

# What the authors give for every sequence: of 7-Scenes, of the depth camera; of TUM, the usual
# values of ROS, for which its maps are registered.
_7SCENES = Intrinsics(fx=585.0, fy=585.0, cx=320.0, cy=240.0)
_TUM = Intrinsics(fx=525.0, fy=525.0, cx=319.5, cy=239.5)
_LONGEST_APART = 0.02  # seconds between a map and its photo
_COLOURS = (".color.png", ".color.jpg")


def seven_scenes(folder: Path) -> Iterator[SetScene]:
    """The frames of a sequence, or of all sequences below `folder`, in metres.

    `frame-NNNNNN.depth.png` holds millimetres, 65535 where nothing was measured, and
    `frame-NNNNNN.color.png` (or .jpg, in copies) the photo. The authors did not register one to
    the other: some pixels apart, they show the same view.

    Raises:
        UsageError: No frame there.
        PictureError: A file that is missing or cannot be read.
    """
    for path in files_in(folder, "**/frame-*.depth.png", "the frames of 7-Scenes"):
        stem = path.name.removesuffix(".depth.png")
        photos = [path.with_name(stem + colour) for colour in _COLOURS]
        photo = next((one for one in photos if one.is_file()), photos[0])
        depth = replace(read_map(path, convention="7-scenes"), intrinsics=_7SCENES)
        name = path.relative_to(folder).parent / stem
        yield SetScene(name.as_posix(), depth, read_guide(photo))


def tum(folder: Path) -> Iterator[SetScene]:
    """The maps of a TUM RGB-D sequence, in metres, each with the photo taken nearest in time.

    `depth.txt` and `rgb.txt` list times in seconds and files. A map and a photo belong together
    when they are less than 0.02 s apart, the closest pairs first and each used once, as the
    authors' `associate.py`; the others are left out.

    Raises:
        UsageError: No lists there, or nothing in them fits.
        PictureError: A line without time and file, or a file that cannot be read.
    """
    maps, photos = (_listed(folder / name) for name in ("depth.txt", "rgb.txt"))
    pairs = associate([time for time, _ in maps], [time for time, _ in photos])
    if not pairs:
        raise UsageError(
            f"No depth map of {folder} was taken within {_LONGEST_APART} s of a photo.",
            hint="Do depth.txt and rgb.txt belong to one sequence?",
        )
    for i, j in pairs:
        depth = replace(read_map(folder / maps[i][1], convention="tum"), intrinsics=_TUM)
        yield SetScene(Path(maps[i][1]).stem, depth, read_guide(folder / photos[j][1]))


def associate(one: list[float], other: list[float]) -> list[tuple[int, int]]:
    """Which times of two lists belong together, sorted by the first list.

    Pairs less than 0.02 s apart are taken from the closest on, each time at most once.
    """
    by_time = sorted(range(len(other)), key=other.__getitem__)
    times = [other[j] for j in by_time]
    near = []
    for i, time in enumerate(one):
        first = bisect_left(times, time - _LONGEST_APART)
        last = bisect_right(times, time + _LONGEST_APART)
        near += [(abs(time - other[j]), i, j) for j in by_time[first:last]]
    pairs: list[tuple[int, int]] = []
    free, others = set(range(len(one))), set(range(len(other)))
    for apart, i, j in sorted(near):
        if apart < _LONGEST_APART and i in free and j in others:
            pairs.append((i, j))
            free.remove(i)
            others.remove(j)
    return sorted(pairs, key=lambda pair: one[pair[0]])


def _listed(path: Path) -> list[tuple[float, str]]:
    if not path.is_file():
        raise UsageError(
            f"{path} is missing.", hint="Give the folder of one TUM sequence, with its lists."
        )
    listed = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        try:
            listed.append((float(words[0]), words[1]))
        except (ValueError, IndexError):
            raise PictureError(
                f"{path} has a line {line[:60]!r}, expected a time and a file.",
                hint="Copy it again.",
                code="E_CORRUPT",
            ) from None
    return listed
