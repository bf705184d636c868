"""One depth map of somebody's set with its photo, and how files of a set are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from superfine.data.pairs import read_named
from superfine.errors import PictureError, SizeMismatchError, UsageError
from superfine.types import DepthMap, Image


@dataclass(frozen=True, eq=False)
class SetScene:
    """A depth map and the photo of the same view.

    Attributes:
        name: Unique in its set.
        depth: The map, with its holes.
        guide: The photo, as large as the map; None where the set has none.
    """

    name: str
    depth: DepthMap
    guide: Image | None

    def __post_init__(self) -> None:
        if self.guide is None:
            return
        size, other = ((x.width, x.height) for x in (self.guide, self.depth))
        if size != other:
            raise SizeMismatchError(
                f"The photo of {self.name} is {size[0]}x{size[1]} but its depth map is "
                f"{other[0]}x{other[1]} pixels.",
                hint="Both must show the same view at the same size.",
            )


def read_guide(path: Path) -> Image:
    """The photo at `path`.

    Raises:
        PictureError: It is missing, no picture, or damaged.
    """
    if not path.is_file():
        raise PictureError(
            f"{path} is missing: the photo of a depth map.",
            hint="Copy it again, or take the map out.",
            code="E_NOT_A_FILE",
        )
    return read_named(path)


def files_in(folder: Path, pattern: str, what: str) -> list[Path]:
    """The files of `folder` that fit `pattern`, sorted by their paths.

    Raises:
        UsageError: There are none, which are `what`.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", hint=f"Give the folder with {what}.")
    found = sorted(folder.glob(pattern))
    if not found:
        raise UsageError(f"{folder} holds no {pattern}.", hint=f"Give the folder with {what}.")
    return found
