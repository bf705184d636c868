"""Two folders with the same pictures: HR ones, and LR ones that somebody else made."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from superfine.data.batch import Pair
from superfine.data.listing import pictures_in
from superfine.errors import PictureError, SizeMismatchError, SuperfineError, UsageError
from superfine.io.pictures import read
from superfine.types import Image

_SCALE_ENDING = re.compile(r"_?x(\d+)$")


def pairs_in(hr: Path, lr: Path, *, scale: int) -> list[Pair]:
    """The pictures of two folders, matched by name, decoded, in the integers they are stored in.

    `lr/0001.png`, `lr/0001x2.png` and `lr/0001_x2.png` all belong to `hr/0001.png` at scale 2.
    Where names of both folders end in another scale, as `superfine data prepare` writes them for
    several, those pictures are left out.

    Raises:
        UsageError: A picture without its other half, or two of one name.
        SizeMismatchError: HR is not exactly `scale` times as large, or one is grey and one is not.
        PictureError: A picture that cannot be read.
    """
    matched, alone = match(pictures_in(hr), pictures_in(lr), scale=scale)
    if alone:
        raise UsageError(
            f"{alone[0]} has no partner in the other folder ({len(alone)} such pictures).",
            hint=f"Names must agree; an LR name may end in x{scale} or _x{scale}.",
        )
    if not matched:
        raise UsageError(
            f"{hr} and {lr} hold no pictures of scale {scale}.",
            hint="Their names end in other scales.",
        )
    return [_pair(large, small, scale) for large, small in matched]


def match(
    hr: Sequence[Path], lr: Sequence[Path], *, scale: int
) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Which LR picture belongs to which HR one by its name, and those that are left alone.

    Raises:
        UsageError: Two pictures of one folder whose names differ only in their endings.
    """
    waiting = _by_stem(lr)
    matched, alone = [], []
    for stem, path in _by_stem(hr).items():
        names = (stem, f"{stem}x{scale}", f"{stem}_x{scale}")
        found = next((waiting.pop(name) for name in names if name in waiting), None)
        if _of_another_scale(stem, scale):
            continue
        if found is None:
            alone.append(path)
        else:
            matched.append((path, found))
    alone += [path for stem, path in waiting.items() if not _of_another_scale(stem, scale)]
    return matched, alone


def read_named(path: Path) -> Image:
    """The picture at `path`; what is wrong with it is said with its name.

    Raises:
        PictureError: As `superfine.io.read`.
    """
    try:
        return read(path)
    except SuperfineError as error:
        raise PictureError(f"{path}: {error.message}", hint=error.hint, code=error.code) from error


def _by_stem(paths: Sequence[Path]) -> dict[str, Path]:
    by_stem = defaultdict(list)
    for path in paths:
        by_stem[path.stem].append(path)
    for same in by_stem.values():
        if len(same) > 1:
            raise UsageError(
                f"{same[0]} and {same[1].name} have one name.", hint="Keep one of them there."
            )
    return {stem: same[0] for stem, same in by_stem.items()}


def _of_another_scale(stem: str, scale: int) -> bool:
    ending = _SCALE_ENDING.search(stem)
    return ending is not None and int(ending[1]) != scale


def _pair(hr: Path, lr: Path, scale: int) -> Pair:
    large, small = read_named(hr), read_named(lr)
    if (large.height, large.width) != (scale * small.height, scale * small.width):
        raise SizeMismatchError(
            f"{hr} is {large.width}×{large.height} and {lr} is {small.width}×{small.height}; at "
            f"scale {scale} HR must be {scale * small.width}×{scale * small.height}.",
            hint="Cut the HR picture at its right and bottom, or choose another scale.",
        )
    if large.grey != small.grey:
        colours = ["colour", "grey"]
        raise SizeMismatchError(
            f"{hr} is {colours[large.grey]} and {lr} is {colours[small.grey]}.",
            hint="Both must be grey, or both in colour.",
        )
    return Pair(lr=small.pixels.contiguous(), hr={scale: large.pixels.contiguous()})
