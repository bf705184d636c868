"""Which files of a folder are pictures; without torch, so that listing answers at once."""

from __future__ import annotations

from pathlib import Path

from superfine.errors import UsageError

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
